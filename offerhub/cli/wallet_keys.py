"""`offerhub keys wallet-keys` and `rotate-wallet-keys`; and the check before anything starts.

Nothing here shows a key: only ids and fingerprints.
"""

import json
from typing import TYPE_CHECKING

import click

from offerhub.cli.exits import Exit, Failure

if TYPE_CHECKING:
    from offerhub.services.context import App
    from offerhub.settings import Settings


@click.command("wallet-keys")
@click.option("--verify", is_flag=True, help="Open every sealed secret, too; takes its time.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
def wallet_keys(verify: bool, as_json: bool) -> None:
    """Count what is sealed under each wallet key, and say which keys may be dropped.

    Exit code 1 when a key in use is missing, or a secret does not open.
    """
    from offerhub.cli.application import operator_context
    from offerhub.services import wallet_keys as service

    ctx = operator_context()
    report = service.usage(ctx)
    if verify:
        report["problems"] = service.verify(ctx)
    missing = [key for key in report["keys"] if not key["configured"]]
    if as_json:
        click.echo(json.dumps(report))
    else:
        for key in report["keys"]:
            word = "active" if key["active"] else "kept"
            if not key["configured"]:
                word = "MISSING"
            elif key["may_be_dropped"]:
                word = "may be dropped"
            click.echo(
                f"{key['id']:<12} {key['fingerprint'] or '-':<16}  {key['wallets']} wallets,"
                f" {key['webhook_secrets']} webhook secrets  {word}"
            )
        for problem in report.get("problems", []):
            click.echo(f"{problem['id']}: {problem['problem']}")
    raise SystemExit(Exit.FAILED if missing or report.get("problems") else Exit.OK)


@click.command("rotate-wallet-keys")
@click.option(
    "--batch", type=click.IntRange(1, 5000), default=200, show_default=True,
    help="How many wallets are rewrapped in one transaction.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def rotate_wallet_keys(batch: int, as_json: bool) -> None:
    """Rewrap every wallet key and webhook secret under the active wallet key.

    Everything else may run meanwhile, and a rotation that was stopped goes on when it is started
    again. First put the new key in front in OFFERHUB_WALLET_KEKS, keep the old one, and start the
    deployment anew. Exit code 4 when something could not be rewrapped.
    """
    from offerhub.cli.application import operator_context
    from offerhub.services import wallet_keys as service

    ctx = operator_context()
    refuse_without_keys(ctx.app)
    outcome = service.rotate(ctx, batch=batch, progress=_show)
    if as_json:
        click.echo(json.dumps(outcome))
    else:
        click.echo(
            f"{outcome['wallets']} wallets and {outcome['webhook_secrets']} webhook secrets are"
            f" now sealed under {outcome['active']}."
        )
        for problem in outcome["failed"]:
            click.echo(f"{problem['id']}: {problem['problem']}")
    raise SystemExit(Exit.RESUMABLE if outcome["failed"] else Exit.OK)


def refuse_without_keys(app: "App") -> None:
    """Raises: Failure when a wallet key that is in use is missing, or is another one."""
    from offerhub.services.context import system_context
    from offerhub.services.wallet_keys import WalletKeysWrong, require

    try:
        require(system_context(app, name="start"))
    except WalletKeysWrong as error:
        raise Failure(str(error), code=Exit.PREFLIGHT) from error


def refuse_to_start_without_keys(app: "App") -> None:
    """The same for a process that starts; with a database that is away it starts all the same.

    Health says then what is wrong, and the process works as soon as the database is back.
    Raises: Failure.
    """
    import structlog

    from offerhub.store.failures import is_unavailable

    try:
        refuse_without_keys(app)
    except Failure:
        raise
    except Exception as error:
        if not is_unavailable(error):
            raise
        structlog.get_logger(__name__).warning("wallet_keys.unchecked", error=str(error)[:200])


def check_before_serving(settings: "Settings") -> None:
    """The same in a process that forks afterwards: no connection of it is left open.

    Raises: Failure.
    """
    from offerhub.bootstrap import build_app
    from offerhub.store.database import close

    refuse_to_start_without_keys(build_app(settings))
    close()


def _show(done: int, total: int) -> None:
    click.echo(f"{done} of {total}", err=True)

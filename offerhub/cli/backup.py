"""`offerhub db backup` and `offerhub db restore`: a checked copy, and the way back from it."""

import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from offerhub.cli.exits import Exit, Failure

if TYPE_CHECKING:
    from offerhub.services.context import Context

_FILE = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))


@click.command()
@_FILE
@click.option("--check/--no-check", default=True, help="Restore the copy to a scratch file, check.")
@click.option("--json", "as_json", is_flag=True, help="Print what was copied as JSON.")
def backup(file: Path, check: bool, as_json: bool) -> None:
    """Copy the database to FILE while everything goes on, and check the copy."""
    from offerhub.cli.application import operator_context
    from offerhub.store import backup as store
    from offerhub.store.database import is_postgres

    ctx, url = operator_context(), _database_url()
    began_s = time.monotonic()
    try:
        store.copy_to(file, url=url, now=ctx.now_ms())
    except FileExistsError as error:
        raise Failure(f"{file} is there already; copies are never overwritten") from error
    except store.BackupFailed as error:
        raise Failure(str(error)) from error
    except OSError as error:
        raise Failure(f"{file} cannot be written: {error.strerror or error}") from error
    findings: dict[str, Any] | None = None
    if check and not is_postgres():
        findings = _check_scratch(ctx, file)
    told = {
        "file": str(file),
        "bytes": file.stat().st_size,
        "took_s": round(time.monotonic() - began_s, 2),
        "checked": findings,
    }
    if as_json:
        click.echo(json.dumps(told))
    else:
        click.echo(f"{told['bytes']} bytes in {file}, {told['took_s']} s.")
        click.echo(_words(findings), err=True)
    if findings is not None and not findings["right"]:
        raise SystemExit(Exit.FAILED)


@click.command()
@_FILE
@click.option(
    "--checkpoints", "noted", type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A file of audit checkpoints, kept elsewhere. Default: the deployment's own.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def restore(file: Path, noted: Path | None, as_json: bool) -> None:
    """Make FILE the database, which must be empty; maintenance is on afterwards.

    Migrates it, checks the books and the audit chain, and has the deployment look for what it
    did after the backup before it does it again. A copy that somebody changed cannot fit the audit
    checkpoints from before it was made.
    """
    from offerhub.cli.application import operator_context
    from offerhub.services import restored
    from offerhub.store import backup as store
    from offerhub.store.migrations import migrate, unknown

    _require_stopped()
    url = _database_url()
    if not file.is_file():
        raise Failure(f"{file} is not a file", code=Exit.USAGE)
    try:
        store.put_back(file, url=url)
    except (store.NotEmpty, store.BackupFailed) as error:
        raise Failure(f"nothing was restored: {error}") from error
    if newer := unknown(url):
        raise Failure(
            f"the copy is of a newer version: it has {newer[-1]}. Run that version, or restore"
            " another copy into another empty database",
            code=Exit.NEEDS_RESTORE,
        )
    migrate(url)
    ctx = operator_context()
    try:
        forgotten = restored.note(ctx)
    except LookupError as error:
        raise Failure(f"{file} is no copy made by `offerhub db backup`: {error}") from error
    findings = _check(ctx, checkpoints=_checkpoints(ctx, noted))
    told = {**findings, "forgotten": forgotten, "set_aside": _set_checkpoints_aside()}
    if as_json:
        click.echo(json.dumps(told))
    else:
        click.echo(_words(findings))
        if told["set_aside"]:
            click.echo(f"Newer audit checkpoints were kept as {told['set_aside']}.", err=True)
        click.echo(
            "Maintenance is on. Start with `offerhub up`, look at `offerhub reconcile`,"
            " then `offerhub maintenance off`. See docs/operations/backup.md.",
            err=True,
        )
    if not findings["right"]:
        raise SystemExit(Exit.FAILED)


def _database_url() -> str:
    from offerhub.cli.deployment import read_settings

    return read_settings().database_url


def _require_stopped() -> None:
    from offerhub.cli.appliance import supervisord
    from offerhub.cli.deployment import find_home

    home = find_home()
    if home is not None and supervisord.connect(home) is not None:
        raise Failure("the deployment is running; `offerhub down` first")


def _check_scratch(ctx: "Context", file: Path) -> dict[str, Any]:
    """Restore the copy beside itself, check it there, and go back to the deployment's database."""
    from offerhub.store import backup as store
    from offerhub.store.database import close, connect_to

    with tempfile.TemporaryDirectory(dir=file.absolute().parent, prefix=".check-") as folder:
        scratch = f"sqlite:///{Path(folder) / 'copy.db'}"
        store.put_back(file, url=scratch)
        close()
        connect_to(scratch)
        try:
            return _check(ctx)
        finally:
            close()
            connect_to(_database_url())


def _checkpoints(ctx: "Context", given: Path | None) -> list[str]:
    """The lines of the given file, else of the deployment's own; none where there is no file."""
    from offerhub.bootstrap import checkpoint_file_at

    kept = ctx.app.checkpoint_file if given is None else checkpoint_file_at(given)
    return kept.lines() if kept is not None else []


def _check(ctx: "Context", *, checkpoints: list[str] | None = None) -> dict[str, Any]:
    """The books, the audit chain, and whether every secret opens with the keys that are here.

    checkpoints: lines that the chain, as far as it goes, must fit.
    """
    from offerhub.services import audit_chain, treasury, wallet_keys

    books = treasury.check_books(ctx)
    chain = audit_chain.verify(ctx, checkpoints=checkpoints, older=True)
    secrets = wallet_keys.verify(ctx)
    compared = chain.get("checkpoints") or {"checked": 0, "first_broken": None}
    return {
        "right": not books and chain["valid"] and not secrets,
        "books": books,
        "audit_links": chain["checked"],
        "audit_broken": chain["first_broken"] or compared["first_broken"],
        "audit_checkpoints": compared["checked"],
        "secrets": secrets,
    }


def _set_checkpoints_aside() -> str | None:
    """Checkpoints of what the copy has forgotten would be alarms for ever; they are kept apart."""
    from offerhub.cli.deployment import find_home
    from offerhub.settings import paths

    home = find_home()
    file = paths.audit_checkpoints(home) if home is not None else None
    if file is None or not file.exists():
        return None
    kept = file.with_name(f"{file.stem}.before-restore-{int(time.time())}{file.suffix}")
    file.rename(kept)
    return str(kept)


def _words(findings: dict[str, Any] | None) -> str:
    if findings is None:
        return "The file is whole; its books were not checked."
    if findings["right"]:
        return (
            f"The copy is right: the books balance, {findings['audit_links']} audit links hold"
            f" (against {findings['audit_checkpoints']} checkpoints), every wallet key opens."
        )
    return "THE COPY IS NOT RIGHT: " + json.dumps(findings)

"""`offerhub audit …`: the audit trail, and the proof that it is whole."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from offerhub.cli.exits import Exit, Failure

if TYPE_CHECKING:
    from offerhub.services.context import Context


@click.group()
def audit() -> None:
    """List audit records, and prove that none was changed."""


@audit.command("list")
@click.option("--resource", "resource_id", help="Only records about this id.")
@click.option("--type", "resource_type", help="Only records about this kind: order, user …")
@click.option("--action", help="Only this action, such as order.release.")
@click.option("--user", "user_id", help="Only records about or by this user.")
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=50,
    show_default=True,
    help="How many at most.",
)
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON, whole.")
def list_(
    resource_id: str | None,
    resource_type: str | None,
    action: str | None,
    user_id: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List audit records, newest first."""
    from offerhub.cli.application import operator_context
    from offerhub.cli.paging import gather
    from offerhub.services import audit_log

    ctx = operator_context()
    found = gather(
        lambda size, cursor: audit_log.list_records(
            ctx, limit=size, cursor=cursor, resource_id=resource_id,
            resource_type=resource_type, action=action, user_id=user_id,
        ),
        limit=limit,
    )  # fmt: skip
    if as_json:
        click.echo(json.dumps({"records": found}))
        return
    from offerhub.logs import printable

    for row in found:
        who = " ".join(filter(None, (row["actor"]["type"], row["actor"]["id"])))
        outcome = "" if row["result"] == "success" else f"  {row['result']}: {row['error_code']}"
        click.echo(
            printable(
                f"{row['occurred_at']}  {row['action']:<26} {row['resource_id'] or '-':<28}"
                f" by {who}{outcome}"
            )
        )


@audit.command()
@click.option(
    "--checkpoints", "file", type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A file of checkpoints, kept elsewhere. Default: the deployment's own, if there is one.",
)  # fmt: skip
@click.option(
    "--public-key", "trusted", multiple=True,
    help="A key that may have signed checkpoints besides the deployment's present one.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def verify(file: Path | None, trusted: tuple[str, ...], as_json: bool) -> None:
    """Prove that no sealed record was changed, removed or inserted; exit code 1 when one was.

    The chain shows changes; only checkpoints show a cut-off end and a chain computed anew.
    """
    from offerhub.cli.application import operator_context
    from offerhub.services import audit_chain

    ctx = operator_context()
    kept = _file(ctx, file)
    lines = kept.lines() if kept is not None else None
    report = audit_chain.verify(ctx, checkpoints=lines, trusted_keys=trusted)
    if as_json:
        click.echo(json.dumps(report))
    else:
        click.echo("\n".join(_words(report)))
    raise SystemExit(Exit.OK if report["valid"] else Exit.FAILED)


@audit.command()
@click.option(
    "--out", "file", type=click.Path(path_type=Path, dir_okay=False), required=True,
    help="File to append the checkpoint to, or - for stdout. Keep it on another machine.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Say as JSON what was written.")
def checkpoint(file: Path, as_json: bool) -> None:
    """Write a signed checkpoint of the audit chain to a file outside the database."""
    from offerhub.cli.application import operator_context
    from offerhub.services import checkpoints

    ctx = operator_context()
    place = Printed() if str(file) == "-" else _file(ctx, file)
    assert place is not None
    try:
        line = checkpoints.write(ctx, place, unchanged_too=True)
    except checkpoints.ChainRewritten as error:
        raise Failure(f"the audit chain is not the one in {file}: {error}") from error
    except OSError as error:
        raise Failure(f"{file} cannot be written: {error.strerror}") from error
    if line is None:
        raise Failure("there is no sealed audit record yet; is the relay running?")
    written = json.loads(line)
    if isinstance(place, Printed):
        click.echo(line)
    elif as_json:
        click.echo(json.dumps({"file": str(file), "checkpoint": written}))
    else:
        click.echo(f"wrote number {written['number']} to {file}", err=True)


class Printed:
    """A checkpoint that is piped to wherever it is kept: no line comes before it."""

    def lines(self) -> list[str]:
        return []

    def append(self, make: Any) -> str | None:
        line: str | None = make(None)
        return line


def _file(ctx: "Context", given: Path | None) -> Any:
    """The given file, else the deployment's own; None when there is neither."""
    own = ctx.app.checkpoint_file
    if given is None:
        return own
    if given.exists() and not given.is_file():
        raise Failure(f"{given} is not a file", code=Exit.USAGE)
    from offerhub.bootstrap import checkpoint_file_at

    return checkpoint_file_at(given)


def _words(report: dict[str, Any]) -> list[str]:
    head = report["head"]
    told = [f"{report['checked']} links hold, up to number {head['number']}, hash {head['hash']}."]
    if report["unsealed"]:
        told.append(f"{report['unsealed']} records are not sealed yet.")
    broken = report["first_broken"]
    if broken:
        told.append(f"BROKEN at link {broken['number']}: {broken['problem']}.")
    found = report.get("checkpoints")
    if found is None:
        told.append("There is no file of checkpoints: a cut-off end would not show.")
    elif found["first_broken"]:
        broken = found["first_broken"]
        told.append(f"CHECKPOINT on line {broken['line']} does not hold: {broken['problem']}.")
    elif not found["checked"]:
        told.append("There are no checkpoints yet: a cut-off end would not show.")
    else:
        newest = found["newest"]
        told.append(
            f"{found['checked']} checkpoints hold, the newest of number {newest['number']},"
            f" made at {newest['at']}."
        )
    return told

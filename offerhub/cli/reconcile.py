"""`offerhub reconcile`: our books against what the providers hold, now."""

import json
from typing import Any

import click

from offerhub.cli.exits import Exit


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the run and its differences as JSON.")
def reconcile(as_json: bool) -> None:
    """Compare every asset account with its provider; nothing is ever put right silently.

    Exit code 0 when all that could be asked is the same, 1 when something differs.
    """
    from offerhub.cli.application import operator_context
    from offerhub.services import reconciliation

    found = reconciliation.run(operator_context())
    click.echo(json.dumps(found) if as_json else "\n".join(_words(found)))
    raise SystemExit(Exit.OK if found["status"] == "MATCHED" else Exit.FAILED)


def _words(found: dict[str, Any]) -> list[str]:
    told = [
        f"{found['id']}: {found['checked']} accounts compared, {found['differing']} differ,"
        f" {found['unreachable']} could not be asked."
    ]
    told += [
        f"  {one['detail']['account']} ({one['detail']['place']}): ours {one['ours_exact']},"
        f" theirs {one['theirs_exact']}"
        for one in found["differences"]
    ]
    return told

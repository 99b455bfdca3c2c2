"""`offerhub db forgotten` and `close-forgotten`: what a restore still looks for, and its end."""

import json
from typing import Any

import click

from offerhub.cli.exits import Failure


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def forgotten(as_json: bool) -> None:
    """Say which times a restored database has forgotten, and whether they can be closed."""
    from offerhub.cli.application import operator_context
    from offerhub.services import forgetting

    operator_context()
    found = forgetting.current()
    click.echo(json.dumps(found) if as_json else "\n".join(_words(found)))


@click.command("close-forgotten")
@click.option("--reason", required=True, help="Why; kept in the audit record.")
@click.option("--force", is_flag=True, help="Although differences are open. Compare them first.")
@click.option("--json", "as_json", is_flag=True, help="Print what was closed as JSON.")
def close_forgotten(reason: str, force: bool, as_json: bool) -> None:
    """Look no more for what was done and forgotten. It cannot be taken back.

    Refused until everything was compared since the restore without a difference being left, unless
    forced; and, even so, while work of the copy has not ended.
    """
    from offerhub.cli.application import operator_context
    from offerhub.domain.errors import OfferHubError
    from offerhub.services import forgetting

    try:
        found = forgetting.close(operator_context(), reason=reason, force=force)
    except OfferHubError as error:
        raise Failure(error.message) from error
    if as_json:
        click.echo(json.dumps(found))
    else:
        click.echo("The restore is closed.", err=True)


def _words(found: dict[str, Any]) -> list[str]:
    if not found["times"]:
        return ["Nothing is forgotten: no restore is open."]
    lines = [f"Forgotten from {one['from']} to {one['to']}." for one in found["times"]]
    lines += [f"  forbids closing: {one}" for one in found["forbids"]]
    lines += [f"  against closing: {one}" for one in found["against"]]
    if not found["forbids"] and not found["against"]:
        lines.append("Everything was compared: `offerhub db close-forgotten --reason …` ends it.")
    return lines

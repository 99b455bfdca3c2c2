"""`offerhub maintenance …`: mutations are told to wait while everything else goes on."""

import json
from typing import Any

import click

from offerhub.cli.exits import Failure

_AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print the state as JSON.")


@click.group()
def maintenance() -> None:
    """Turn maintenance on or off."""


@maintenance.command()
@click.option("--message", help="What clients are told; at most 500 characters.")
@click.option(
    "--retry-after", "retry_after_s", type=click.IntRange(1, 86_400),
    help="Seconds after which clients should try again; 60 without it.",
)  # fmt: skip
@_AS_JSON
def on(message: str | None, retry_after_s: int | None, as_json: bool) -> None:
    """Answer every mutation with 503 until it is turned off; reads and webhooks go on."""
    if message is not None and not 1 <= len(message.strip()) <= 500:
        raise Failure("a message has 1 to 500 characters.")
    _switch(as_json, enabled=True, message=message and message.strip(), retry_after_s=retry_after_s)


@maintenance.command()
@_AS_JSON
def off(as_json: bool) -> None:
    """Take mutations again."""
    _switch(as_json, enabled=False)


@maintenance.command()
@_AS_JSON
def status(as_json: bool) -> None:
    """Say whether maintenance is on, since when and why; the exit code is 0 either way."""
    from offerhub.cli.application import operator_context
    from offerhub.services import maintenance as service

    _show(service.current(operator_context()), as_json)


def _switch(as_json: bool, **wanted: Any) -> None:
    from offerhub.cli.application import operator_context
    from offerhub.services import maintenance as service

    _show(service.switch(operator_context(), **wanted), as_json)


def _show(state: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(state))
    elif state["enabled"]:
        from offerhub.logs import printable

        said = printable(state["message"])
        click.echo(
            f"Maintenance is on since {state['since']} (by {state['by']}): {said}"
            f" Clients try again after {state['retry_after_s']} s."
        )
    else:
        click.echo("Maintenance is off.")

"""`offerhub operations …`: long work with the providers."""

import json

import click

OUTCOMES = ("FAILED", "CLOSED")
STATES = ("PENDING", "STUCK", "SUCCEEDED", "FAILED", "SETTLED")


@click.group()
def operations() -> None:
    """List, retry and settle long work."""


@operations.command("list")
@click.option("--status", type=click.Choice(STATES), help="Only operations in this state.")
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=50,
    show_default=True,
    help="How many at most.",
)
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON, with their steps.")
def list_(status: str | None, limit: int, as_json: bool) -> None:
    """List operations, newest first."""
    from offerhub.cli.application import operator_context
    from offerhub.cli.paging import gather
    from offerhub.services import operations as service

    ctx = operator_context()
    found = gather(
        lambda size, cursor: service.list_operations(ctx, status=status, limit=size, cursor=cursor),
        limit=limit,
    )
    if as_json:
        click.echo(json.dumps({"operations": found}))
        return
    from offerhub.logs import printable

    for row in found:
        click.echo(
            f"{row['id']}  {row['kind']:<18} {row['status']:<10} {printable(row['subject_id'])}"
            f"  {_waiting(row)}{printable(row['message'] or '')}"
        )


def _waiting(row: dict[str, object]) -> str:
    return f"turn expected at {row['expected_at']}; " if row["expected_at"] else ""


@operations.command()
@click.argument("operation_id")
@click.option("--reason", required=True, help="Why; kept in the audit record.")
@click.option("--json", "as_json", is_flag=True, help="Print the operation as JSON.")
def retry(operation_id: str, reason: str, as_json: bool) -> None:
    """Put a stuck operation back to work."""
    from offerhub.cli.application import operator_context
    from offerhub.cli.exits import Failure
    from offerhub.domain.errors import OfferHubError
    from offerhub.services import operations as service

    try:
        found = service.retry(operator_context(), operation_id, reason=reason)
    except OfferHubError as error:
        raise Failure(error.message) from error
    if as_json:
        click.echo(json.dumps(found))
    else:
        click.echo(f"{operation_id} is back at work.", err=True)


@operations.command()
@click.argument("operation_id")
@click.option(
    "--outcome", type=click.Choice(OUTCOMES), required=True,
    help="FAILED: nothing happened at the provider, undo the request. CLOSED: only end it.",
)  # fmt: skip
@click.option("--reason", required=True, help="Why; kept in the audit record.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print the operation as JSON.")
def settle(operation_id: str, outcome: str, reason: str, yes: bool, as_json: bool) -> None:
    """End a stuck operation by hand. It cannot be taken back, so it asks first.

    FAILED is refused while a step's outcome is unknown, or where nothing can be undone.
    """
    from offerhub.cli.application import operator_context
    from offerhub.cli.exits import Failure
    from offerhub.domain.errors import OfferHubError
    from offerhub.services import settling

    if not yes:
        click.confirm(f"Settle {operation_id} as {outcome}, for good?", abort=True, err=True)
    try:
        found = settling.settle(operator_context(), operation_id, outcome=outcome, reason=reason)
    except OfferHubError as error:
        raise Failure(error.message) from error
    if as_json:
        click.echo(json.dumps(found))
    else:
        click.echo(f"{operation_id} is settled as {outcome}.", err=True)

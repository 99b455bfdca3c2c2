"""`offerhub operations …`: long work with the providers."""

import json

import click

STATES = ("PENDING", "STUCK", "SUCCEEDED", "FAILED", "SETTLED")


@click.group()
def operations() -> None:
    """List and retry long work."""


@operations.command("list")
@click.option("--status", type=click.Choice(STATES), help="Only operations in this state.")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many at most."
)
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON, with their steps.")
def list_(status: str | None, limit: int, as_json: bool) -> None:
    """List operations, newest first."""
    from offerhub.cli.application import operator_context
    from offerhub.services import operations as service

    found = service.list_operations(operator_context(), status=status, limit=limit)
    if as_json:
        click.echo(json.dumps({"operations": found}))
        return
    for row in found:
        click.echo(
            f"{row['id']}  {row['kind']:<18} {row['status']:<10} {row['subject_id']}"
            f"  {row['message'] or ''}"
        )


@operations.command()
@click.argument("operation_id")
@click.option("--reason", required=True, help="Why; kept in the audit record.")
def retry(operation_id: str, reason: str) -> None:
    """Put a stuck operation back to work."""
    from offerhub.cli.application import operator_context
    from offerhub.cli.exits import Failure
    from offerhub.domain.errors import OfferHubError
    from offerhub.services import operations as service

    try:
        service.retry(operator_context(), operation_id, reason=reason)
    except OfferHubError as error:
        raise Failure(error.message) from error
    click.echo(f"{operation_id} is back at work.", err=True)

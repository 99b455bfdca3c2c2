"""`offerhub dead-letters …`: received webhooks and deliveries that ran out of attempts."""

import json

import click

from offerhub.cli.exits import Failure


@click.group(name="dead-letters")
def dead_letters() -> None:
    """List, retry and discard work that ran out of attempts."""


@dead_letters.command("list")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=50, show_default=True,
    help="How many at most.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def list_(limit: int, as_json: bool) -> None:
    """List them, newest first. Operations that are stuck are listed by `operations list`."""
    from offerhub.cli.application import operator_context
    from offerhub.cli.paging import gather
    from offerhub.services import dead_letters as service

    ctx = operator_context()
    found = gather(
        lambda size, cursor: service.list_dead_letters(ctx, limit=size, cursor=cursor),
        limit=limit,
    )
    if as_json:
        click.echo(json.dumps({"dead_letters": found}))
        return
    from offerhub.logs import printable

    for letter in found:
        click.echo(
            printable(
                f"{letter['id']}  {letter['since']}  {letter['subject']}"
                f"  {letter['reference'] or '-'}"
                f"  {letter['attempts']} attempts: {letter['reason'] or ''}"
            )
        )
        if letter["do"]:
            click.echo(f"    do: {letter['do']}")


@dead_letters.command()
@click.argument("letter_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print what became of it as JSON.")
def retry(letter_id: str, as_json: bool) -> None:
    """Put one back to work, with all its attempts."""
    from offerhub.cli.application import operator_context
    from offerhub.domain.errors import OfferHubError
    from offerhub.services import dead_letters as service

    try:
        found = service.retry(operator_context(), letter_id)
    except OfferHubError as error:
        raise Failure(error.message) from error
    _done(found, f"{letter_id} is back at work.", as_json)


@dead_letters.command()
@click.argument("letter_id", metavar="ID")
@click.option("--reason", required=True, help="Why; kept in the audit record.")
@click.option("--json", "as_json", is_flag=True, help="Print what became of it as JSON.")
def discard(letter_id: str, reason: str, as_json: bool) -> None:
    """Give one up for good. Its row and the reason stay."""
    from offerhub.cli.application import operator_context
    from offerhub.domain.errors import OfferHubError
    from offerhub.services import dead_letters as service

    if not reason.strip():
        raise Failure("say why; the reason is kept.")
    try:
        service.discard(operator_context(), letter_id, reason=reason.strip())
    except OfferHubError as error:
        raise Failure(error.message) from error
    _done({"id": letter_id, "status": "DISCARDED"}, f"{letter_id} is discarded.", as_json)


def _done(found: dict[str, object], text: str, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(found))
    else:
        click.echo(text, err=True)

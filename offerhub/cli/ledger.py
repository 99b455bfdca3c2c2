"""`offerhub ledger …`: the books, read directly."""

import json
from typing import Any

import click

from offerhub.cli.exits import Exit


@click.group()
def ledger() -> None:
    """Check the books, and book what a wallet holds."""


@ledger.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def check(as_json: bool) -> None:
    """Check every invariant over everything ever posted; exit code 1 when one is broken."""
    from offerhub.cli.application import operator_context
    from offerhub.services import book_check, treasury

    ctx = operator_context()
    findings = treasury.check_books(ctx)
    if as_json:
        click.echo(json.dumps({"findings": findings}))
    elif findings:
        for finding in findings:
            click.echo(
                f"{finding['invariant']}: {finding['subject']} is {finding['found_exact']},"
                f" not {finding['expected_exact']}"
            )
    else:
        click.echo("The books are right: every transfer balances, every balance is its entries.")
    book_check.note(ctx, findings)
    raise SystemExit(Exit.FAILED if findings else Exit.OK)


@ledger.command()
@click.option("--json", "as_json", is_flag=True, help="Print the sheet as JSON.")
def sheet(as_json: bool) -> None:
    """Show the balance sheet: where the money sits, and whom it belongs to."""
    from offerhub.cli.application import operator_context
    from offerhub.services import treasury

    found = treasury.balance_sheet(operator_context())
    click.echo(json.dumps(found) if as_json else _table(found))


@ledger.command("correct-wallet")
@click.argument("user_id")
@click.option("--amount", required=True, help="The very difference, with up to seven decimals.")
@click.option(
    "--direction", type=click.Choice(("MORE", "LESS")), required=True,
    help="Whether the wallet holds more or less than the books say.",
)  # fmt: skip
@click.option("--reason", required=True, help="Why; kept in the audit record.")
@click.option("--reference", required=True, help="Your own; it can be used once.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print what was booked as JSON.")
def correct_wallet(
    user_id: str,
    amount: str,
    direction: str,
    reason: str,
    reference: str,
    yes: bool,
    as_json: bool,
) -> None:
    """Book what a user's wallet holds more or less than the books say. No balance changes.

    The chain is asked first, and only the difference that is there now can be booked. It cannot be
    taken back, so it asks first.
    """
    from offerhub.cli.application import operator_context
    from offerhub.cli.exits import Failure
    from offerhub.domain.errors import OfferHubError
    from offerhub.domain.money import parse_exact
    from offerhub.services import corrections

    if not yes:
        click.confirm(
            f"Book {amount} {direction} in the wallet of {user_id}?", abort=True, err=True
        )
    try:
        found = corrections.correct_wallet(
            operator_context(),
            user_id,
            amount_stroops=parse_exact(amount),
            direction=direction,
            reason=reason,
            reference=reference,
        )
    except OfferHubError as error:
        raise Failure(error.message) from error
    if as_json:
        click.echo(json.dumps(found))
    else:
        click.echo(f"{found['account']}: {found['before_exact']} -> {found['after_exact']}")


def _table(sheet_: dict[str, Any]) -> str:
    rows = [(line["account"], line["amount_exact"]) for line in sheet_["assets"]]
    rows.append(("assets", sheet_["assets_total_exact"]))
    rows.append(("owed to users", sheet_["owed_to_users_exact"]))
    rows += [(line["account"], line["amount_exact"]) for line in sheet_["equity"]]
    rows.append(("difference", sheet_["difference_exact"]))
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {amount:>20} USD" for name, amount in rows)

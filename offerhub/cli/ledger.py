"""`offerhub ledger …`: the books, read directly."""

import json
from typing import Any

import click

from offerhub.cli.exits import Exit


@click.group()
def ledger() -> None:
    """Check the books."""


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


def _table(sheet_: dict[str, Any]) -> str:
    rows = [(line["account"], line["amount_exact"]) for line in sheet_["assets"]]
    rows.append(("assets", sheet_["assets_total_exact"]))
    rows.append(("owed to users", sheet_["owed_to_users_exact"]))
    rows += [(line["account"], line["amount_exact"]) for line in sheet_["equity"]]
    rows.append(("difference", sheet_["difference_exact"]))
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {amount:>20} USD" for name, amount in rows)

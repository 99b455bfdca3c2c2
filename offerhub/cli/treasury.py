"""`offerhub treasury`: whether each rail can pay, the balance sheet, the platform's wallets."""

import json
from typing import Any

import click

from offerhub.cli.exits import Exit


@click.command()
@click.option("--ask", is_flag=True, help="Also ask Airtm and the chain what they hold.")
@click.option(
    "--history", "last", type=click.IntRange(1, 1000), help="Show this many hourly snapshots."
)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def treasury(ask: bool, last: int | None, as_json: bool) -> None:
    """Show where the money sits, whom it belongs to, and whether each rail can pay.

    Exit code 1 when it cannot.
    """
    from offerhub.cli.application import operator_context
    from offerhub.logs import printable
    from offerhub.services import solvency
    from offerhub.services import treasury as service

    ctx = operator_context()
    if last is not None:
        kept = solvency.history(ctx, limit=last)
        click.echo(json.dumps(kept) if as_json else "\n".join(_kept(kept)))
        return
    found = {
        **service.balance_sheet(ctx),
        "wallets": service.platform_wallets(ctx),
        "solvency": solvency.view(ctx, ask=ask),
    }
    told = [*_solvency(found), *_sheet(found)]
    click.echo(json.dumps(found) if as_json else "\n".join(map(printable, told)))
    raise SystemExit(Exit.OK if found["solvency"]["solvent"] else Exit.FAILED)


def _solvency(found: dict[str, Any]) -> list[str]:
    view = found["solvency"]
    lines = ["SOLVENT" if view["solvent"] else "NOT SOLVENT"]
    if view["shortage_exact"] != "0.0000000":
        lines.append(f"  all assets are short of what is owed by {view['shortage_exact']} USD")
    for rail in view["rails"]:
        words = "can pay" if rail["solvent"] else f"SHORT BY {rail['shortage_exact']}"
        lines.append(
            f"  {rail['rail']:<8} {words}: holds {rail['holds_exact']},"
            f" of it spendable {rail['spendable_exact']}, committed {rail['committed_exact']}"
        )
        if rail["theirs_exact"] is not None:
            lines.append(f"           the provider says {rail['theirs_exact']}")
    lines.append(
        f"  owed to users: available {view['available_exact']}, reserved {view['reserved_exact']},"
        f" withdrawing {view['withdrawing_exact']}; in escrow {view['in_escrow_exact']};"
        f" in transit {view['in_transit_exact']}"
    )
    for wallet in view["xlm"] or []:
        words = "enough" if wallet["suffices"] else "NOT ENOUGH: send XLM"
        lines.append(
            f"  XLM of {wallet['role']} {wallet['address']}: {wallet['spendable_xlm']}"
            f" of {wallet['needed_xlm']} needed, {words}"
        )
    return [*lines, ""]


def _sheet(found: dict[str, Any]) -> list[str]:
    rows = [(one["account"], one["amount_exact"], one["place"] or "") for one in found["assets"]]
    rows.append(("assets", found["assets_total_exact"], ""))
    rows.append(("owed to users", found["owed_to_users_exact"], ""))
    rows += [(one["account"], one["amount_exact"], "") for one in found["equity"]]
    rows.append(("difference", found["difference_exact"], ""))
    width = max(len(name) for name, _, _ in rows)
    lines = [f"{name:<{width}}  {amount:>20} USD  {place}".rstrip() for name, amount, place in rows]
    lines += [f"{role + ' wallet':<{width}}  {a}" for role, a in found["wallets"].items()]
    return [*lines, f"{found['pending_operations']} operations may still move money."]


def _kept(snapshots: list[dict[str, Any]]) -> list[str]:
    return [
        f"{one['taken_at']}  {'solvent' if one['solvent'] else 'NOT SOLVENT':<11}"
        f"  available {one['available_exact']}  reserved {one['reserved_exact']}"
        f"  withdrawing {one['withdrawing_exact']}  in escrow {one['in_escrow_exact']}"
        for one in snapshots
    ] or ["No snapshot was taken yet; the scheduler takes one every hour."]

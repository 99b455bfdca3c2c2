"""Comparing our books with the providers' own, account by account, to the stroop."""

import time
from typing import Any

from offerhub.cli.demo.deployment import Deployment
from offerhub.cli.demo.telling import Teller

SETTLE_S = 45.0
NOTHING = "0.0000000"


def compare(deployment: Deployment, tell: Teller) -> dict[str, Any]:
    """Every asset account against the place where the money really sits.

    Waits for sweeps that are still under way, at most SETTLE_S.
    """
    tell.step("Our books against the providers' own, account by account")
    end = time.monotonic() + SETTLE_S
    while True:
        sheet = deployment.balance_sheet()
        rows = _rows(sheet, deployment.sandbox().world())
        if all(row["same"] for row in rows) and not sheet["pending_operations"]:
            break
        if time.monotonic() > end:
            break
        time.sleep(0.5)
    tell.compared(rows)
    findings = deployment.broken_invariants()
    for finding in findings:
        tell.say(f"BROKEN: {finding['invariant']}: {finding['subject']}")
    tell.fact("assets", f"{sheet['assets_total_exact']} USD")
    tell.fact("owed to users", f"{sheet['owed_to_users_exact']} USD")
    tell.fact("equity", f"{sheet['equity_total_exact']} USD")
    tell.fact("difference", f"{sheet['difference_exact']} USD")
    matched = (
        all(row["same"] for row in rows)
        and not findings
        and sheet["difference_exact"] == NOTHING
        and not sheet["pending_operations"]
    )
    return {
        "matched": matched,
        "accounts": rows,
        "findings": findings,
        "difference": sheet["difference_exact"],
        "pending_operations": sheet["pending_operations"],
    }


def _rows(sheet: dict[str, Any], world: dict[str, Any]) -> list[dict[str, Any]]:
    theirs = _theirs(world)
    rows = []
    for line in sheet["assets"]:
        there = theirs.get(line["place"], NOTHING)
        rows.append(
            {
                "account": line["account"],
                "place": line["place"],
                "ours": line["amount_exact"],
                "theirs": there,
                "same": line["amount_exact"] == there,
            }
        )
    return rows


def _theirs(world: dict[str, Any]) -> dict[str, str]:
    """What each place holds, as its provider says."""
    stellar, airtm = world["stellar"], world["airtm"]
    held = {account["address"]: account["usdc"] or NOTHING for account in stellar["accounts"]}
    held |= {contract["contract"]: contract["balance"] for contract in stellar["contracts"]}
    return held | {"airtm": _sum(airtm["available"], airtm["pending"])}


def _sum(*amounts: str) -> str:
    """Decimal texts added exactly, with seven decimals."""
    from offerhub.domain.money import format_exact, parse_exact

    return format_exact(sum(parse_exact(amount) for amount in amounts))

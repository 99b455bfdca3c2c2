"""docs/money.md says what the code does: kinds, accounts, invariants, worked examples."""

import inspect
import re
from pathlib import Path

import pytest

from offerhub.domain import fees
from offerhub.domain.money import format_exact, parse_exact
from offerhub.ledger import accounts, adjustments, checks, payouts, transfers

MANUAL = (Path(__file__).resolve().parents[2] / "docs" / "money.md").read_text(encoding="utf-8")


def _kinds() -> set[str]:
    """Every kind of transfer that a builder makes, read from the builders' own text."""
    found = set(payouts.KINDS)
    for module in (transfers, payouts, adjustments):
        found |= set(re.findall(r'transfer_of\(\s*"(\w+)"', inspect.getsource(module)))
    return found


def test_every_kind_of_transfer_is_in_the_posting_table_and_no_other() -> None:
    table = MANUAL.split("### What is posted when")[1].split("**Why")[0]
    named = {
        kind
        for line in table.splitlines()
        if line.startswith("| `")
        for kind in re.findall(r"`(\w+)`", line.split("|")[1])
    }
    assert named == _kinds()


def test_every_system_account_is_named() -> None:
    for name in (
        accounts.AIRTM_TREASURY, accounts.STELLAR_TREASURY, accounts.FEES_PLATFORM,
        accounts.FEES_PROTOCOL, accounts.FEES_AIRTM, accounts.ADJUSTMENTS,
    ):  # fmt: skip
        assert f"`{name}`" in MANUAL


def test_every_invariant_is_in_the_table() -> None:
    invariants = re.findall(r'Finding\(\s*"([^"]+)"', inspect.getsource(checks))
    assert len(set(invariants)) == 7
    for invariant in invariants:
        assert f"| {invariant} |" in MANUAL


def _rows(heading: str) -> list[list[str]]:
    table = MANUAL.split(heading)[1].split("\n\n")[0]
    return [[cell.strip() for cell in row.split("|")[1:-1]] for row in table.splitlines()[2:]]


@pytest.mark.parametrize("row", _rows("| case, platform fee 5 % |"), ids=lambda row: row[0])
def test_a_worked_example_is_what_the_contract_pays(row: list[str]) -> None:
    case, protocol, platform, recipients = row
    shares = tuple(parse_exact(text) for text in re.findall(r"\d+\.\d+", case))
    if "reverts" in recipients:
        with pytest.raises(fees.PayoutReverts):
            fees.resolution(shares, platform_fee_bps=500)
        return
    paid = (
        fees.release(shares[0], platform_fee_bps=500)
        if case.startswith("release")
        else fees.resolution(shares, platform_fee_bps=500)
    )
    assert paid.protocol_stroops == parse_exact(protocol)
    assert paid.platform_stroops == parse_exact(platform)
    assert paid.shares_stroops == tuple(parse_exact(t) for t in recipients.split(" and "))


def test_the_example_of_a_whole_order_balances_at_every_step() -> None:
    rows = _rows("| step | available (buyer) |")
    assert len(rows) == 5
    for _, *cells in rows:
        amounts = [parse_exact(cell) if cell else 0 for cell in cells]
        owed_and_earned, assets = sum(amounts[:5]), sum(amounts[5:])
        assert assets - owed_and_earned == parse_exact("500.00")
    paid = fees.release(parse_exact("100.00"), platform_fee_bps=250)
    assert format_exact(paid.shares_stroops[0]) == "97.2000000"

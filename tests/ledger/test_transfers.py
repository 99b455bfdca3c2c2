"""The builders: every movement balances for any amount, and moves what the balance sheet says.

The table is written here a second time, from the contract's "the books are a balance sheet".
"""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offerhub.domain.money import MAX_STROOPS
from offerhub.ledger import accounts as a
from offerhub.ledger import transfers as t

amounts = st.integers(1, MAX_STROOPS)
U, O, X = "usr_1", "ord_1", "opn_1"  # noqa: E741 - one letter each keeps the table readable
AVAILABLE, RESERVED = f"user:{U}:available", f"user:{U}:reserved"
WITHDRAWING, WALLET = f"user:{U}:withdrawing", f"stellar.wallet:{U}"
ESCROW, CONTRACT = f"order:{O}:escrow", f"escrow.contract:{O}"
AIRTM, STELLAR = "airtm.treasury", "stellar.treasury"

# builder, its other arguments, the reference, and by account the sign of what moves.
Row = tuple[Callable[..., t.NewTransfer], dict[str, Any], str, dict[str, int]]
SIMPLE: list[Row] = [
    (t.deposit_credited, {"deposit_key": "9.0", "deposit_id": "dep_1", "user_id": U},
     "deposit_credited:9.0", {AVAILABLE: +1, WALLET: +1}),
    (t.topup_held, {"topup_id": "topup_1"},
     "topup_held:topup_1", {"adjustments": +1, "airtm.treasury": +1}),
    (t.treasury_funded, {"deposit_key": "9.0", "deposit_id": "dep_1"},
     "treasury_funded:9.0", {"adjustments": +1, STELLAR: +1}),
    (t.funds_reserved, {"order_id": O, "buyer_id": U},
     "funds_reserved:ord_1", {AVAILABLE: -1, RESERVED: +1}),
    (t.reserve_returned, {"order_id": O, "buyer_id": U},
     "reserve_returned:ord_1", {RESERVED: -1, AVAILABLE: +1}),
    (t.bridged, {"tx_hash": "ab", "operation_id": X, "user_id": U},
     "bridged:ab", {STELLAR: -1, WALLET: +1}),
    (t.swept, {"tx_hash": "ab", "operation_id": X, "user_id": U},
     "swept:ab", {WALLET: -1, STELLAR: +1}),
    (t.escrow_funded, {"order_id": O, "buyer_id": U},
     "escrow_funded:ord_1", {RESERVED: -1, ESCROW: +1, WALLET: -1, CONTRACT: +1}),
    (t.withdrawal_held, {"withdrawal_id": "wd_1", "user_id": U},
     "withdrawal_held:wd_1", {AVAILABLE: -1, WITHDRAWING: +1}),
    (t.withdrawal_returned, {"withdrawal_id": "wd_1", "user_id": U},
     "withdrawal_returned:wd_1", {WITHDRAWING: -1, AVAILABLE: +1}),
    (t.withdrawal_paid_on_chain, {"withdrawal_id": "wd_1", "user_id": U},
     "withdrawal_paid:wd_1", {WITHDRAWING: -1, WALLET: -1}),
    (t.withdrawal_paid_by_airtm, {"withdrawal_id": "wd_1", "user_id": U},
     "withdrawal_paid:wd_1", {WITHDRAWING: -1, AIRTM: -1}),
    (t.withdrawal_came_back, {"deposit_id": "d1", "withdrawal_id": "wd_1", "user_id": U},
     "withdrawal_came_back:d1", {AVAILABLE: +1, AIRTM: +1}),
]  # fmt: skip
NAMES = [row[0].__name__ for row in SIMPLE]


def totals(transfer: t.NewTransfer) -> dict[str, int]:
    """What each account gains, in its natural sign; accounts that gain nothing are left out."""
    found: dict[str, int] = {}
    for line in transfer.lines:
        found[line.account] = found.get(line.account, 0) + line.amount_stroops
    return {account: total for account, total in found.items() if total}


def assert_balances(transfer: t.NewTransfer) -> None:
    """Debits equal credits, and assets change as liabilities and equity do together."""
    assert sum(a.sign(line.account) * line.amount_stroops for line in transfer.lines) == 0
    gained = totals(transfer)
    assets = sum(total for account, total in gained.items() if a.is_asset(account))
    assert assets == sum(total for account, total in gained.items() if not a.is_asset(account))


@pytest.mark.parametrize(("build", "given_", "reference", "signs"), SIMPLE, ids=NAMES)
@given(amount=amounts)
def test_a_movement_balances_and_goes_where_the_balance_sheet_says(
    build: Callable[..., t.NewTransfer],
    given_: dict[str, Any],
    reference: str,
    signs: dict[str, int],
    amount: int,
) -> None:
    transfer = build(**given_, amount=amount)
    assert_balances(transfer)
    assert totals(transfer) == {account: sign * amount for account, sign in signs.items()}
    assert transfer.reference == reference


@pytest.mark.parametrize(("build", "given_", "reference", "signs"), SIMPLE, ids=NAMES)
@pytest.mark.parametrize("amount", [0, -1, -MAX_STROOPS])
def test_a_movement_of_nothing_or_backwards_is_refused(
    build: Callable[..., t.NewTransfer],
    given_: dict[str, Any],
    reference: str,
    signs: dict[str, int],
    amount: int,
) -> None:
    with pytest.raises(t.Unbalanced):
        build(**given_, amount=amount)


@pytest.mark.parametrize(("build", "given_", "reference", "signs"), SIMPLE, ids=NAMES)
@pytest.mark.parametrize("amount", [1.0, "1", None])
def test_only_whole_stroops_are_moved(
    build: Callable[..., t.NewTransfer],
    given_: dict[str, Any],
    reference: str,
    signs: dict[str, int],
    amount: Any,
) -> None:
    with pytest.raises(TypeError):
        build(**given_, amount=amount)


@given(net=amounts, fee=st.integers(0, MAX_STROOPS), platform=st.booleans())
def test_a_top_up_credits_what_arrives_and_its_fee_falls_on_who_bears_it(net, fee, platform):
    transfer = t.topup_credited(
        topup_id="topup_1", user_id=U, amount=net + fee, net=net, fee=fee,
        platform_bears_fee=platform,
    )  # fmt: skip
    assert_balances(transfer)
    gained = totals(transfer)
    assert gained[AIRTM] == net
    assert gained[AVAILABLE] == (net + fee if platform else net)
    assert gained.get("fees.airtm", 0) == (-fee if platform else 0)


@pytest.mark.parametrize(
    ("amount", "net", "fee"), [(10, 9, 2), (10, 11, 0), (10, 11, -1), (-10, -9, -1), (0, 0, 0)]
)
def test_a_top_up_whose_parts_do_not_fit_is_refused(amount: int, net: int, fee: int) -> None:
    with pytest.raises(t.Unbalanced):
        t.topup_credited(
            topup_id="topup_1", user_id=U, amount=amount, net=net, fee=fee,
            platform_bears_fee=True,
        )  # fmt: skip


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ((AVAILABLE, 5),),
        ((AVAILABLE, 5), (WALLET, 4)),
        ((AVAILABLE, 5), (RESERVED, 5)),
        ((AVAILABLE, 0), (RESERVED, 0)),
        ((AVAILABLE, 5), (WALLET, 5), (RESERVED, 0)),
    ],
    ids=["none", "one", "unequal", "same side", "zeros", "a zero among others"],
)
def test_entries_that_do_not_balance_are_no_transfer(lines) -> None:
    with pytest.raises(t.Unbalanced):
        t.NewTransfer("k", "k:1", "order", O, tuple(t.Line(name, n) for name, n in lines))


def test_every_builder_is_in_this_table() -> None:
    builders = {
        name
        for name, value in vars(t).items()
        if callable(value) and getattr(value, "__annotations__", {}).get("return") is t.NewTransfer
    } - {"transfer_of"}
    assert builders == {*NAMES, "topup_credited"}


@pytest.mark.parametrize("kind", ["", "held", "AVAILABLE"])
def test_a_user_has_three_accounts_and_no_other(kind: str) -> None:
    with pytest.raises(ValueError, match="account"):
        a.user(U, kind)


def test_every_account_is_on_exactly_one_side() -> None:
    assets = [AIRTM, STELLAR, WALLET, CONTRACT, a.in_transit(X)]
    owed = [AVAILABLE, RESERVED, WITHDRAWING, ESCROW]
    equity = ["fees.platform", "fees.protocol", "fees.airtm", "adjustments"]
    for name in assets + owed + equity:
        assert a.is_asset(name) == (name in assets)
        assert a.is_liability(name) == (name in owed)
        assert a.is_guarded(name) == (name in owed)
        assert a.sign(name) == (1 if name in assets else -1)
    assert [a.owner(name) for name in owed] == [U, U, U, O]
    assert [a.kind(name) for name in owed] == ["available", "reserved", "withdrawing", "escrow"]

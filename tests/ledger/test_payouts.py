"""What a contract pays out, recipient by recipient, as it moved; and what an operator adjusts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offerhub.domain import fees
from offerhub.domain.money import STROOPS_PER_CENT, parse_exact
from offerhub.ledger import accounts as a
from offerhub.ledger import adjustments, payouts
from offerhub.ledger.transfers import NewTransfer, Unbalanced
from tests.ledger.test_transfers import assert_balances, totals

BUYER, SELLER, ORDER = "usr_b", "usr_s", "ord_1"
parts = st.integers(0, 10**17)
cents = st.integers(1, 10**10).map(lambda n: n * STROOPS_PER_CENT)


def paid_out(
    *, owed: int, buyer: int, seller: int, platform: int, protocol: int, kind: str = payouts.SPLIT
) -> NewTransfer:
    return payouts.escrow_paid_out(
        kind=kind, reference="ord_1", order_id=ORDER, buyer_id=BUYER, seller_id=SELLER, owed=owed,
        to_buyer=buyer, to_seller=seller, to_platform=platform, to_protocol=protocol,
    )  # fmt: skip


@pytest.mark.parametrize("kind", payouts.KINDS)
@given(buyer=parts, seller=parts, platform=parts, protocol=parts)
def test_a_payout_balances_and_posts_every_part_that_moved(kind, buyer, seller, platform, protocol):
    owed = buyer + seller + platform + protocol
    if owed == 0:
        return
    transfer = paid_out(
        owed=owed, buyer=buyer, seller=seller, platform=platform, protocol=protocol, kind=kind
    )
    assert_balances(transfer)
    expected = {
        a.order_escrow(ORDER): -owed,
        a.contract(ORDER): -owed,
        a.user(BUYER, a.AVAILABLE): buyer,
        a.user(SELLER, a.AVAILABLE): seller,
        a.wallet(BUYER): buyer,
        a.wallet(SELLER): seller,
        a.FEES_PLATFORM: platform,
        a.STELLAR_TREASURY: platform,
    }
    assert totals(transfer) == {account: part for account, part in expected.items() if part}
    assert transfer.reference == f"{kind}:ord_1"


def test_the_protocols_fee_passes_through_as_two_entries_of_their_own() -> None:
    transfer = paid_out(owed=100, buyer=0, seller=97, platform=0, protocol=3)
    passing = [line.amount_stroops for line in transfer.lines if line.account == a.FEES_PROTOCOL]
    assert passing == [3, -3]


@given(dust=st.integers(1, STROOPS_PER_CENT))
def test_dust_beyond_what_was_owed_belongs_to_whom_the_chain_gave_it(dust: int) -> None:
    transfer = paid_out(owed=100, buyer=60 + dust, seller=40, platform=0, protocol=0)
    assert_balances(transfer)
    assert totals(transfer)[a.user(BUYER, a.AVAILABLE)] == 60 + dust
    assert totals(transfer)[a.order_escrow(ORDER)] == -100


@pytest.mark.parametrize(
    "moved",
    [
        {"buyer": 0, "seller": 99, "platform": 0, "protocol": 0},
        {"buyer": 0, "seller": 101, "platform": -1, "protocol": 0},
        {"buyer": -1, "seller": 101, "platform": 0, "protocol": 0},
    ],
    ids=["less than owed", "a negative fee", "a negative share"],
)
def test_a_payout_that_makes_no_sense_is_refused(moved: dict[str, int]) -> None:
    with pytest.raises(Unbalanced):
        paid_out(owed=100, **moved)


def test_a_payout_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(Unbalanced):
        paid_out(owed=100, buyer=0, seller=100, platform=0, protocol=0, kind="escrow_lost")


@given(gross=cents, fee_bps=st.integers(0, fees.MAX_PLATFORM_FEE_BPS))
def test_after_a_full_refund_made_whole_the_buyer_has_all_and_the_platform_bears_the_protocol(
    gross: int, fee_bps: int
) -> None:
    paid = fees.resolution((gross,), platform_fee_bps=fee_bps)
    refund = paid_out(
        owed=gross, buyer=paid.shares_stroops[0], seller=0, platform=paid.platform_stroops,
        protocol=paid.protocol_stroops, kind=payouts.REFUNDED,
    )  # fmt: skip
    whole = payouts.refund_made_whole(
        tx_hash="ab", order_id=ORDER, buyer_id=BUYER, platform_fee=paid.platform_stroops,
        protocol_fee=paid.protocol_stroops,
    )  # fmt: skip
    assert_balances(whole)
    both = totals(refund)
    for account, change in totals(whole).items():
        both[account] = both.get(account, 0) + change
    assert both[a.user(BUYER, a.AVAILABLE)] == gross
    assert both[a.wallet(BUYER)] == gross
    assert both.get(a.FEES_PLATFORM, 0) == 0
    assert both[a.FEES_PROTOCOL] == -paid.protocol_stroops
    assert both[a.STELLAR_TREASURY] == -paid.protocol_stroops


def test_filling_a_contract_up_to_whole_cents_is_paid_by_the_platform() -> None:
    filled = payouts.dust_evened(tx_hash="ab", order_id=ORDER, amount=99_999)
    assert_balances(filled)
    assert totals(filled) == {a.ADJUSTMENTS: -99_999, a.STELLAR_TREASURY: -99_999}


def test_the_worked_example_of_a_refund_at_five_percent() -> None:
    usd = parse_exact
    refund = paid_out(
        owed=usd("100.00"), buyer=usd("94.70"), seller=0, platform=usd("5.00"),
        protocol=usd("0.30"), kind=payouts.REFUNDED,
    )  # fmt: skip
    assert totals(refund) == {
        a.order_escrow(ORDER): -usd("100.00"),
        a.contract(ORDER): -usd("100.00"),
        a.user(BUYER, a.AVAILABLE): usd("94.70"),
        a.wallet(BUYER): usd("94.70"),
        a.FEES_PLATFORM: usd("5.00"),
        a.STELLAR_TREASURY: usd("5.00"),
    }


@given(amount=st.integers(1, 10**17), credit=st.booleans())
def test_an_adjustment_is_between_the_platform_and_the_user(amount: int, credit: bool) -> None:
    transfer = adjustments.adjusted(
        reference="case-7", user_id=BUYER, credit=amount * credit, debit=amount * (not credit)
    )
    assert_balances(transfer)
    change = amount if credit else -amount
    assert totals(transfer) == {a.user(BUYER, a.AVAILABLE): change, a.ADJUSTMENTS: -change}


@pytest.mark.parametrize(("credit", "debit"), [(0, 0), (-5, 0), (0, -5), (5, 5)])
def test_an_adjustment_goes_one_way(credit: int, debit: int) -> None:
    with pytest.raises(Unbalanced):
        adjustments.adjusted(reference="case-7", user_id=BUYER, credit=credit, debit=debit)


@given(amount=st.integers(1, 10**17), inward=st.booleans())
@pytest.mark.parametrize("rail", [a.AIRTM_TREASURY, a.STELLAR_TREASURY])
def test_a_treasury_movement_is_the_platforms_own_money(rail, amount: int, inward: bool) -> None:
    transfer = adjustments.treasury_recorded(
        reference="bank-1",
        account=rail,
        amount_in=amount * inward,
        amount_out=amount * (not inward),
    )
    assert_balances(transfer)
    change = amount if inward else -amount
    assert totals(transfer) == {rail: change, a.ADJUSTMENTS: change}

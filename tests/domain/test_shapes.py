"""The rules of an order's shape and of a split's shares."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offerhub.domain.disputes import DECISIONS, REASONS, shares
from offerhub.domain.errors import ValidationFailed
from offerhub.domain.orders import PARTIES, RESOLUTIONS, check_milestones, check_parties
from offerhub.domain.users import TYPES
from offerhub.domain.withdrawals import DESTINATION_TYPES

USD = 10_000_000


def test_the_words_are_the_contracts() -> None:
    assert DECISIONS == ("FULL_RELEASE", "FULL_REFUND", "SPLIT")
    assert REASONS == ("NOT_DELIVERED", "QUALITY_ISSUE", "OTHER")
    assert RESOLUTIONS == ("CANCELED", "RELEASED", "REFUNDED", "SPLIT")
    assert PARTIES == ("BUYER", "SELLER", "PLATFORM")
    assert TYPES == ("BUYER", "SELLER", "BOTH")
    assert DESTINATION_TYPES == ("CRYPTO", "AIRTM_BALANCE", "BANK")


def test_nobody_sells_to_themselves() -> None:
    check_parties(buyer_id="usr_1", seller_id="usr_2")
    with pytest.raises(ValidationFailed):
        check_parties(buyer_id="usr_1", seller_id="usr_1")


def test_an_order_needs_no_milestones() -> None:
    check_milestones(amount_stroops=USD, milestones=[])


@given(st.lists(st.integers(1, 10**12), min_size=1, max_size=10))
def test_up_to_ten_milestones_that_add_up_are_fine(amounts: list[int]) -> None:
    milestones = [(f"m{n}", amount) for n, amount in enumerate(amounts)]
    check_milestones(amount_stroops=sum(amounts), milestones=milestones)
    with pytest.raises(ValidationFailed, match="add up"):
        check_milestones(amount_stroops=sum(amounts) + 1, milestones=milestones)


def test_an_eleventh_milestone_is_refused() -> None:
    with pytest.raises(ValidationFailed, match="10"):
        check_milestones(amount_stroops=11 * USD, milestones=[(f"m{n}", USD) for n in range(11)])


def test_two_milestones_cannot_share_a_reference() -> None:
    with pytest.raises(ValidationFailed, match="unique"):
        check_milestones(amount_stroops=2 * USD, milestones=[("m", USD), ("m", USD)])


@pytest.mark.parametrize("amount", [0, -USD])
def test_a_milestone_of_nothing_is_refused(amount: int) -> None:
    with pytest.raises(ValidationFailed, match="above zero"):
        check_milestones(amount_stroops=USD, milestones=[("a", amount), ("b", USD - amount)])


def test_a_full_decision_gives_all_that_is_left_to_one_party() -> None:
    for decision, expected in (("FULL_RELEASE", (USD, 0)), ("FULL_REFUND", (0, USD))):
        found = shares(decision, left_stroops=USD, release_stroops=None, refund_stroops=None)
        assert found == expected


@given(st.integers(2, 10**15), st.data())
def test_a_split_gives_both_what_was_decided(left: int, data: st.DataObject) -> None:
    part = data.draw(st.integers(1, left - 1))
    found = shares("SPLIT", left_stroops=left, release_stroops=part, refund_stroops=left - part)
    assert found == (part, left - part)


@pytest.mark.parametrize(
    ("decision", "release", "refund"),
    [
        ("FULL_RELEASE", USD, None),
        ("FULL_REFUND", None, USD),
        ("SPLIT", None, None),
        ("SPLIT", USD, None),
        ("SPLIT", 10 * USD, 0),
        ("SPLIT", 11 * USD, -USD),
        ("SPLIT", 5 * USD, 4 * USD),
        ("SPLIT", 5 * USD, 6 * USD),
    ],
)
def test_shares_that_do_not_fit_the_decision_are_refused(decision, release, refund) -> None:
    with pytest.raises(ValidationFailed):
        shares(decision, left_stroops=10 * USD, release_stroops=release, refund_stroops=refund)


@given(st.text().filter(lambda text: text not in DECISIONS))
def test_an_unknown_decision_pays_nobody(decision: str) -> None:
    with pytest.raises(ValidationFailed):
        shares(decision, left_stroops=USD, release_stroops=None, refund_stroops=None)

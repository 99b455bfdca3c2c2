"""What Trustless Work says about escrows, in our words; and its refusals."""

from decimal import Decimal
from typing import Any

import pytest

from offerhub.providers.trustlesswork import mapping, refusals
from offerhub.providers.trustlesswork.refusals import Meaning, Step
from tests.providers.trustlesswork.forged import BUYER, CONTRACT, OTHER_CONTRACT, SELLER

SINGLE_ITEM: dict[str, Any] = {
    "contractId": CONTRACT,
    "type": "single-release",
    "engagementId": "ord_1",
    "roles": {"approver": BUYER.address, "serviceProvider": SELLER.address},
    "amount": Decimal("120.1"),
    "milestones": [{"description": "Delivery", "status": "pending", "approved": True}],
    "flags": {"disputed": False, "released": False, "resolved": False},
}


def multi(*flags: dict[str, bool]) -> Any:
    item = {
        **SINGLE_ITEM,
        "type": "multi-release",
        "milestones": [{"status": "x", "amount": 10, "flags": one} for one in flags],
    }
    return facts(item, multi_release=True)


def facts(item: dict[str, Any], *, multi_release: bool = False) -> Any:
    return mapping.facts(item, id_=CONTRACT, multi_release=multi_release, balance_stroops=7)


def test_a_single_release_is_read_with_its_flags() -> None:
    found = facts(SINGLE_ITEM)
    assert (found.amount_stroops, found.balance_stroops) == (120_1000000, 7)
    assert (found.buyer, found.seller) == (BUYER.address, SELLER.address)
    assert found.milestones[0].approved is True
    released = facts({**SINGLE_ITEM, "flags": {"released": True, "disputed": True}})
    assert (released.released, released.disputed, released.resolved) == (True, True, False)


def test_the_state_of_a_multi_release_follows_from_its_milestones() -> None:
    released, resolved, disputed = {"released": True}, {"resolved": True}, {"disputed": True}

    def state(*flags: dict[str, bool]) -> tuple[bool, bool, bool]:
        found = multi(*flags)
        return found.released, found.resolved, found.disputed

    assert state(released, released) == (True, False, False)
    assert state(released, resolved) == (False, True, False)
    assert state(resolved, resolved) == (False, True, False)
    assert state(released, {}) == (False, False, False)
    assert state(released, disputed) == (False, False, True)
    assert multi({}, {}).amount_stroops == 20_0000000


@pytest.mark.parametrize(
    "changes",
    [
        {"flags": None},
        {"flags": {"released": "yes"}},
        {"roles": {}},
        {"roles": None},
        {"amount": None},
        {"amount": True},
        {"amount": Decimal("0.00000001")},
        {"amount": "12,5"},
        {"milestones": []},
        {"milestones": ["first"]},
        {"engagementId": ""},
    ],
)
def test_an_item_that_lacks_what_a_decision_needs_is_not_read(changes: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError, AttributeError)):
        facts({**SINGLE_ITEM, **changes})


@pytest.mark.parametrize(
    ("amount", "stroops"),
    [
        (120, 1200000000),
        (Decimal("1.2E+2"), 1200000000),
        (Decimal("0.0000001"), 1),
        ("0.1", 1000000),
        (0, 0),
    ],
)
def test_amounts_come_as_numbers_or_text_and_stay_exact(amount: Any, stroops: int) -> None:
    assert mapping.stroops(amount) == stroops


def test_the_balance_of_another_contract_is_not_taken() -> None:
    body = [{"address": OTHER_CONTRACT, "balance": 5}, {"address": CONTRACT, "balance": 7}]
    assert mapping.balance(body, CONTRACT) == 7_0000000
    with pytest.raises(ValueError, match="not in the answer"):
        mapping.balance(body[:1], CONTRACT)


def test_times_order_in_both_shapes_and_missing_ones_come_last() -> None:
    early = {"createdAt": {"_seconds": 1768046580, "_nanoseconds": 5}}
    later = {"createdAt": "2026-01-10T12:03:01.5Z"}
    assert sorted([{}, later, early], key=mapping.created_at) == [early, later, {}]


TOO_LITTLE = Meaning("EscrowBalanceNotEnoughToSendEarnings", "ESCROW_INSUFFICIENT_FUNDS")
FUNDING = Step(multi_release=False, funding=True)
UNKNOWN_KIND = Step(multi_release=None)


@pytest.mark.parametrize(
    ("text", "step", "expected"),
    [
        ("x Error(Contract, #6) y", Step(False), TOO_LITTLE),
        ("Error(Contract, #7)", Step(True), TOO_LITTLE),
        (
            "Error(Contract, #35)",
            Step(False),
            Meaning("EscrowAlreadyReleased", "ESCROW_INVALID_STATE"),
        ),
        (
            "Error(Contract, #30)",
            Step(True),
            Meaning("MilestoneAlreadyReleased", "ESCROW_INVALID_STATE"),
        ),
        ("Error(Contract, #10)", FUNDING, Meaning("BalanceError", "ESCROW_FUNDING_FAILED")),
        (
            "Error(Contract, #33)",
            FUNDING,
            Meaning("EscrowPropertiesMismatch", "ESCROW_FUNDING_FAILED"),
        ),
        ("Error(Contract, #999)", Step(False), Meaning("contract_error_999", "PROVIDER_ERROR")),
        ("Error(Contract, #7)", UNKNOWN_KIND, Meaning("contract_error_7", "PROVIDER_ERROR")),
        ("failed: txBadSeq", UNKNOWN_KIND, Meaning("tx_bad_seq", "PROVIDER_ERROR")),
        ("tx_bad_seq", UNKNOWN_KIND, Meaning("tx_bad_seq", "PROVIDER_ERROR")),
        ("txTooLate", UNKNOWN_KIND, Meaning("tx_too_late", "PROVIDER_ERROR")),
        ("the entry is archived", UNKNOWN_KIND, Meaning("entry_archived", "PROVIDER_ERROR")),
    ],
)
def test_refusals_are_understood_by_number_and_by_the_networks_words(
    text: str, step: Step, expected: Meaning
) -> None:
    assert refusals.meaning(text, step) == expected


def test_english_sentences_mean_nothing_by_themselves() -> None:
    assert refusals.meaning("Escrow already released", Step(False)) is None
    assert not refusals.is_unsettled("Escrow already released")


def test_what_a_refusal_says_is_one_short_line() -> None:
    assert refusals.text_of({"message": ["a is bad", "b\nis worse"]}) == "a is bad; b is worse"
    assert refusals.text_of({"error": "Boom"}) == "Boom"
    assert len(refusals.text_of({"message": "x" * 10_000})) == 500
    assert refusals.text_of("<html>") == ""

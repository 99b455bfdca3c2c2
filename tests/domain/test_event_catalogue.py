"""The event catalogue against the contract's list, and the patterns that choose from it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offerhub.domain import events

CONTRACT = {
    "user": "created, updated, airtm_linked, suspended",
    "wallet": "created",
    "balance": "credited, debited, reserved, released, discrepancy_detected",
    "topup": "created, confirmation_required, processing, succeeded, failed, canceled",
    "order": "created, funds_reserved, escrow_creating, escrow_funding, escrow_funded,"
    " in_progress, release_requested, released, refund_requested, refunded, disputed, closed,"
    " canceled",
    "escrow": "created, funding_started, funded, milestone_completed, milestone_released,"
    " released, refunded",
    "dispute": "opened, under_review, commented, resolved",
    "withdrawal": "created, committed, pending, pending_user_action, completed, failed, canceled",
    "operation": "stuck, settled",
    "maintenance": "enabled, disabled",
    "reconciliation": "completed",
    "key": "created, revoked",
}
TYPES = {f"{a}.{name}" for a, names in CONTRACT.items() for name in names.split(", ")}


def test_the_catalogue_is_the_contracts_list() -> None:
    assert set(events.EVENT_TYPES) == TYPES
    assert len(events.EVENT_TYPES) == len(TYPES)
    assert set(events.AGGREGATES) == set(CONTRACT)


@pytest.mark.parametrize("event_type", sorted(TYPES))
def test_every_type_passes_and_stands_for_itself(event_type: str) -> None:
    assert events.check_type(event_type) == event_type
    assert events.expand([event_type]) == {event_type}


@pytest.mark.parametrize("wrong", ["", "order", "order.", "order.*", "*", "Order.created", "x.y"])
def test_a_type_outside_the_catalogue_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="unknown event type"):
        events.check_type(wrong)


@pytest.mark.parametrize("aggregate", sorted(CONTRACT))
def test_a_wildcard_stands_for_all_of_one_aggregate(aggregate: str) -> None:
    wanted = {t for t in TYPES if t.split(".")[0] == aggregate}
    assert events.expand([f"{aggregate}.*"]) == wanted
    assert {t for t in TYPES if events.matches(f"{aggregate}.*", t)} == wanted


def test_a_star_stands_for_everything_and_patterns_add_up() -> None:
    assert events.expand(["*"]) == TYPES
    assert events.expand(["*", "order.*"]) == TYPES
    assert events.expand(["wallet.*", "key.revoked"]) == {"wallet.created", "key.revoked"}
    assert events.expand([]) == frozenset()


@pytest.mark.parametrize(
    "pattern",
    ["", "order", "order.", "order.c*", "*.created", "**", "order.*.x", "ORDER.*", "order.*\n",
     "escrows.*", "order.cre\u0430ted", "order. *", " order.*", "wallet.updated", "order.%"],
)  # fmt: skip
def test_a_pattern_that_can_never_match_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="event"):
        events.expand([pattern])


@given(st.text())
def test_any_pattern_is_refused_or_chooses_what_it_matches(pattern: str) -> None:
    try:
        chosen = events.expand([pattern])
    except ValueError:
        return
    assert chosen
    assert chosen == {t for t in TYPES if events.matches(pattern, t)}

"""Events are rows of their cause's transaction, of the catalogue, and complete."""

import pytest

from offerhub.domain import ids
from offerhub.events import outbox
from offerhub.events.outbox import NewEvent
from offerhub.store.database import atomic, connection
from offerhub.store.events import Event, of_aggregate
from tests.events.world import NOW_MS, event, record, record_here


def _all() -> list[Event]:
    with connection():
        return list(Event.select().order_by(Event.position))


def test_outside_a_transaction_nothing_is_recorded(database: str) -> None:
    with pytest.raises(RuntimeError, match="transaction"):
        record_here(event())
    with connection(), pytest.raises(RuntimeError, match="transaction"):
        record_here(event())
    assert _all() == []


def test_an_event_is_there_exactly_when_its_cause_is(database: str) -> None:
    def fail() -> None:
        with atomic():
            record_here(event("ord_undone"))
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    record(event("ord_done"))
    assert [row.aggregate_id for row in _all()] == ["ord_done"]


def test_a_recorded_event_has_every_field_of_the_envelope_but_its_place(database: str) -> None:
    record(
        event("ord_1", "order.funds_reserved", "usr_b", "usr_s", order={"id": "ord_1", "n": "é"}),
        causation_id="evt_cause",
    )
    (row,) = _all()
    assert ids.is_id(row.id, ids.EVENT)
    assert (row.type, row.aggregate_type, row.aggregate_id) == (
        "order.funds_reserved", "order", "ord_1"
    )  # fmt: skip
    assert row.sequence is None
    assert row.occurred_at == NOW_MS
    assert row.payload == {"order": {"id": "ord_1", "n": "é"}}
    assert row.metadata == {
        "correlation_id": "req_1",
        "causation_id": "evt_cause",
        "user_ids": ["usr_b", "usr_s"],
        "marketplace_id": "mkt_1",
    }
    assert (row.user_1, row.user_2) == ("usr_b", "usr_s")


def test_several_events_keep_their_order(database: str) -> None:
    record(*(event("ord_1", name) for name in ("order.created", "order.canceled", "order.closed")))
    with connection():
        found = [row.type for row in of_aggregate("ord_1", limit=10)]
        assert [row.type for row in of_aggregate("ord_1", limit=2)] == found[:2]
        assert of_aggregate("ord_2", limit=10) == []
    assert found == ["order.created", "order.canceled", "order.closed"]


@pytest.mark.parametrize(
    "wrong",
    [
        NewEvent("order.vanished", "ord_1", {}),
        NewEvent("order.*", "ord_1", {}),
        NewEvent("order.created", "ord_1", {}, ("usr_1", "usr_2", "usr_3")),
    ],
    ids=["unknown", "a pattern", "three users"],
)
def test_an_event_that_no_reader_could_understand_is_refused(database: str, wrong) -> None:
    with pytest.raises(ValueError, match="order"):
        record(event(), wrong)
    assert _all() == []


def test_every_type_of_the_catalogue_can_be_recorded(database: str) -> None:
    from offerhub.domain.events import EVENT_TYPES

    record(*(event("x_1", name) for name in EVENT_TYPES))
    assert [row.type for row in _all()] == list(EVENT_TYPES)
    assert outbox.MAX_USERS == 2

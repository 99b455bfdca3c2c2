"""Recording events and relaying them, for the tests of the stream."""

from typing import Any

from offerhub.events import outbox, relay
from offerhub.events.outbox import NewEvent
from offerhub.store.database import atomic, connection
from offerhub.store.events import Event

NOW_MS = 1_767_614_400_000


def event(
    aggregate_id: str = "ord_1", type_: str = "order.created", *user_ids: str, **payload: Any
) -> NewEvent:
    return NewEvent(type_, aggregate_id, payload, user_ids)


def record_here(*events: NewEvent, **more: Any) -> None:
    """Into the open transaction."""
    given = {"now_ms": NOW_MS, "marketplace_id": "mkt_1", "correlation_id": "req_1", **more}
    outbox.record(events, **given)


def record(*events: NewEvent, **more: Any) -> None:
    with atomic():
        record_here(*events, **more)


def lease(holder: str = "a", now_ms: int = 0) -> int:
    token = relay.take_lease(holder=holder, now_ms=now_ms)
    assert token is not None
    return token


def relay_all(holder: str = "a") -> int:
    """Place everything that waits; how many."""
    token, total = lease(holder), 0
    while placed := relay.sequence_events(holder=holder, token=token):
        total += placed
    return total


def stream() -> list[tuple[int, str]]:
    """(sequence, aggregate id) of everything placed, in order."""
    with connection():
        rows = Event.select().where(Event.sequence.is_null(False)).order_by(Event.sequence)
        return [(row.sequence, row.aggregate_id) for row in rows]

"""The outbox: events as they were committed, and the stream position that the relay gives them."""

from collections.abc import Iterable
from typing import Any, Final

from peewee import BigAutoField, BigIntegerField, Case, CharField, ModelSelect, fn

from offerhub.domain.events import expand
from offerhub.store import statements
from offerhub.store.fields import JSONText, Millis, Table
from offerhub.store.paging import Either, first_of_either

NEAR: Final = 1_000  # so far a filtered reader walks the stream before it looks types up


class Event(Table):
    """`sequence` is null until the relay has placed the event on the stream.

    `user_1`, `user_2`: whom it concerns, for streams bound to one user (two columns rather than
    a table of their own: one statement less in every mutation).
    """

    position = BigAutoField()
    id = CharField(unique=True)
    sequence = BigIntegerField(null=True, unique=True)
    type = CharField()
    aggregate_type = CharField()
    aggregate_id = CharField()
    user_1 = CharField(null=True)
    user_2 = CharField(null=True)
    payload = JSONText()
    metadata = JSONText()
    occurred_at = Millis()

    class Meta:
        table_name = "events"


def insert(rows: list[dict[str, Any]]) -> None:
    statements.insert(Event, rows)


def unsequenced(limit: int) -> list[Event]:
    """Committed events without a stream position, oldest first."""
    query = Event.select(Event.id, Event.position).where(Event.sequence.is_null())
    return list(query.order_by(Event.position).limit(limit))


def head_sequence() -> int:
    """The newest stream position; 0 before the first."""
    return int(Event.select(fn.COALESCE(fn.MAX(Event.sequence), 0)).scalar())


def oldest_sequence() -> int:
    """The oldest retained stream position; 0 before the first."""
    return int(Event.select(fn.COALESCE(fn.MIN(Event.sequence), 0)).scalar())


def place(event_ids: list[str], *, first_sequence: int) -> None:
    """Give these events consecutive positions from `first_sequence`, in one statement."""
    order = [(Event.id == event_id, first_sequence + n) for n, event_id in enumerate(event_ids)]
    Event.update(sequence=Case(None, order)).where(
        Event.id.in_(event_ids) & Event.sequence.is_null()
    ).execute()


def after(
    sequence: int,
    *,
    limit: int,
    types: Iterable[str] | None = None,
    user_id: str | None = None,
    aggregate_types: Iterable[str] | None = None,
    up_to: int | None = None,
) -> list[Event]:
    """Events beyond a stream position, in order."""
    query = Event.select().where(Event.sequence > sequence)
    if up_to is not None:
        query = query.where(Event.sequence <= up_to)
    if types is None and aggregate_types is None:
        return _first(query, user_id, limit=limit)
    near = _of(query.where(Event.sequence <= sequence + NEAR), types, aggregate_types)
    found = _first(near, user_id, limit=limit)
    if len(found) < limit and Event.select().where(Event.sequence > sequence + NEAR).exists():
        found += _far(
            query.where(Event.sequence > sequence + NEAR),
            types,
            aggregate_types,
            user_id,
            limit=limit - len(found),
        )
    return found


def _first(query: "ModelSelect[Any]", user_id: str | None, *, limit: int) -> list[Event]:
    """In the order of the stream; those that concern the user, if there is one."""
    if user_id is not None:
        concerned = Either((Event.user_1, Event.user_2), user_id)
        query = first_of_either(
            query, concerned, key=Event.position, order=[Event.sequence], limit=limit
        )
    return list(query.order_by(Event.sequence).limit(limit))


def _of(
    query: "ModelSelect[Any]", types: Iterable[str] | None, aggregate_types: Iterable[str] | None
) -> "ModelSelect[Any]":
    if types is not None:
        query = query.where(Event.type.in_(list(types)))
    if aggregate_types is not None:
        query = query.where(Event.aggregate_type.in_(list(aggregate_types)))
    return query


def _far(
    query: "ModelSelect[Any]",
    types: Iterable[str] | None,
    aggregate_types: Iterable[str] | None,
    user_id: str | None,
    *,
    limit: int,
) -> list[Event]:
    """The next events of these types however far away: the first few of each, by its index.

    A walk along the stream, or along one user's part of it, would read everything between two
    rare events.
    """
    kinds = None if aggregate_types is None else frozenset(aggregate_types)
    found: list[Event] = []
    if types is None and user_id is None:
        for kind in kinds or ():
            of_kind = query.where(Event.aggregate_type == kind)
            in_order = of_kind.order_by(Event.aggregate_type, Event.sequence)
            found += list(in_order.limit(limit))
    else:
        names = expand([f"{kind}.*" for kind in kinds or ()]) if types is None else types
        for name in names:
            if kinds is not None and name.split(".")[0] not in kinds:
                continue
            of_type = query.where(Event.type == name)
            if user_id is None:
                found += list(of_type.order_by(Event.type, Event.sequence).limit(limit))
            else:
                found += _first(of_type, user_id, limit=limit)
    return sorted(found, key=lambda event: event.sequence or 0)[:limit]


def of_aggregate(aggregate_id: str, *, limit: int) -> list[Event]:
    """One resource's events in the order of their commits, sequenced or not yet."""
    query = Event.select().where(Event.aggregate_id == aggregate_id)
    return list(query.order_by(Event.position).limit(limit))


def by_id(event_id: str) -> Event | None:
    return Event.get_or_none(Event.id == event_id)

"""Incoming webhooks, stored before anything is done with them."""

from peewee import CharField, IntegerField, TextField

from offerhub.store.database import for_update
from offerhub.store.fields import Millis, Table


class InboxEvent(Table):
    """status: RECEIVED, APPLIED, IGNORED (with the reason) or DEAD; `body` as received."""

    id = CharField(primary_key=True)
    provider = CharField()
    event_id = CharField()
    event_type = CharField()
    code = CharField(null=True)
    body = TextField()
    status = CharField()
    reason = TextField(null=True)
    attempts = IntegerField(default=0)
    next_attempt_at = Millis(null=True)
    received_at = Millis()
    processed_at = Millis(null=True)

    class Meta:
        table_name = "inbox_events"


def insert(row: dict[str, object]) -> bool:
    """Store a webhook; false when this provider's event id is stored already."""
    done = InboxEvent.insert(**row).on_conflict_ignore().returning(InboxEvent.id).execute()
    return len(list(done)) == 1


def get_for_update(inbox_id: str) -> InboxEvent | None:
    """Locks the row."""
    return for_update(InboxEvent.select().where(InboxEvent.id == inbox_id)).get_or_none()


def due(*, now: int, limit: int) -> list[InboxEvent]:
    """Events to be processed, oldest first."""
    query = (
        InboxEvent.select()
        .where((InboxEvent.status == "RECEIVED") & (InboxEvent.next_attempt_at <= now))
        .order_by(InboxEvent.received_at)
        .limit(limit)
    )
    return list(query)

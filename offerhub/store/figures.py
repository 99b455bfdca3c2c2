"""Counts for monitoring: how much work waits, and for how long."""

from typing import Any

from peewee import fn

from offerhub.store.audit import count_unsealed
from offerhub.store.deliveries import WebhookDelivery
from offerhub.store.events import Event
from offerhub.store.inbox import InboxEvent
from offerhub.store.operations import Operation

# What is finished is history: counting it again and again would read whole tables.
_LIVE_OPERATIONS = ("PENDING", "STUCK")
_LIVE_INBOX = ("RECEIVED", "DEAD")
_LIVE_DELIVERIES = ("PENDING", "FAILED")


def operations() -> dict[str, int]:
    """Unfinished operations by status."""
    return _by_status(Operation, _LIVE_OPERATIONS)


def oldest_pending_at() -> int | None:
    """When the oldest pending operation was asked for, in epoch ms."""
    query = Operation.select(fn.MIN(Operation.created_at)).where(Operation.status == "PENDING")
    found = query.scalar()
    return None if found is None else int(found)


def inbox() -> dict[str, int]:
    """Received webhooks that wait, or are dead."""
    return _by_status(InboxEvent, _LIVE_INBOX)


def deliveries() -> dict[str, int]:
    """Outgoing webhooks that wait, or were given up."""
    return _by_status(WebhookDelivery, _LIVE_DELIVERIES)


def unsequenced_events() -> int:
    """Committed events that have no place on the stream yet."""
    return int(Event.select().where(Event.sequence.is_null()).count())


def unsealed_audit_records() -> int:
    return count_unsealed()


def _by_status(table: Any, statuses: tuple[str, ...]) -> dict[str, int]:
    query = (
        table.select(table.status, fn.COUNT(table.id))
        .where(table.status.in_(statuses))
        .group_by(table.status)
    )
    return dict.fromkeys(statuses, 0) | dict(query.tuples())

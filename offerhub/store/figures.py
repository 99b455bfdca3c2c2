"""Counts for monitoring: how much work waits, and for how long."""

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
    query = (
        Operation.select(Operation.status, fn.COUNT(Operation.id).alias("number"))
        .where(Operation.status.in_(_LIVE_OPERATIONS))
        .group_by(Operation.status)
    )
    return dict.fromkeys(_LIVE_OPERATIONS, 0) | {row.status: row.number for row in query}


def oldest_pending_at() -> int | None:
    """When the oldest pending operation was asked for, in epoch ms."""
    query = Operation.select(fn.MIN(Operation.created_at)).where(Operation.status == "PENDING")
    found = query.scalar()
    return None if found is None else int(found)


def inbox() -> dict[str, int]:
    """Received webhooks that wait, or are dead."""
    query = (
        InboxEvent.select(InboxEvent.status, fn.COUNT(InboxEvent.id).alias("number"))
        .where(InboxEvent.status.in_(_LIVE_INBOX))
        .group_by(InboxEvent.status)
    )
    return dict.fromkeys(_LIVE_INBOX, 0) | {row.status: row.number for row in query}


def deliveries() -> dict[str, int]:
    """Outgoing webhooks that wait, or were given up."""
    query = (
        WebhookDelivery.select(WebhookDelivery.status, fn.COUNT(WebhookDelivery.id).alias("number"))
        .where(WebhookDelivery.status.in_(_LIVE_DELIVERIES))
        .group_by(WebhookDelivery.status)
    )
    return dict.fromkeys(_LIVE_DELIVERIES, 0) | {row.status: row.number for row in query}


def unsequenced_events() -> int:
    """Committed events that have no place on the stream yet."""
    return int(Event.select().where(Event.sequence.is_null()).count())


def unsealed_audit_records() -> int:
    return count_unsealed()

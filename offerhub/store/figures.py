"""Counts for monitoring: how much work waits, and for how long."""

from typing import Any

from peewee import fn

from offerhub.store.audit import count_unsealed
from offerhub.store.deliveries import WebhookDelivery, WebhookEndpoint
from offerhub.store.events import Event
from offerhub.store.inbox import InboxEvent
from offerhub.store.leases import Moment
from offerhub.store.operations import Operation

# What is finished is history: counting it again and again would read whole tables.
_LIVE_OPERATIONS = ("PENDING", "STUCK")
_LIVE_INBOX = ("RECEIVED", "DEAD")
_LIVE_DELIVERIES = ("PENDING", "FAILED")


def operations() -> dict[str, int]:
    """Unfinished operations by status."""
    return _by_status(Operation, _LIVE_OPERATIONS)


def operations_by_kind() -> dict[tuple[str, str], int]:
    """Unfinished operations by kind and status; only those that there are."""
    query = (
        Operation.select(Operation.kind, Operation.status, fn.COUNT(Operation.id))
        .where(Operation.status.in_(_LIVE_OPERATIONS))
        .group_by(Operation.kind, Operation.status)
    )
    rows: Any = query.tuples()
    return {(kind, status): count for kind, status, count in rows}


def stuck_operations() -> int:
    return int(Operation.select().where(Operation.status == "STUCK").count())


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


def due_since(*, now: int, lease_now: Moment) -> dict[str, int | None]:
    """By queue: since when, in epoch ms, the oldest thing is due that nobody has taken up.

    By the caller's clock, which says `now` when that of leases and deliveries says `lease_now`.
    None where nothing waits for a worker. What waits for its time, for a provider's limit or for an
    answer is not due; nor is what goes to an endpoint that is switched off.
    """
    enabled = WebhookEndpoint.select(WebhookEndpoint.id).where(WebhookEndpoint.enabled)
    oldest: dict[str, tuple[Any, Any]] = {
        "critical": (
            Operation.next_run_at,
            (Operation.status == "PENDING")
            & (Operation.next_run_at <= now)
            & (Operation.lease_until <= lease_now),
        ),
        "webhooks": (
            InboxEvent.next_attempt_at,
            (InboxEvent.status == "RECEIVED") & (InboxEvent.next_attempt_at <= now),
        ),
        "deliveries": (
            WebhookDelivery.next_attempt_at,
            (WebhookDelivery.status == "PENDING")
            & (WebhookDelivery.next_attempt_at <= lease_now)
            & WebhookDelivery.endpoint_id.in_(enabled),
        ),
    }
    found: dict[str, int | None] = {}
    for name, (column, due) in oldest.items():
        at = column + (now - lease_now) if column is WebhookDelivery.next_attempt_at else column
        row = column.model.select(at).where(due).order_by(column).limit(1).tuples().first()
        found[name] = None if row is None else int(row[0])
    return found


def oldest_unsequenced_at() -> int | None:
    """When the oldest event happened that has no place on the stream yet, in epoch ms."""
    query = Event.select(Event.occurred_at).where(Event.sequence.is_null())
    row = query.order_by(Event.position).limit(1).tuples().first()
    return None if row is None else int(row[0])


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

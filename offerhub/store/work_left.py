"""Work that waits: which of it nobody does, for reconciliation and for its looks.

Nothing here locks or writes, but for `schedule_look`.
"""

from collections.abc import Sequence
from typing import Any

from peewee import fn

from offerhub.store.comparisons import chunks
from offerhub.store.deliveries import WebhookDelivery, WebhookEndpoint
from offerhub.store.inbox import InboxEvent
from offerhub.store.leases import Moment
from offerhub.store.operations import Operation
from offerhub.store.orders import Escrow, Order
from offerhub.store.topups import TopUp
from offerhub.store.withdrawals import Withdrawal


def live_operations() -> list[Operation]:
    """Operations that are pending, with what tells what they touch."""
    query = Operation.select(
        Operation.id, Operation.kind, Operation.subject_id, Operation.params
    ).where(Operation.status == "PENDING")
    return list(query)


def unfinished_since_before(moment: int) -> int:
    """How many pending or stuck operations were asked for before a moment."""
    query = Operation.select().where(
        Operation.status.in_(("PENDING", "STUCK")) & (Operation.created_at < moment)
    )
    return int(query.count())


def stuck_operations(*, limit: int) -> list[Operation]:
    query = Operation.select().where(Operation.status == "STUCK")
    return list(query.order_by(Operation.created_at).limit(limit))


def idle_operations(*, due_before: int, lease_now: Moment, limit: int) -> list[Operation]:
    """Pending ones that were due long ago and that nobody holds.

    lease_now: what leases are measured by.
    """
    query = Operation.select().where(
        (Operation.status == "PENDING")
        & (Operation.next_run_at < due_before)
        & (Operation.lease_until <= lease_now)
    )
    return list(query.order_by(Operation.next_run_at).limit(limit))


def worked_on(subject_ids: Sequence[str]) -> set[str]:
    """Those subjects that a pending or stuck operation is about."""
    found: set[str] = set()
    for part in chunks(list(subject_ids)):
        query = Operation.select(Operation.subject_id).where(
            Operation.subject_id.in_(part) & Operation.status.in_(("PENDING", "STUCK"))
        )
        found |= {row.subject_id for row in query}
    return found


def topups_under_way(*, before: int) -> list[TopUp]:
    open_ = ("TOPUP_CREATED", "TOPUP_AWAITING_USER_CONFIRMATION", "TOPUP_PROCESSING")
    query = TopUp.select().where(
        TopUp.status.in_(open_) & TopUp.next_check_at.is_null() & (TopUp.updated_at < before)
    )
    return list(query.limit(1000))


def withdrawals_under_way(*, before: int) -> list[Withdrawal]:
    open_ = ("WITHDRAWAL_COMMITTED", "WITHDRAWAL_PENDING", "WITHDRAWAL_PENDING_USER_ACTION")
    query = Withdrawal.select().where(
        Withdrawal.status.in_(open_)
        & Withdrawal.next_check_at.is_null()
        & (Withdrawal.updated_at < before)
    )
    return list(query.limit(1000))


def orders_under_way(*, before: int) -> list[Order]:
    """Orders that wait for an operation: being deployed, funded, released or refunded."""
    waiting = ("ESCROW_CREATING", "RELEASE_REQUESTED", "REFUND_REQUESTED")
    funding = Escrow.select(Escrow.order_id).where(Escrow.status == "FUNDING")
    query = Order.select().where(
        (Order.status.in_(waiting) | Order.id.in_(funding)) & (Order.updated_at < before)
    )
    return list(query.limit(1000))


def schedule_look(table: type[TopUp] | type[Withdrawal], id_: str, *, now: int) -> None:
    """Have the clock's next sweep ask the provider about one."""
    table.update(next_check_at=now).where(
        (table.id == id_) & table.next_check_at.is_null()
    ).execute()


def inbox_waiting(*, due_before: int) -> list[InboxEvent]:
    """Webhooks that are given up, or were due long ago."""
    overdue = (InboxEvent.status == "RECEIVED") & (InboxEvent.next_attempt_at < due_before)
    query = InboxEvent.select().where((InboxEvent.status == "DEAD") | overdue)
    return list(query.order_by(InboxEvent.received_at).limit(100))


def first_webhook_at(provider: str) -> int | None:
    query = InboxEvent.select(fn.MIN(InboxEvent.received_at)).where(InboxEvent.provider == provider)
    found = query.scalar()
    return None if found is None else int(found)


def undelivered(*, due_before: int) -> list[dict[str, Any]]:
    """Per endpoint and status: deliveries that failed, or were due long ago on an enabled one."""
    overdue = (
        (WebhookDelivery.status == "PENDING")
        & (WebhookDelivery.next_attempt_at < due_before)
        & WebhookEndpoint.enabled
    )
    query = (
        WebhookDelivery.select(
            WebhookDelivery.endpoint_id, WebhookDelivery.status,
            fn.COUNT(WebhookDelivery.id).alias("count"),
        )
        .join(WebhookEndpoint, on=(WebhookEndpoint.id == WebhookDelivery.endpoint_id))
        .where((WebhookDelivery.status == "FAILED") | overdue)
        .group_by(WebhookDelivery.endpoint_id, WebhookDelivery.status)
    )  # fmt: skip
    rows: Any = query.dicts()
    return list(rows)


def worked_on_orders(order_ids: Sequence[str]) -> set[str]:
    """Those orders that a pending or stuck operation about a milestone or dispute is for."""
    query = Operation.select(Operation.params).where(Operation.status.in_(("PENDING", "STUCK")))
    return {str(row.params.get("order_id")) for row in query} & set(order_ids)

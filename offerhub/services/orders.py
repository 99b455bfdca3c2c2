"""Orders: created, reserved, canceled before there is an escrow, and read."""

from collections.abc import Sequence
from typing import Any

from offerhub.domain import fees, ids
from offerhub.domain.errors import NotFound, OfferHubError
from offerhub.domain.orders import MILESTONE, ORDER, check_milestones, check_parties
from offerhub.ledger import journal, transfers
from offerhub.services import audit, turns
from offerhub.services import representations as show
from offerhub.services.announcements import NewEvent, announce
from offerhub.services.context import Context, Page
from offerhub.services.reserves import require_reserve
from offerhub.services.users import require_active, require_both
from offerhub.store import disputes as disputes_store
from offerhub.store import events as events_store
from offerhub.store import operations as operations_store
from offerhub.store import orders as store
from offerhub.store.database import atomic, connection
from offerhub.store.errors import UniqueViolation

TIMELINE_LIMIT = 200


def create_order(
    ctx: Context,
    *,
    buyer_id: str,
    seller_id: str,
    amount_stroops: int,
    title: str,
    description: str | None = None,
    client_order_ref: str | None = None,
    milestones: Sequence[tuple[str, str, int]] = (),
    platform_fee_bps: int | None = None,
    metadata: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Record an order; no money moves. Commits.

    milestones: (ref, title, stroops) each.
    Raises: VALIDATION_ERROR, USER_NOT_FOUND, DUPLICATE_CLIENT_ORDER_REF.
    """
    check_parties(buyer_id=buyer_id, seller_id=seller_id)
    check_milestones(
        amount_stroops=amount_stroops, milestones=[(ref, stroops) for ref, _, stroops in milestones]
    )
    fee_bps = ctx.app.policy.platform_fee_bps if platform_fee_bps is None else platform_fee_bps
    fees.check_fee_bps(fee_bps)
    now = ctx.now_ms()
    with atomic():
        require_both(buyer_id, seller_id)
        if client_order_ref is not None and store.find_by_client_ref(client_order_ref):
            raise _duplicate(client_order_ref)
        try:
            row = store.insert(
                {
                    "id": ids.new_id(ids.ORDER),
                    "buyer_id": buyer_id,
                    "seller_id": seller_id,
                    "amount": amount_stroops,
                    "currency": "USD",
                    "title": title,
                    "description": description,
                    "client_order_ref": client_order_ref,
                    "platform_fee_bps": fee_bps,
                    "milestone_count": len(milestones),
                    "status": ORDER.initial,
                    "metadata": metadata or {},
                    "created_at": now,
                    "updated_at": now,
                }
            )
        except UniqueViolation as exc:
            raise _duplicate(client_order_ref) from exc
        rows = [
            store.Milestone.create(
                id=ids.new_id(ids.MILESTONE),
                order_id=row.id,
                position=position,
                milestone_ref=ref,
                title=milestone_title,
                amount=stroops,
                status=MILESTONE.initial,
                created_at=now,
                updated_at=now,
            )
            for position, (ref, milestone_title, stroops) in enumerate(milestones)
        ]
        shown = show.order(row, milestone_rows=rows)
        audit.record(
            ctx, action="order.create", resource_type="order", resource_id=row.id, after=shown
        )
        announce(ctx, NewEvent("order.created", row.id, {"order": shown}, (buyer_id, seller_id)))
        return shown


def get_order(ctx: Context, order_id: str) -> dict[str, Any]:
    """With escrow, milestones, dispute, timeline, its work's turn. Raises: ORDER_NOT_FOUND."""
    with connection():
        shown = shown_now(require_order(order_id))
        events = events_store.of_aggregate(order_id, limit=TIMELINE_LIMIT)
        escrow = shown["escrow"]
        if escrow is not None:
            events += events_store.of_aggregate(escrow["id"], limit=TIMELINE_LIMIT)
        events.sort(key=lambda event: event.position)
    return {
        **shown,
        "operation": turns.shown(ctx.app, shown["operation"]),
        "timeline": [show.timeline_entry(event) for event in events],
    }


def list_orders(
    ctx: Context, *, limit: int = 20, cursor: str | None = None, **filters: Any
) -> Page:
    """Newest first. Filters: status, buyer_id, seller_id, party_id, client_order_ref,
    trustless_contract_id, created_*."""
    with connection():
        rows = store.listed(limit=limit, cursor=cursor, **filters)
        order_ids = [row.id for row in rows.rows]
        escrows = store.escrows_of(order_ids)
        disputes = disputes_store.latest_of_all(order_ids)
        operations = operations_store.latest_for_all(order_ids)
        milestones: dict[str, list[Any]] = {}
        for milestone in store.milestones_of(order_ids):
            milestones.setdefault(milestone.order_id, []).append(milestone)
        items = [
            show.order(
                row,
                escrow_row=escrows.get(row.id),
                milestone_rows=milestones.get(row.id, ()),
                dispute_row=disputes.get(row.id),
                operation_row=operations.get(row.id),
            )
            for row in rows.rows
        ]
        return Page(items, rows.next_cursor)


def reserve(ctx: Context, order_id: str, *, amount_stroops: int | None = None) -> dict[str, Any]:
    """Set the buyer's money aside for the order. Commits; ten statements with the API's own.

    The order is changed by compare-and-set, and the buyer's account by a guarded update: nothing
    is read first, so nothing can change in between.
    Raises: ORDER_NOT_FOUND, USER_SUSPENDED, FUNDS_ALREADY_RESERVED, INVALID_STATE,
    RESERVE_MISMATCH_AMOUNT, INSUFFICIENT_FUNDS.
    """
    now = ctx.now_ms()
    with atomic():
        row = store.reserve_if_created(order_id, now=now)
        if row is None:
            raise _cannot_reserve(order_id)
        if amount_stroops is not None and amount_stroops != row.amount:
            raise OfferHubError(
                code="RESERVE_MISMATCH_AMOUNT", **show.money("expected", row.amount)
            )
        milestones = store.milestones_of([order_id]) if row.milestone_count else ()
        shown = show.order(row, milestone_rows=milestones)
        audit.record(
            ctx, action="order.reserve", resource_type="order", resource_id=row.id,
            before={"status": "ORDER_CREATED"}, after=shown,
        )  # fmt: skip
        # Late, since it locks the buyer's accounts; before the events, which keep the books' order.
        posted = journal.post(
            transfers.funds_reserved(order_id=row.id, buyer_id=row.buyer_id, amount=row.amount),
            now_ms=now,
        )
        announce(
            ctx,
            NewEvent(
                "order.funds_reserved", row.id, {"order": shown}, (row.buyer_id, row.seller_id)
            ),
            balance_event(
                "balance.reserved", row.buyer_id, row.amount, posted.transfer_id, "order", row.id
            ),
        )
        return shown


def cancel(
    ctx: Context, order_id: str, *, reason: str | None = None, requested_by: str | None = None
) -> dict[str, Any]:
    """Close an order that has no escrow yet; what was reserved is available again. Commits.

    Raises: ORDER_NOT_FOUND, INVALID_STATE, RESERVE_NOT_FOUND when the books hold none.
    """
    with atomic():
        row = require_order_for_update(order_id)
        before = row.status
        ORDER.check(before, "CLOSED", resource_id=order_id)
        if before not in {"ORDER_CREATED", "FUNDS_RESERVED"}:
            ORDER.check(before, "FUNDS_RESERVED", resource_id=order_id)
        change(ctx, row, "CLOSED", resolution="CANCELED")
        events = [order_event("order.canceled", row), order_event("order.closed", row)]
        if before == "FUNDS_RESERVED":
            require_reserve(order_id)
            posted = journal.post(
                transfers.reserve_returned(
                    order_id=row.id, buyer_id=row.buyer_id, amount=row.amount
                ),
                now_ms=ctx.now_ms(),
            )
            events.append(
                balance_event(
                    "balance.released",
                    row.buyer_id,
                    row.amount,
                    posted.transfer_id,
                    "order",
                    row.id,
                )
            )
        shown = shown_now(row)
        audit.record(
            ctx, action="order.cancel", resource_type="order", resource_id=row.id,
            before={"status": before},
            after={**shown, "reason": reason, "requested_by": requested_by},
        )  # fmt: skip
        announce(ctx, *events)
        return shown


def change(ctx: Context, row: store.Order, target: str, *, resolution: str | None = None) -> None:
    """Move a locked order along its state table and save it. Raises: INVALID_STATE."""
    row.status = ORDER.check(row.status, target, resource_id=row.id)
    row.resolution = resolution or row.resolution
    row.updated_at = ctx.now_ms()
    row.version += 1
    row.save(only=["status", "resolution", "updated_at", "version"])


def shown_now(row: store.Order) -> dict[str, Any]:
    """The order with everything that belongs to it, as the open connection sees it."""
    return show.order(
        row,
        escrow_row=store.escrow_of(row.id),
        milestone_rows=store.milestones_of([row.id]) if row.milestone_count else (),
        dispute_row=disputes_store.latest_of(row.id),
        operation_row=operations_store.latest_for(row.id),
    )


def order_event(event_type: str, row: store.Order) -> NewEvent:
    """An event about an order, for both parties."""
    return NewEvent(event_type, row.id, {"order": shown_now(row)}, (row.buyer_id, row.seller_id))


def balance_event(
    event_type: str,
    user_id: str,
    amount_stroops: int,
    transfer_id: str,
    subject_type: str,
    subject_id: str,
) -> NewEvent:
    """A movement of one user's balance and its cause."""
    payload = {
        "user_id": user_id,
        **show.money("amount", amount_stroops),
        "transfer_id": transfer_id,
        "subject_type": subject_type,
        "subject_id": subject_id,
    }
    return NewEvent(event_type, user_id, payload, (user_id,))


def require_order(order_id: str) -> store.Order:
    """Raises: ORDER_NOT_FOUND."""
    row = store.get(order_id)
    if row is None:
        raise NotFound(code="ORDER_NOT_FOUND", order_id=order_id)
    return row


def require_order_for_update(order_id: str) -> store.Order:
    """Locks the order. Raises: ORDER_NOT_FOUND."""
    row = store.get_for_update(order_id)
    if row is None:
        raise NotFound(code="ORDER_NOT_FOUND", order_id=order_id)
    return row


def _cannot_reserve(order_id: str) -> OfferHubError:
    row = require_order(order_id)
    if row.status == "FUNDS_RESERVED":
        return OfferHubError(code="FUNDS_ALREADY_RESERVED", order_id=order_id)
    ORDER.check(row.status, "FUNDS_RESERVED", resource_id=order_id)
    require_active(row.buyer_id)
    return OfferHubError("The order changed meanwhile; try again.", code="INVALID_STATE")


def _duplicate(client_order_ref: str | None) -> OfferHubError:
    return OfferHubError(code="DUPLICATE_CLIENT_ORDER_REF", client_order_ref=client_order_ref)

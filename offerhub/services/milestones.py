"""Milestones: completed by the seller, paid one by one from a multi-release escrow."""

from typing import Any

from offerhub.domain.errors import InvalidState, NotFound, OfferHubError
from offerhub.domain.orders import MILESTONE
from offerhub.services import audit, operations, turns
from offerhub.services import representations as show
from offerhub.services.announcements import NewEvent, announce
from offerhub.services.context import Context
from offerhub.services.escrows import require_escrow_for_update, require_may_become
from offerhub.services.orders import require_order, require_order_for_update
from offerhub.store import operations as operations_store
from offerhub.store import orders as store
from offerhub.store.database import atomic, connection


def list_milestones(ctx: Context, order_id: str) -> list[dict[str, Any]]:
    """By position. Raises: ORDER_NOT_FOUND, also for who may see only another user's data."""
    with connection():
        order = require_order(order_id)
        if ctx.actor.user_id not in (None, order.buyer_id, order.seller_id):
            raise NotFound(code="ORDER_NOT_FOUND", order_id=order_id)
        return [_shown(row) for row in store.milestones_of([order_id])]


def complete(
    ctx: Context,
    order_id: str,
    milestone_ref: str,
    *,
    evidence_url: str | None = None,
    note: str | None = None,
) -> dict[str, Any]:
    """The seller says that a milestone is done; it is written on the contract. Commits.

    Raises: ORDER_NOT_FOUND, MILESTONE_NOT_FOUND, INVALID_STATE, ESCROW_NOT_READY.
    """
    with atomic():
        order, row = _open_for(order_id, milestone_ref, target="COMPLETED")
        escrow = require_escrow_for_update(order_id)
        row.evidence_url = evidence_url
        row.note = note
        row.updated_at = ctx.now_ms()
        row.save(only=["evidence_url", "note", "updated_at"])
        operations.start(
            ctx, kind=operations.MILESTONE_COMPLETE, subject_type="milestone", subject_id=row.id,
            params={
                "order_id": order.id,
                "escrow_id": escrow.id,
                "seller_id": order.seller_id,
                "position": row.position,
            },
        )  # fmt: skip
        return _asked(ctx, "milestone.complete", row)


def release(ctx: Context, order_id: str, milestone_ref: str) -> dict[str, Any]:
    """Ask for one completed milestone to be paid to the seller. Commits.

    Raises: ORDER_NOT_FOUND, MILESTONE_NOT_FOUND, INVALID_STATE, ESCROW_NOT_READY,
    ESCROW_NOT_FOUND, ESCROW_INVALID_STATE.
    """
    with atomic():
        order, row = _open_for(order_id, milestone_ref, target="RELEASED")
        escrow = require_escrow_for_update(order_id)
        require_may_become(escrow, "RELEASING")
        operations.start(
            ctx, kind=operations.MILESTONE_RELEASE, subject_type="milestone", subject_id=row.id,
            params={
                "order_id": order.id,
                "escrow_id": escrow.id,
                "buyer_id": order.buyer_id,
                "positions": [row.position],
            },
        )  # fmt: skip
        return _asked(ctx, "milestone.release", row)


def apply_completed(ctx: Context, milestone_id: str) -> None:
    """It is written on the contract. Inside the caller's transaction."""
    row = store.Milestone.get_by_id(milestone_id)
    order = require_order_for_update(row.order_id)
    escrow = require_escrow_for_update(row.order_id)
    row.status = MILESTONE.check(row.status, "COMPLETED", resource_id=row.id)
    row.updated_at = ctx.now_ms()
    row.save(only=["status", "updated_at"])
    payload = {"order_id": order.id, "milestone": show.milestone(row)}
    audit.record(
        ctx, action="milestone.completed", resource_type="order", resource_id=order.id,
        after=payload,
    )  # fmt: skip
    announce(
        ctx,
        NewEvent(
            "escrow.milestone_completed", escrow.id, payload, (order.buyer_id, order.seller_id)
        ),
    )


def require_none_under_way(order_id: str) -> None:
    """No milestone of the order is being completed or paid. Raises: ESCROW_NOT_READY."""
    for row in store.milestones_of([order_id]):
        _require_idle(row)


def require_milestone(order_id: str, milestone_ref: str) -> store.Milestone:
    """Raises: MILESTONE_NOT_FOUND."""
    for row in store.milestones_of([order_id]):
        if row.milestone_ref == milestone_ref:
            return row
    raise NotFound(code="MILESTONE_NOT_FOUND", order_id=order_id, milestone_ref=milestone_ref)


def _open_for(
    order_id: str, milestone_ref: str, *, target: str
) -> tuple[store.Order, store.Milestone]:
    order = require_order_for_update(order_id)
    row = require_milestone(order_id, milestone_ref)
    if order.status != "IN_PROGRESS":
        raise InvalidState(
            f"The order {order_id} is {order.status}; its milestones cannot change.",
            current_state=order.status,
            allowed_states=["IN_PROGRESS"],
        )
    MILESTONE.check(row.status, target, resource_id=row.id)
    _require_idle(row)
    return order, row


def _require_idle(row: store.Milestone) -> None:
    for kind in (operations.MILESTONE_COMPLETE, operations.MILESTONE_RELEASE):
        if operations_store.is_live(kind, row.id):
            raise OfferHubError(
                f"The milestone {row.milestone_ref} is being worked on; try again in a moment.",
                code="ESCROW_NOT_READY",
                milestone_ref=row.milestone_ref,
            )


def _asked(ctx: Context, action: str, row: store.Milestone) -> dict[str, Any]:
    shown = _shown(row)
    audit.record(ctx, action=action, resource_type="order", resource_id=row.order_id, after=shown)
    return shown


def _shown(row: store.Milestone) -> dict[str, Any]:
    return {
        **show.milestone(row),
        "operation": show.operation(operations_store.latest_for(row.id)),
    }


def get_milestone(ctx: Context, milestone_id: str) -> dict[str, Any]:
    """Raises: MILESTONE_NOT_FOUND."""
    with connection():
        row = store.Milestone.get_or_none(store.Milestone.id == milestone_id)
        if row is None:
            raise NotFound(code="MILESTONE_NOT_FOUND", milestone_id=milestone_id)
        shown = _shown(row)
    return {**shown, "operation": turns.shown(ctx.app, shown["operation"])}

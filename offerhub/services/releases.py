"""Release of a whole escrow to the seller, all milestones that are left included."""

from typing import Any

from offerhub.services import audit, operations
from offerhub.services.announcements import announce
from offerhub.services.context import Context
from offerhub.services.escrows import change_escrow, require_escrow_for_update
from offerhub.services.milestones import require_none_under_way
from offerhub.services.orders import (
    change,
    order_event,
    require_order_for_update,
    shown_now,
)
from offerhub.services.settlements import milestones_left
from offerhub.store.database import atomic


def release(
    ctx: Context, order_id: str, *, reason: str | None = None, requested_by: str | None = None
) -> dict[str, Any]:
    """Ask for everything left in the escrow to be paid to the seller. Commits.

    Raises: ORDER_NOT_FOUND, ESCROW_NOT_FOUND, INVALID_STATE, ESCROW_INVALID_STATE,
    ESCROW_NOT_READY while a milestone is being paid.
    """
    return ask_for_payout(
        ctx,
        order_id,
        kind=operations.ORDER_RELEASE,
        order_state="RELEASE_REQUESTED",
        escrow_state="RELEASING",
        reason=reason,
        requested_by=requested_by,
    )


def ask_for_payout(
    ctx: Context,
    order_id: str,
    *,
    kind: str,
    order_state: str,
    escrow_state: str,
    reason: str | None,
    requested_by: str | None,
) -> dict[str, Any]:
    """Record that all of an escrow is to be paid to one side, and start the work. Commits.

    kind: ORDER_RELEASE or ORDER_REFUND. Raises: as `release`.
    """
    with atomic():
        order = require_order_for_update(order_id)
        before = order.status
        change(ctx, order, order_state)
        escrow = require_escrow_for_update(order_id)
        require_none_under_way(order_id)
        change_escrow(ctx, escrow, escrow_state)
        operations.start(
            ctx, kind=kind, subject_type="order", subject_id=order.id,
            params={
                "order_id": order.id,
                "escrow_id": escrow.id,
                "buyer_id": order.buyer_id,
                "positions": positions(order_id, escrow.kind),
            },
        )  # fmt: skip
        shown = shown_now(order)
        audit.record(
            ctx, action=kind, resource_type="order", resource_id=order.id,
            before={"status": before},
            after={**shown, "reason": reason, "requested_by": requested_by},
        )  # fmt: skip
        announce(ctx, order_event(f"order.{order_state.lower()}", order))
        return shown


def positions(order_id: str, kind: str) -> list[int | None]:
    """What is left to be paid: positions of milestones, or one None for a single-release escrow."""
    if kind == "SINGLE_RELEASE":
        return [None]
    return [milestone.position for milestone in milestones_left(order_id)]


def apply_refused(ctx: Context, order_id: str, *, reason: str) -> None:
    """Definitely refused before anything was on chain: back to IN_PROGRESS.

    Inside the caller's transaction; for releases and refunds alike.
    """
    order = require_order_for_update(order_id)
    escrow = require_escrow_for_update(order_id)
    change_escrow(ctx, escrow, "FUNDED")
    change(ctx, order, "IN_PROGRESS")
    audit.record(
        ctx, action="order.request_refused", resource_type="order", resource_id=order_id,
        after={"reason": reason}, result="failure", error_code="PROVIDER_ERROR",
    )  # fmt: skip
    announce(ctx, order_event("order.in_progress", order))

"""Refund without a dispute: the buyer's dispute and the platform's decision, at once."""

from typing import Any

from offerhub.services import audit, operations
from offerhub.services.announcements import announce
from offerhub.services.context import Context
from offerhub.services.escrows import change_escrow, require_escrow_for_update
from offerhub.services.milestones import require_none_under_way
from offerhub.services.orders import change, order_event, require_order_for_update, shown_now
from offerhub.services.releases import positions
from offerhub.store.database import atomic


def refund(
    ctx: Context, order_id: str, *, reason: str | None = None, requested_by: str | None = None
) -> dict[str, Any]:
    """Ask for everything left in the escrow to go back to the buyer. Commits.

    By policy the platform then makes up for the fees that the contract takes, or the buyer bears
    them (docs/money.md, "Refunds").
    Raises: ORDER_NOT_FOUND, ESCROW_NOT_FOUND, INVALID_STATE, ESCROW_NOT_READY while a milestone
    is being paid.
    """
    with atomic():
        order = require_order_for_update(order_id)
        before = order.status
        change(ctx, order, "REFUND_REQUESTED")
        escrow = require_escrow_for_update(order_id)
        require_none_under_way(order_id)
        change_escrow(ctx, escrow, "REFUNDING")
        operations.start(
            ctx, kind=operations.ORDER_REFUND, subject_type="order", subject_id=order.id,
            params={
                "order_id": order.id,
                "escrow_id": escrow.id,
                "buyer_id": order.buyer_id,
                "positions": positions(order_id, escrow.kind),
            },
        )  # fmt: skip
        shown = shown_now(order)
        audit.record(
            ctx, action="order.refund", resource_type="order", resource_id=order.id,
            before={"status": before},
            after={**shown, "reason": reason, "requested_by": requested_by},
        )  # fmt: skip
        announce(ctx, order_event("order.refund_requested", order))
        return shown

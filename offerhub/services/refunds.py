"""Refund without a dispute: the buyer's dispute and the platform's decision, at once."""

from typing import Any

from offerhub.services import operations
from offerhub.services.context import Context
from offerhub.services.releases import ask_for_payout


def refund(
    ctx: Context, order_id: str, *, reason: str | None = None, requested_by: str | None = None
) -> dict[str, Any]:
    """Ask for everything left in the escrow to go back to the buyer. Commits.

    By policy the platform then makes up for the fees that the contract takes, or the buyer bears
    them (docs/money.md, "Refunds").
    Raises: ORDER_NOT_FOUND, ESCROW_NOT_FOUND, INVALID_STATE, ESCROW_INVALID_STATE,
    ESCROW_NOT_READY while a milestone is being paid.
    """
    return ask_for_payout(
        ctx,
        order_id,
        kind=operations.ORDER_REFUND,
        order_state="REFUND_REQUESTED",
        escrow_state="REFUNDING",
        reason=reason,
        requested_by=requested_by,
    )

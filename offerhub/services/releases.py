"""Release: the escrow pays the seller. Posted is what moved on chain, not what was asked for."""

from typing import Any

from offerhub.domain.errors import OfferHubError
from offerhub.ledger import journal, transfers
from offerhub.services import audit, operations
from offerhub.services.announcements import announce
from offerhub.services.context import Context
from offerhub.services.escrows import change_escrow, escrow_event, require_escrow_for_update
from offerhub.services.orders import (
    balance_event,
    change,
    order_event,
    require_order_for_update,
    shown_now,
)
from offerhub.store.database import atomic


def release(
    ctx: Context, order_id: str, *, reason: str | None = None, requested_by: str | None = None
) -> dict[str, Any]:
    """Ask for the whole escrow to be paid to the seller. Commits.

    Raises: ORDER_NOT_FOUND, ESCROW_NOT_FOUND, INVALID_STATE; ESCROW_INVALID_STATE for an order
    with milestones, which are released one by one.
    """
    with atomic():
        order = require_order_for_update(order_id)
        before = order.status
        change(ctx, order, "RELEASE_REQUESTED")
        escrow = require_escrow_for_update(order_id)
        if escrow.kind != "SINGLE_RELEASE":
            raise OfferHubError(
                "An order with milestones is released milestone by milestone.",
                code="ESCROW_INVALID_STATE",
                current_state=escrow.status,
            )
        change_escrow(ctx, escrow, "RELEASING")
        operations.start(
            ctx, kind=operations.ORDER_RELEASE, subject_type="order", subject_id=order.id,
            params={"escrow_id": escrow.id, "buyer_id": order.buyer_id},
        )  # fmt: skip
        shown = shown_now(order)
        audit.record(
            ctx, action="order.release", resource_type="order", resource_id=order.id,
            before={"status": before},
            after={**shown, "reason": reason, "requested_by": requested_by},
        )  # fmt: skip
        announce(ctx, order_event("order.release_requested", order))
        return shown


def apply_released(
    ctx: Context, order_id: str, *, paid: list[dict[str, Any]], tx_hash: str
) -> None:
    """The contract has paid out. Inside the caller's transaction.

    paid: the USDC transfers of the release transaction: from, to, amount in stroops.
    Raises: ValueError when they are not a release of this escrow; nothing is then posted.
    """
    order = require_order_for_update(order_id)
    escrow = require_escrow_for_update(order_id)
    out = [t for t in paid if t["from"] == escrow.trustless_contract_id]
    gross = sum(t["amount"] for t in out)
    to_seller = sum(t["amount"] for t in out if t["to"] == escrow.seller_address)
    to_platform = sum(t["amount"] for t in out if t["to"] == escrow.platform_address)
    if gross != escrow.amount or len(out) != len(paid) or to_seller <= 0:
        raise ValueError(f"transaction {tx_hash} is not a release of {escrow.amount} stroops")
    posted = journal.post(
        transfers.escrow_released(
            reference=order.id,
            order_id=order.id,
            seller_id=order.seller_id,
            gross=gross,
            to_seller=to_seller,
            to_platform=to_platform,
            to_protocol=gross - to_seller - to_platform,
        ),
        now_ms=ctx.now_ms(),
    )
    escrow.release_tx_hash = tx_hash
    escrow.resolution = "RELEASED"
    change_escrow(ctx, escrow, "RELEASED")
    change(ctx, order, "RELEASED")
    released = order_event("order.released", order)
    change(ctx, order, "CLOSED", resolution="RELEASED")
    audit.record(
        ctx, action="order.released", resource_type="order", resource_id=order.id,
        before={"status": "RELEASE_REQUESTED"}, after=shown_now(order),
    )  # fmt: skip
    announce(
        ctx,
        escrow_event("escrow.released", order, escrow),
        released,
        order_event("order.closed", order),
        balance_event(
            "balance.credited", order.seller_id, to_seller, posted.transfer_id, "order", order.id
        ),
    )


def apply_release_refused(ctx: Context, order_id: str, *, reason: str) -> None:
    """Definitely refused before anything was on chain: back to IN_PROGRESS.

    Inside the caller's transaction.
    """
    order = require_order_for_update(order_id)
    escrow = require_escrow_for_update(order_id)
    change_escrow(ctx, escrow, "FUNDED")
    change(ctx, order, "IN_PROGRESS")
    audit.record(
        ctx, action="order.release_refused", resource_type="order", resource_id=order_id,
        after={"reason": reason}, result="failure", error_code="PROVIDER_ERROR",
    )  # fmt: skip
    announce(ctx, order_event("order.in_progress", order))

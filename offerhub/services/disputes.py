"""Disputes: opened by a party, and resolved by the platform.

Not here: what happens to the case between the two (`dispute_cases`).
"""

from collections.abc import Sequence
from typing import Any

from offerhub.domain import ids
from offerhub.domain.disputes import DISPUTE, shares
from offerhub.domain.errors import OfferHubError, ValidationFailed
from offerhub.domain.money import is_whole_cents
from offerhub.domain.orders import MILESTONE
from offerhub.services import audit, operations
from offerhub.services import representations as show
from offerhub.services.announcements import announce
from offerhub.services.context import Context
from offerhub.services.dispute_cases import (
    dispute_event,
    require_dispute_for_update,
    shown_with_comments,
)
from offerhub.services.escrows import (
    change_escrow,
    require_escrow_for_update,
    require_may_become,
)
from offerhub.services.milestones import require_milestone, require_none_under_way
from offerhub.services.orders import change, order_event, require_order, require_order_for_update
from offerhub.services.settlements import milestones_left
from offerhub.store import disputes as store
from offerhub.store import operations as operations_store
from offerhub.store import orders as orders_store
from offerhub.store.database import atomic


def open_dispute(
    ctx: Context,
    order_id: str,
    *,
    opened_by: str,
    reason: str,
    evidence: Sequence[str] = (),
    note: str | None = None,
    milestone_ref: str | None = None,
) -> dict[str, Any]:
    """Freeze the order (or one milestone) until the platform decides. Commits.

    opened_by: BUYER or SELLER, whose wallet signs on chain.
    Raises: ORDER_NOT_FOUND, MILESTONE_NOT_FOUND, DISPUTE_ALREADY_OPEN, INVALID_STATE,
    ESCROW_NOT_FOUND, ESCROW_INVALID_STATE, ESCROW_NOT_READY while a milestone is being paid.
    """
    now = ctx.now_ms()
    with atomic():
        order = require_order_for_update(order_id)
        if store.active_of(order_id) is not None:
            raise OfferHubError(code="DISPUTE_ALREADY_OPEN", order_id=order_id)
        before = order.status
        change(ctx, order, "DISPUTED")
        escrow = require_escrow_for_update(order_id)
        require_may_become(escrow, "DISPUTED")
        require_none_under_way(order_id)
        disputed = _disputed(order_id, milestone_ref)
        for milestone in disputed:
            milestone.status = MILESTONE.check(
                milestone.status, "DISPUTED", resource_id=milestone.id
            )
            milestone.updated_at = now
            milestone.save(only=["status", "updated_at"])
        row = store.Dispute.create(
            id=ids.new_id(ids.DISPUTE),
            order_id=order_id,
            milestone_ref=milestone_ref,
            opened_by=opened_by,
            reason=reason,
            status=DISPUTE.initial,
            evidence=list(evidence),
            note=note,
            created_at=now,
            updated_at=now,
        )
        operations.start(
            ctx, kind=operations.DISPUTE_OPEN, subject_type="dispute", subject_id=row.id,
            params={
                "order_id": order_id,
                "escrow_id": escrow.id,
                "party_id": order.buyer_id if opened_by == "BUYER" else order.seller_id,
                "positions": [m.position for m in disputed] or [None],
            },
        )  # fmt: skip
        shown = shown_with_comments(row)
        audit.record(
            ctx, action="dispute.open", resource_type="dispute", resource_id=row.id,
            before={"order_status": before}, after=shown,
        )  # fmt: skip
        announce(
            ctx, dispute_event("dispute.opened", order, row), order_event("order.disputed", order)
        )
        return shown


def resolve(
    ctx: Context,
    dispute_id: str,
    *,
    decision: str,
    release_stroops: int | None = None,
    refund_stroops: int | None = None,
    note: str | None = None,
) -> dict[str, Any]:
    """Decide; the contract pays accordingly, and the dispute is RESOLVED once it has. Commits.

    Amounts are gross, belong to a SPLIT only, and make up what is left in the escrow (of the
    disputed milestone, if one is named).
    Raises: DISPUTE_NOT_FOUND, INVALID_STATE before it is assigned, ESCROW_NOT_READY while the
    dispute is not on chain yet or a decision is being carried out, VALIDATION_ERROR.
    """
    with atomic():
        row = require_dispute_for_update(dispute_id)
        DISPUTE.check(row.status, "RESOLVED", resource_id=dispute_id)
        order = require_order_for_update(row.order_id)
        escrow = require_escrow_for_update(row.order_id)
        _require_ready(row)
        disputed = _disputed(row.order_id, row.milestone_ref)
        left = sum(m.amount for m in disputed) if disputed else escrow.amount
        to_seller, to_buyer = shares(
            decision,
            left_stroops=left,
            release_stroops=release_stroops,
            refund_stroops=refund_stroops,
        )
        if not (is_whole_cents(to_seller) and is_whole_cents(to_buyer)):
            raise ValidationFailed("release_amount", "Shares are whole cents.")
        row.decision = decision
        row.release_amount, row.refund_amount = to_seller, to_buyer
        row.note = note or row.note
        row.updated_at = ctx.now_ms()
        row.save()
        operations.start(
            ctx, kind=operations.DISPUTE_RESOLVE, subject_type="dispute", subject_id=row.id,
            params={
                "order_id": order.id,
                "escrow_id": escrow.id,
                "buyer_id": order.buyer_id,
                "parts": _parts(disputed, to_seller=to_seller, to_buyer=to_buyer),
                "full_refund": to_seller == 0,
            },
        )  # fmt: skip
        shown = shown_with_comments(row)
        audit.record(
            ctx, action="dispute.resolve", resource_type="dispute", resource_id=dispute_id,
            after=shown,
        )  # fmt: skip
        return shown


def apply_on_chain(ctx: Context, dispute_id: str) -> None:
    """The contract is frozen. Inside the caller's transaction."""
    row = require_dispute_for_update(dispute_id)
    escrow = require_escrow_for_update(row.order_id)
    if escrow.status != "DISPUTED":
        change_escrow(ctx, escrow, "DISPUTED")
    audit.record(
        ctx, action="dispute.on_chain", resource_type="dispute", resource_id=dispute_id,
        after={"escrow_status": escrow.status},
    )  # fmt: skip


def apply_resolved(ctx: Context, dispute_id: str) -> None:
    """The contract has paid as decided. Inside the caller's transaction."""
    row = require_dispute_for_update(dispute_id)
    order = require_order(row.order_id)
    before = {"status": row.status}
    row.status = DISPUTE.check(row.status, "RESOLVED", resource_id=dispute_id)
    row.updated_at = ctx.now_ms()
    row.save()
    audit.record(
        ctx, action="dispute.resolved", resource_type="dispute", resource_id=dispute_id,
        before=before, after=show.dispute(row),
    )  # fmt: skip
    announce(ctx, dispute_event("dispute.resolved", order, row))


def apply_refused(ctx: Context, dispute_id: str) -> None:
    """The decision was definitely refused and nothing is on chain: it can be made anew.

    Inside the caller's transaction.
    """
    row = require_dispute_for_update(dispute_id)
    row.decision = row.release_amount = row.refund_amount = None
    row.updated_at = ctx.now_ms()
    row.save()
    audit.record(
        ctx, action="dispute.resolution_refused", resource_type="dispute",
        resource_id=dispute_id, result="failure", error_code="PROVIDER_ERROR",
    )  # fmt: skip


def _parts(
    disputed: Sequence[orders_store.Milestone], *, to_seller: int, to_buyer: int
) -> list[dict[str, Any]]:
    """Gross shares per milestone, the seller's filled first; one part for the whole escrow."""
    if not disputed:
        return [{"position": None, "to_seller": to_seller, "to_buyer": to_buyer}]
    parts = []
    for milestone in disputed:
        share = min(to_seller, milestone.amount)
        to_seller -= share
        parts.append(
            {
                "position": milestone.position,
                "to_seller": share,
                "to_buyer": milestone.amount - share,
            }
        )
    return parts


def _disputed(order_id: str, milestone_ref: str | None) -> list[orders_store.Milestone]:
    """The milestones that a dispute concerns; none for an order without milestones."""
    if milestone_ref is not None:
        return [require_milestone(order_id, milestone_ref)]
    return milestones_left(order_id)


def _require_ready(row: store.Dispute) -> None:
    for kind in (operations.DISPUTE_OPEN, operations.DISPUTE_RESOLVE):
        if operations_store.is_live(kind, row.id):
            raise OfferHubError(
                "The dispute is being written on the contract; try again in a moment.",
                code="ESCROW_NOT_READY",
                dispute_id=row.id,
            )

"""A dispute as a case: looked at, assigned, discussed. It moves no money.

Not here: opening and resolving it (`disputes`).
"""

from typing import Any

from offerhub.domain import ids
from offerhub.domain.disputes import DISPUTE
from offerhub.domain.errors import InvalidState, NotFound
from offerhub.services import audit, turns
from offerhub.services import representations as show
from offerhub.services.announcements import NewEvent, announce
from offerhub.services.context import Context, Page
from offerhub.services.orders import require_order
from offerhub.store import disputes as store
from offerhub.store import operations as operations_store
from offerhub.store import orders as orders_store
from offerhub.store.database import atomic, connection


def get_dispute(ctx: Context, dispute_id: str) -> dict[str, Any]:
    """With its comments. Raises: DISPUTE_NOT_FOUND."""
    with connection():
        shown = shown_with_comments(require_dispute(dispute_id))
    return {**shown, "operation": turns.shown(ctx.app, shown["operation"])}


def list_disputes(
    ctx: Context,
    *,
    limit: int = 20,
    cursor: str | None = None,
    status: str | None = None,
    order_id: str | None = None,
    assignee: str | None = None,
) -> Page:
    """Newest first, without comments."""
    with connection():
        rows = store.listed(
            limit=limit, cursor=cursor, status=status, order_id=order_id, assignee=assignee
        )
        return Page([show.dispute(row) for row in rows.rows], rows.next_cursor)


def assign(ctx: Context, dispute_id: str, *, assignee: str) -> dict[str, Any]:
    """Put somebody in charge; an OPEN dispute is then UNDER_REVIEW. Commits.

    Raises: DISPUTE_NOT_FOUND, INVALID_STATE for a resolved one.
    """
    with atomic():
        row = require_dispute_for_update(dispute_id)
        before = {"status": row.status, "assignee": row.assignee}
        if row.status != "UNDER_REVIEW":
            row.status = DISPUTE.check(row.status, "UNDER_REVIEW", resource_id=dispute_id)
        row.assignee = assignee
        row.updated_at = ctx.now_ms()
        row.save()
        shown = shown_with_comments(row)
        audit.record(
            ctx, action="dispute.assign", resource_type="dispute", resource_id=dispute_id,
            before=before, after=shown,
        )  # fmt: skip
        order = require_order(row.order_id)
        announce(ctx, dispute_event("dispute.under_review", order, row))
        return shown


def comment(ctx: Context, dispute_id: str, *, body: str) -> dict[str, Any]:
    """Add to the discussion. Commits. Raises: DISPUTE_NOT_FOUND, INVALID_STATE when resolved."""
    with atomic():
        row = require_dispute_for_update(dispute_id)
        if row.status == "RESOLVED":
            raise InvalidState(
                "A resolved dispute takes no comments.",
                current_state=row.status,
                allowed_states=["OPEN", "UNDER_REVIEW"],
            )
        store.DisputeComment.create(
            id=ids.new_id(ids.COMMENT),
            dispute_id=dispute_id,
            author=ctx.actor.id or ctx.actor.type,
            body=body,
            created_at=ctx.now_ms(),
        )
        row.updated_at = ctx.now_ms()
        row.save(only=["updated_at"])
        shown = shown_with_comments(row)
        audit.record(
            ctx, action="dispute.comment", resource_type="dispute", resource_id=dispute_id,
            after={"body": body},
        )  # fmt: skip
        announce(ctx, dispute_event("dispute.commented", require_order(row.order_id), row))
        return shown


def shown_with_comments(row: store.Dispute) -> dict[str, Any]:
    """What an answer says of a dispute: itself, its latest operation, its discussion."""
    return {
        **show.dispute(row),
        "operation": show.operation(operations_store.latest_for(row.id)),
        "comments": [
            {"author": c.author, "body": c.body, "created_at": show.timestamp(c.created_at)}
            for c in store.comments_of(row.id)
        ],
    }


def dispute_event(event_type: str, order: orders_store.Order, row: store.Dispute) -> NewEvent:
    return NewEvent(
        event_type, row.id, {"dispute": show.dispute(row)}, (order.buyer_id, order.seller_id)
    )


def require_dispute(dispute_id: str) -> store.Dispute:
    """Raises: DISPUTE_NOT_FOUND."""
    row = store.get(dispute_id)
    if row is None:
        raise NotFound(code="DISPUTE_NOT_FOUND", dispute_id=dispute_id)
    return row


def require_dispute_for_update(dispute_id: str) -> store.Dispute:
    """The row, locked until the commit. Raises: DISPUTE_NOT_FOUND."""
    row = store.get_for_update(dispute_id)
    if row is None:
        raise NotFound(code="DISPUTE_NOT_FOUND", dispute_id=dispute_id)
    return row

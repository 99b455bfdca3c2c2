"""Provider operations: asked for in the transaction of the change that needs them.

Not here: performing them (`engine`) and what their steps do (`flows`).
"""

from typing import Any

from offerhub.domain import ids
from offerhub.domain.errors import NotFound
from offerhub.domain.operations import OPERATION
from offerhub.services import audit, outbound_order, turns
from offerhub.services.announcements import NewEvent, announce
from offerhub.services.context import Context, Page
from offerhub.services.representations import timestamp
from offerhub.store import operations as store
from offerhub.store.database import after_commit, atomic, connection, in_transaction

PLATFORM_SETUP = "platform.setup"
WALLET_CREATE = "wallet.create"
WALLET_SWEEP = "wallet.sweep"
WALLET_FUEL = "wallet.fuel"
TOPUP_PAYIN = "topup.payin"
TOPUP_CANCEL = "topup.cancel"
ESCROW_DEPLOY = "escrow.deploy"
ESCROW_FUND = "escrow.fund"
ORDER_RELEASE = "order.release"
ORDER_REFUND = "order.refund"
MILESTONE_COMPLETE = "milestone.complete"
MILESTONE_RELEASE = "milestone.release"
DISPUTE_OPEN = "dispute.open"
DISPUTE_RESOLVE = "dispute.resolve"
TREASURY_PAYMENT = "treasury.payment"
WITHDRAWAL_CHAIN = "withdrawal.chain"
WITHDRAWAL_AIRTM = "withdrawal.airtm"
WITHDRAWAL_CANCEL = "withdrawal.cancel"


def start(
    ctx: Context,
    *,
    kind: str,
    subject_type: str,
    subject_id: str,
    params: dict[str, Any] | None = None,
) -> store.Operation:
    """Record an operation in the open transaction; a worker performs it after the commit.

    Raises: IntegrityError when one of this kind is under way for the subject; RuntimeError
    outside a transaction.
    """
    if not in_transaction():
        raise RuntimeError(f"operation {kind} outside a transaction")
    now = ctx.now_ms()
    row = store.Operation.create(
        id=ids.new_id(ids.OPERATION),
        kind=kind,
        subject_type=subject_type,
        subject_id=subject_id,
        status=OPERATION.initial,
        params=params or {},
        facts={},
        urgency=outbound_order.urgency_of(kind),
        next_run_at=now,
        context={
            "request_id": ctx.actor.request_id,
            "actor_type": ctx.actor.type,
            "actor_id": ctx.actor.id,
        },
        created_at=now,
        updated_at=now,
    )
    after_commit(lambda: ctx.app.doorbell.ring("operations"))
    return row


def list_operations(
    ctx: Context, *, status: str | None = None, limit: int = 20, cursor: str | None = None
) -> Page:
    """Newest first, with their steps."""
    with connection():
        page = store.listed(status=status, limit=limit, cursor=cursor)
        waiting = any(row.status == "PENDING" for row in page.rows)
        found = turns.expected(ctx.app) if waiting else {}
        items = [detail(row, turn=found.get(row.id)) for row in page.rows]
        return Page(items, page.next_cursor)


def retry(ctx: Context, operation_id: str, *, reason: str) -> dict[str, Any]:
    """Put a stuck operation back to work. Commits.

    Raises: NotFound, InvalidState.
    """
    with atomic():
        row = store.get_for_update(operation_id)
        if row is None:
            raise NotFound("There is no such operation.", operation_id=operation_id)
        OPERATION.check(row.status, "PENDING", resource_id=operation_id)
        row.status = "PENDING"
        row.failures = 0
        row.urgency = outbound_order.urgency_of(row.kind)
        row.next_run_at = row.updated_at = ctx.now_ms()
        row.save()
        audit.record(
            ctx,
            action="operation.retry",
            resource_type="operation",
            resource_id=operation_id,
            before={"status": "STUCK"},
            after={"status": "PENDING", "reason": reason},
        )
        after_commit(lambda: ctx.app.doorbell.ring("operations"))
        return detail(row)


def mark_stuck(ctx: Context, row: store.Operation, *, message: str, code: str | None) -> None:
    """No further attempts by itself: shown, alarmed, kept. Inside the caller's transaction."""
    row.status = OPERATION.check(row.status, "STUCK", resource_id=row.id)
    row.last_error = message[:2000]
    row.last_error_code = code
    row.lease_until = 0
    row.updated_at = ctx.now_ms()
    row.save()
    announce(
        ctx,
        NewEvent(
            "operation.stuck",
            row.id,
            {
                "operation_id": row.id,
                "kind": row.kind,
                "subject_type": row.subject_type,
                "subject_id": row.subject_id,
                "step": row.step,
                "error_code": code,
            },
        ),
    )
    audit.record(
        ctx,
        action="operation.stuck",
        resource_type="operation",
        resource_id=row.id,
        after={"kind": row.kind, "subject_id": row.subject_id, "error": message[:500]},
        result="failure",
        error_code=code,
    )


def detail(row: store.Operation, *, turn: turns.Turn | None = None) -> dict[str, Any]:
    """An operation as operators see it, in any status. turn: when it comes, if it waits."""
    return {
        "id": row.id,
        "kind": row.kind,
        "status": row.status,
        "step": row.step,
        "last_error": row.last_error_code,
        "subject_type": row.subject_type,
        "subject_id": row.subject_id,
        "failures": row.failures,
        "message": row.last_error and audit.redact_text(row.last_error),
        "next_run_at": timestamp(row.next_run_at),
        **turns.fields(turn),
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
        "steps": [
            {
                "name": step.name,
                "attempt": step.attempt,
                "status": step.status,
                "tx_hash": step.tx_hash,
                "at": timestamp(step.updated_at),
            }
            for step in store.steps_of(row.id)
        ],
    }

"""Ending a stuck operation by hand, with a reason."""

from typing import Any

from offerhub.domain.errors import InvalidState, NotFound, ValidationFailed
from offerhub.domain.operations import OPERATION
from offerhub.ports.errors import Rejected
from offerhub.services import audit, operations
from offerhub.services.announcements import NewEvent, announce
from offerhub.services.context import Context
from offerhub.services.flows.registry import flow_of
from offerhub.services.steps import Run
from offerhub.store import operations as store
from offerhub.store.database import atomic

OUTCOMES = ("FAILED", "CLOSED")


def settle(ctx: Context, operation_id: str, *, outcome: str, reason: str) -> dict[str, Any]:
    """End a stuck operation. Commits.

    FAILED: the operator has made sure that nothing happened at the provider and nothing will; what
    the request had done is undone (a withdrawal's hold ends, an order goes back). Refused while
    a step's outcome is unknown, or where nothing can be undone. CLOSED: only the operation ends;
    states and books stay as they are, to be put right by other means.
    Raises: NOT_FOUND, INVALID_STATE, VALIDATION_ERROR.
    """
    if outcome not in OUTCOMES:
        raise ValidationFailed("outcome", f"Choose one of {', '.join(OUTCOMES)}.")
    with atomic():
        row = store.get_for_update(operation_id)
        if row is None:
            raise NotFound("There is no such operation.", operation_id=operation_id)
        OPERATION.check(row.status, "SETTLED", resource_id=operation_id)
        if outcome == "FAILED":
            _undo(ctx, row, reason=reason)
        row.status = "SETTLED"
        row.last_error = f"settled as {outcome}: {reason}"[:2000]
        row.updated_at = ctx.now_ms()
        row.save()
        store.release_claims(operation_id, keep=[])
        audit.record(
            ctx, action="operation.settle", resource_type="operation", resource_id=operation_id,
            before={"status": "STUCK"}, after={"outcome": outcome, "reason": reason},
        )  # fmt: skip
        announce(
            ctx,
            NewEvent(
                "operation.settled",
                operation_id,
                {
                    "operation_id": operation_id,
                    "kind": row.kind,
                    "subject_type": row.subject_type,
                    "subject_id": row.subject_id,
                    "outcome": outcome,
                },
            ),
        )
        return operations.detail(row)


def _undo(ctx: Context, row: store.Operation, *, reason: str) -> None:
    """Raises: INVALID_STATE when it cannot be known to be safe."""
    steps = store.steps_of(row.id)
    if any(step.status in {"PREPARED", "UNKNOWN"} for step in steps):
        raise InvalidState(
            "A step's outcome is unknown: retry the operation until it is known.",
            current_state="UNKNOWN",
            allowed_states=["REJECTED", "EXPIRED"],
        )
    failure = Rejected(f"settled by hand: {reason}", provider="operator")
    step = row.step or ""
    if flow_of(row.kind).refused(Run(ctx, row), step, failure) != "FAILED":
        raise InvalidState(
            "This operation cannot be undone by itself; settle it as CLOSED and put it right.",
            current_state=row.status,
            allowed_states=["SETTLED"],
        )

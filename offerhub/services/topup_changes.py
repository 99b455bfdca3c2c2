"""What a client may ask of a top-up under way: look again, or cancel it."""

from typing import Any

from offerhub.domain.errors import InvalidState, NotFound
from offerhub.ports.payments import Payin
from offerhub.services import audit, operations, topups
from offerhub.services import representations as show
from offerhub.services.context import Context
from offerhub.store import operations as operations_store
from offerhub.store import topups as store
from offerhub.store.database import atomic, connection

OPEN = ("TOPUP_CREATED", "TOPUP_AWAITING_USER_CONFIRMATION", "TOPUP_PROCESSING")


def look(ctx: Context, topup_id: str) -> Payin | None:
    """The pay-in as Airtm shows it now; None before it was made. Not inside a transaction.

    Raises: TOPUP_NOT_FOUND; provider failures.
    """
    shown = topups.get_topup(ctx, topup_id)
    if shown["airtm_payin_id"] is None:
        return None
    return ctx.app.payments.find_payin(topup_id)


def refresh(ctx: Context, topup_id: str, *, payin: Payin | None) -> dict[str, Any]:
    """Bring the top-up to what `look` found. Commits. Raises: TOPUP_NOT_FOUND."""
    with atomic():
        if payin is not None:
            topups.apply_payin_result(ctx, topup_id, payin)
        return topups.get_topup(ctx, topup_id)


def cancel(ctx: Context, topup_id: str) -> dict[str, Any]:
    """Cancel a top-up that nobody has paid: at once before Airtm knows it, else by Airtm. Commits.

    Airtm decides: a payment that is faster wins, and is credited.
    Raises: TOPUP_NOT_FOUND, INVALID_STATE.
    """
    with atomic():
        row = store.get_for_update(topup_id)
        if row is None:
            raise NotFound(code="TOPUP_NOT_FOUND", topup_id=topup_id)
        if row.status not in OPEN:
            raise InvalidState(
                f"The top-up {topup_id} is {row.status}; it cannot be canceled any more.",
                current_state=row.status,
                allowed_states=[],
            )
        if not operations_store.is_live(operations.TOPUP_CANCEL, topup_id):
            operations.start(
                ctx, kind=operations.TOPUP_CANCEL, subject_type="topup", subject_id=topup_id
            )
        shown = show.topup(row)
        audit.record(
            ctx, action="topup.cancel", resource_type="topup", resource_id=topup_id, after=shown
        )
        return shown


def under_way(ctx: Context, topup_id: str) -> dict[str, Any]:
    """The top-up with its latest long work, for those who wait for its end.

    Raises: TOPUP_NOT_FOUND.
    """
    shown = topups.get_topup(ctx, topup_id)
    with connection():
        return {**shown, "operation": show.operation(operations_store.latest_for(topup_id))}

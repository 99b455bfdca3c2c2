"""What a client may ask of a withdrawal: commit it, look again, or cancel it."""

from typing import Any

from offerhub.domain.errors import InvalidState, NotFound
from offerhub.ports.payments import Payout
from offerhub.services import audit, operations, withdrawals
from offerhub.services import representations as show
from offerhub.services.context import Context
from offerhub.services.users import require_active
from offerhub.store import operations as operations_store
from offerhub.store import withdrawals as store
from offerhub.store.database import atomic

CANCELABLE = ("WITHDRAWAL_COMMITTED", "WITHDRAWAL_PENDING", "WITHDRAWAL_PENDING_USER_ACTION")


def commit(ctx: Context, withdrawal_id: str) -> dict[str, Any]:
    """Have held money paid out. Commits.

    Raises: WITHDRAWAL_NOT_FOUND, WITHDRAWAL_NOT_COMMITTABLE, USER_SUSPENDED.
    """
    with atomic():
        row = _locked(withdrawal_id)
        if row.status != "WITHDRAWAL_CREATED":
            raise InvalidState(
                code="WITHDRAWAL_NOT_COMMITTABLE",
                current_state=row.status,
                allowed_states=["WITHDRAWAL_CREATED"],
            )
        require_active(row.user_id)
        operation = withdrawals.commit_held(ctx, row)
        shown = show.withdrawal(row, operation_row=operation)
        audit.record(
            ctx, action="withdrawal.commit", resource_type="withdrawal",
            resource_id=withdrawal_id, before={"status": "WITHDRAWAL_CREATED"}, after=shown,
        )  # fmt: skip
        return shown


def look(ctx: Context, withdrawal_id: str) -> Payout | None:
    """The pay-out as Airtm shows it now; None if there is none. Not inside a transaction.

    Raises: WITHDRAWAL_NOT_FOUND; provider failures.
    """
    shown = withdrawals.get_withdrawal(ctx, withdrawal_id)
    if shown["airtm_payout_id"] is None:
        return None
    return ctx.app.payments.find_payout(withdrawal_id)


def refresh(ctx: Context, withdrawal_id: str, *, payout: Payout | None) -> dict[str, Any]:
    """Bring the withdrawal to what `look` found. Commits. Raises: WITHDRAWAL_NOT_FOUND."""
    with atomic():
        if payout is not None:
            withdrawals.apply_payout_result(ctx, withdrawal_id, payout)
        return withdrawals.get_withdrawal(ctx, withdrawal_id)


def cancel(ctx: Context, withdrawal_id: str) -> dict[str, Any]:
    """Cancel: at once while it is only held, later by Airtm, which decides. Commits.

    A payment on chain cannot be called back.
    Raises: WITHDRAWAL_NOT_FOUND, INVALID_STATE.
    """
    with atomic():
        row = _locked(withdrawal_id)
        if row.status == "WITHDRAWAL_CREATED":
            withdrawals.return_hold(ctx, row)
            withdrawals.change(ctx, row, "WITHDRAWAL_CANCELED")
        elif row.status in CANCELABLE and row.destination_type == "AIRTM_BALANCE":
            if not operations_store.is_live(operations.WITHDRAWAL_CANCEL, withdrawal_id):
                operations.start(
                    ctx, kind=operations.WITHDRAWAL_CANCEL, subject_type="withdrawal",
                    subject_id=withdrawal_id,
                )  # fmt: skip
        else:
            raise InvalidState(
                f"The withdrawal {withdrawal_id} is {row.status}; it cannot be canceled any more.",
                current_state=row.status,
                allowed_states=[],
            )
        shown = show.withdrawal(row, operation_row=operations_store.latest_for(withdrawal_id))
        audit.record(
            ctx, action="withdrawal.cancel", resource_type="withdrawal",
            resource_id=withdrawal_id, after=shown,
        )  # fmt: skip
        return shown


def _locked(withdrawal_id: str) -> store.Withdrawal:
    row = store.get_for_update(withdrawal_id)
    if row is None:
        raise NotFound(code="WITHDRAWAL_NOT_FOUND", withdrawal_id=withdrawal_id)
    return row

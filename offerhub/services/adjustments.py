"""An admin corrects a user's balance, with a reason and a reference that is used once."""

from typing import Any

from offerhub.domain.errors import ValidationFailed
from offerhub.ledger import adjustments, journal
from offerhub.ledger.transfers import NewTransfer
from offerhub.services import audit, balances
from offerhub.services.announcements import announce
from offerhub.services.context import Context
from offerhub.services.orders import balance_event
from offerhub.services.users import require
from offerhub.store.database import atomic
from offerhub.store.errors import UniqueViolation


def adjust(
    ctx: Context,
    user_id: str,
    *,
    amount_stroops: int,
    direction: str,
    reason: str,
    reference: str,
) -> dict[str, Any]:
    """Post a CREDIT or DEBIT; the user's balance afterwards. Commits.

    Raises: USER_NOT_FOUND, INSUFFICIENT_FUNDS, INVALID_AMOUNT, VALIDATION_ERROR for a reference
    used before.
    """
    adjustments.check_by_hand(amount_stroops)
    credit = amount_stroops if direction == "CREDIT" else 0
    with atomic():
        require(user_id)
        transfer = adjustments.adjusted(
            reference=reference, user_id=user_id, credit=credit, debit=amount_stroops - credit
        )
        posted = post_once(ctx, transfer)
        audit.record(
            ctx, action="balance.adjust", resource_type="user", resource_id=user_id,
            after={
                "direction": direction, "amount_stroops": amount_stroops, "reason": reason,
                "reference": reference, "transfer_id": posted.transfer_id,
            },
        )  # fmt: skip
        announce(
            ctx,
            balance_event(
                "balance.credited" if credit else "balance.debited",
                user_id,
                amount_stroops,
                posted.transfer_id,
                "user",
                user_id,
            ),
        )
        return balances.get_balance(ctx, user_id)


def post_once(ctx: Context, transfer: NewTransfer) -> journal.Posted:
    """Post what an operator booked under a reference of their own. Inside a transaction.

    Raises: VALIDATION_ERROR for a reference used before, or by somebody else in this moment.
    """
    if journal.was_posted(transfer.reference):
        raise _used()
    try:
        return journal.post(transfer, now_ms=ctx.now_ms())
    except UniqueViolation as exc:
        raise _used() from exc


def _used() -> ValidationFailed:
    return ValidationFailed("reference", "This reference was used before.")

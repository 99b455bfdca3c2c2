"""Booking what a user's wallet holds more, or less, than the books say: by hand, with a reason.

Nobody's balance changes by it. What is there too much is held among the adjustments, what lacks is
borne there, until the operator knows whose it is and adjusts a balance (`adjustments`).
Not here: finding such a difference (`mirror`, `reconciliation`), the rails (`treasury_movements`).
"""

from typing import Any, Final

from offerhub.domain.errors import InvalidState, ValidationFailed
from offerhub.domain.money import format_exact
from offerhub.ledger import accounts, adjustments, journal
from offerhub.services import audit, mirror
from offerhub.services.adjustments import post_once
from offerhub.services.context import Context
from offerhub.services.representations import money
from offerhub.services.users import require
from offerhub.store import users as users_store
from offerhub.store.database import atomic, connection

DIRECTIONS: Final = ("MORE", "LESS")


def correct_wallet(
    ctx: Context,
    user_id: str,
    *,
    amount_stroops: int,
    direction: str,
    reason: str,
    reference: str,
) -> dict[str, Any]:
    """Make the books say what the wallet holds: MORE or LESS than they did. Commits.

    Asks the chain first, not inside a transaction: the amount must be the very difference that is
    there now, twice seen and with nothing under way. reference: the operator's own, once for ever.
    Raises: USER_NOT_FOUND, INVALID_AMOUNT, VALIDATION_ERROR for another amount or a used
    reference, INVALID_STATE while the wallet cannot be compared or moves.
    """
    adjustments.check_by_hand(amount_stroops)
    more = amount_stroops if direction == "MORE" else 0
    transfer = adjustments.wallet_corrected(
        reference=reference, user_id=user_id, more=more, less=amount_stroops - more
    )
    with connection():
        require(user_id)
    compared = mirror.compare_wallet(ctx, user_id)
    if compared.theirs is None or not compared.settled:
        raise _not_now(user_id, compared.error or "something that touches it is under way")
    if compared.theirs - compared.ours != 2 * more - amount_stroops:
        raise ValidationFailed(
            "amount",
            f"The wallet holds {format_exact(compared.theirs)} and the books say"
            f" {format_exact(compared.ours)}: only that difference can be booked.",
        )
    account = accounts.wallet(user_id)
    with atomic():
        users_store.wallet_of_for_update(user_id)  # two corrections at once: the second waits
        if journal.balance(account) != compared.ours:
            raise _not_now(user_id, "it has moved meanwhile")
        posted = post_once(ctx, transfer)
        audit.record(
            ctx, action="wallet.correct", resource_type="user", resource_id=user_id,
            before=money("books", compared.ours),
            after={
                **money("books", compared.theirs), "direction": direction, "reason": reason,
                "reference": reference, "transfer_id": posted.transfer_id,
            },
        )  # fmt: skip
    return {
        "account": account,
        "transfer_id": posted.transfer_id,
        **money("before", compared.ours),
        **money("after", compared.theirs),
    }


def _not_now(user_id: str, why: str) -> InvalidState:
    return InvalidState(
        f"The wallet of {user_id} cannot be corrected now: {why}; try again.",
        current_state="MOVING",
        allowed_states=["STILL"],
    )

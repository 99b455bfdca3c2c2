"""What lies in a user's wallet beyond what the user is owed: it belongs to the treasury.

Not here: moving it (`flows.wallet_sweep`).
"""

from offerhub.ledger import accounts, journal
from offerhub.services import operations
from offerhub.services.context import Context
from offerhub.store import operations as operations_store
from offerhub.store import users as users_store


def sweep_excess(ctx: Context, user_id: str) -> None:
    """Have what is too much swept, if anything. Inside the caller's transaction."""
    wallet = users_store.wallet_of(user_id)
    if wallet is None or wallet.status != "ACTIVE":
        return
    if excess_of(user_id) > 0 and not operations_store.is_live(operations.WALLET_SWEEP, wallet.id):
        operations.start(
            ctx, kind=operations.WALLET_SWEEP, subject_type="wallet", subject_id=wallet.id,
            params={"user_id": user_id, "address": wallet.address},
        )  # fmt: skip


def excess_of(user_id: str) -> int:
    """Stroops in the user's wallet beyond available + reserved + withdrawing, by the books."""
    owed = sum(journal.balance(accounts.user(user_id, kind)) for kind in accounts.USER_KINDS)
    return journal.balance(accounts.wallet(user_id)) - owed

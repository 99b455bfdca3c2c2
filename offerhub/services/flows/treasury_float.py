"""What the platform's own wallet must hold before it pays for an operation."""

from offerhub.ledger import accounts, journal
from offerhub.ports.errors import Unavailable
from offerhub.store.database import connection


def require(amount_stroops: int) -> None:
    """Refuse, for now, to build a payment that the treasury's USDC does not cover.

    By the books: the caller has the treasury's claim, so nobody else spends it meanwhile. Not
    inside a transaction. Raises: Unavailable, so that the operation waits for the operator.
    """
    with connection():
        float_stroops = journal.balance(accounts.STELLAR_TREASURY)
    if float_stroops < amount_stroops:
        raise Unavailable(
            f"the treasury's USDC ({float_stroops} stroops) does not cover {amount_stroops}",
            provider="stellar",
            code="treasury_short",
        )

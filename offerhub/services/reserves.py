"""The second lock on what an order's reserve is spent for: the books must hold it.

An order says by its state that money was set aside for it; the books are what was. Where the two
disagree, as after a damaged restore, returning "its" reserve would take another order's.
Not here: making a reserve and giving it back (`orders`), and its way into a contract (`escrows`).
"""

from offerhub.domain.errors import NotFound
from offerhub.ledger import journal


def require_reserve(order_id: str) -> None:
    """One query; lock the order first. Raises: RESERVE_NOT_FOUND."""
    if not journal.reserve_stands(order_id):
        raise NotFound(code="RESERVE_NOT_FOUND", order_id=order_id)

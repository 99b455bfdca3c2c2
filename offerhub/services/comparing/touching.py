"""What operations under way may be moving, so that only a place that stands still is judged."""

from dataclasses import dataclass

from offerhub.store import comparisons, work_left
from offerhub.store import orders as orders_store
from offerhub.store.database import connection


@dataclass(frozen=True, slots=True)
class Touched:
    """Users, orders and other subjects that a pending operation is about."""

    subjects: frozenset[str]
    users: frozenset[str]
    hashes: tuple[str, ...]


def under_way() -> Touched:
    """Now. A party of an order under way counts as touched: its wallet may be paid any moment."""
    with connection():
        operations = work_left.live_operations()
        subjects: set[str] = set()
        users: set[str] = set()
        for operation in operations:
            params = operation.params
            subjects |= {operation.subject_id, str(params.get("order_id", ""))}
            users |= {str(params[name]) for name in ("user_id", "buyer_id") if name in params}
        orders = [one for one in subjects if one.startswith("ord_")]
        for part in comparisons.chunks(orders):
            for order in orders_store.Order.select().where(orders_store.Order.id.in_(part)):
                users |= {order.buyer_id, order.seller_id}
        hashes = comparisons.transactions_under_way()
    return Touched(frozenset(subjects), frozenset(users), tuple(hashes))

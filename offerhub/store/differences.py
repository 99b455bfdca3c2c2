"""Differences as operators work through them, one by one.

Not here: the runs that find most of them (`reconciliations`).
"""

from offerhub.store.database import for_update
from offerhub.store.reconciliations import Difference


def open_alone(*, limit: int) -> list[Difference]:
    """OPEN ones that belong to no run, newest first."""
    query = Difference.select().where(
        (Difference.status == "OPEN") & Difference.reconciliation_id.is_null()
    )
    return list(query.order_by(Difference.created_at.desc(), Difference.id).limit(limit))


def get_for_update(difference_id: str) -> Difference | None:
    """Locks the row."""
    return for_update(Difference.select().where(Difference.id == difference_id)).get_or_none()

"""Differences as operators work through them, one by one.

Not here: the runs that find most of them (`reconciliations`).
"""

from offerhub.store.database import for_update
from offerhub.store.reconciliations import Difference


def get_for_update(difference_id: str) -> Difference | None:
    """Locks the row."""
    return for_update(Difference.select().where(Difference.id == difference_id)).get_or_none()


def newest_open(*, subject_id: str) -> Difference | None:
    """The newest OPEN one about a subject that belongs to no run."""
    query = Difference.select().where(
        (Difference.subject_id == subject_id)
        & (Difference.status == "OPEN")
        & Difference.reconciliation_id.is_null()
    )
    return query.order_by(Difference.created_at.desc(), Difference.id.desc()).first()


def count_alone() -> int:
    """How many OPEN ones there are that no run owns: the dead letters among them."""
    query = Difference.select().where(
        (Difference.status == "OPEN") & Difference.reconciliation_id.is_null()
    )
    return int(query.count())


def count_open(*, subject_id: str) -> int:
    """How many of those there are."""
    query = Difference.select().where(
        (Difference.subject_id == subject_id)
        & (Difference.status == "OPEN")
        & Difference.reconciliation_id.is_null()
    )
    return int(query.count())

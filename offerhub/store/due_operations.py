"""Which operations are due, and claiming them for a while: each for one holder, the urgent first.

A lease goes by the database's clock (`leases.moment`); `next_run_at` by that of whoever wrote it.
Where machines disagree, one comes early to what waits, or late, by as much as they do. That is
harmless: such a wait spares a provider calls, and nothing relies on it; nobody comes to what
another holds.
Not here: the table (`operations`), and how long each urgency is patient (its callers').
"""

from collections.abc import Sequence
from typing import Final

from peewee import SQL, Case, Field, ModelSelect, Select, fn

from offerhub.store.database import for_update
from offerhub.store.leases import Moment
from offerhub.store.operations import Operation

# Spelt out, so that either database sees by it that the index of pending operations will do.
_PENDING: Final = SQL("status = 'PENDING'")


def claim_due(
    *, now: int, lease_now: Moment, lease_ms: int, limit: int, patience_ms: Sequence[int]
) -> list[Operation]:
    """Take up to `limit` due operations for `lease_ms`; each gets a new fencing token.

    now: the caller's clock, for due times. lease_now: what leases are measured by.
    patience_ms: by urgency, how much longer than the most urgent it may wait. The class whose
    longest due operation has waited longest beyond its patience is first, and in a class the
    longest due. So the urgent go first, and nothing waits for ever.

    Two callers never get the same one (SKIP LOCKED; SQLite's writers are serial anyway). Several
    statements, for Postgres may run a locking sub-query of an UPDATE more than once, and then
    leases more than the limit. A lease that ends further ahead than any can was given before the
    clock was set back, and counts as over. Run it in a transaction.
    """
    leased = (Operation.lease_until > lease_now) & (
        Operation.lease_until <= lease_now + 10 * lease_ms
    )

    def due(urgency: int, *columns: Field) -> "ModelSelect[Operation]":
        return (
            Operation.select(*columns)
            .where(_PENDING, Operation.urgency == urgency, Operation.next_run_at <= now, ~leased)
            .order_by(Operation.next_run_at, Operation.created_at)
        )

    heads = [due(urgency, Operation.next_run_at).limit(1) for urgency in range(len(patience_ms))]
    (longest_due,) = Select((), heads).bind(Operation._meta.database).tuples().execute()
    order = sorted(
        (at + patience_ms[urgency], urgency)
        for urgency, at in enumerate(longest_due)
        if at is not None
    )
    ids: list[str] = []
    for _, urgency in order:
        if len(ids) < limit:
            rows = due(urgency, Operation.id).limit(limit - len(ids))
            ids += [row.id for row in for_update(rows, skip_locked=True)]
    if not ids:
        return []
    query = (
        Operation.update(
            lease_until=lease_now + lease_ms, lease_token=Operation.lease_token + 1, urgency=0
        )
        .where(Operation.id.in_(ids))
        .returning(Operation)
    )
    return list(query.execute())


def renew(operation_id: str, *, token: int, until: Moment) -> bool:
    """Make a lease that is still held last until then; false when it was lost or given back."""
    query = Operation.update(lease_until=until).where(
        (Operation.id == operation_id)
        & (Operation.lease_token == token)
        & (Operation.lease_until > 0)
        & (Operation.status == "PENDING")
    )
    return bool(query.execute())


def next_due_at(*, now: int, lease_now: Moment) -> int | None:
    """When the earliest pending operation can be taken up: due, and not leased.

    In epoch ms of the caller's clock, which says `now` when that of the leases says `lease_now`.
    """
    free_at = Operation.lease_until + (now - lease_now)
    at = Case(None, [(free_at > Operation.next_run_at, free_at)], Operation.next_run_at)
    found = Operation.select(fn.MIN(at)).where(Operation.status == "PENDING").scalar()
    return None if found is None else int(found)

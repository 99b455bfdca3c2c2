"""Provider operations, their steps, and the claims on signing accounts.

Not here: claiming operations that are due (`due_operations`).
"""

from peewee import BigIntegerField, CharField, IntegerField, TextField, fn

from offerhub.store.database import for_update
from offerhub.store.fields import JSONText, Millis, Table
from offerhub.store.paging import Rows, page

# Where an operation stands that waits for no answer.
WAITING_FOR_SIGNER = "waiting for signer"
WAITING_FOR_XLM = "waiting for XLM"


class Operation(Table):
    """`facts` gathers what finished steps found out; `lease_until` fences whoever performs it.

    `urgency`: the lower the earlier it is claimed (`ports.limits.Urgency`). It is 0 while somebody
    performs it, so that what a dead one held is taken up first.
    """

    id = CharField(primary_key=True)
    kind = CharField()
    subject_type = CharField()
    subject_id = CharField()
    status = CharField()
    step = CharField(null=True)
    params = JSONText()
    facts = JSONText()
    failures = IntegerField(default=0)
    urgency = IntegerField(default=1)
    next_run_at = Millis()
    lease_until = Millis(default=0)
    lease_token = BigIntegerField(default=0)
    last_error = TextField(null=True)
    last_error_code = CharField(null=True)
    context = JSONText()
    created_at = Millis()
    updated_at = Millis()

    class Meta:
        table_name = "operations"


class Step(Table):
    """One attempt at one step: written before the call (PREPARED) and after it (the outcome)."""

    id = CharField(primary_key=True)
    operation_id = CharField()
    name = CharField()
    attempt = IntegerField()
    status = CharField()
    request = JSONText()
    outcome = JSONText(null=True)
    tx_hash = CharField(null=True)
    signed_xdr = TextField(null=True)
    source_address = CharField(null=True)
    sequence = BigIntegerField(null=True)
    max_time_s = BigIntegerField(null=True)
    absences = IntegerField(default=0)
    created_at = Millis()
    updated_at = Millis()

    class Meta:
        table_name = "operation_steps"


class Claim(Table):
    """A signing account has one transaction in flight: whoever holds its row."""

    address = CharField(primary_key=True)
    operation_id = CharField()
    claimed_at = Millis()

    class Meta:
        table_name = "signer_claims"


def get(operation_id: str) -> Operation | None:
    return Operation.get_or_none(Operation.id == operation_id)


def get_for_update(operation_id: str) -> Operation | None:
    """Locks the row."""
    return for_update(Operation.select().where(Operation.id == operation_id)).get_or_none()


def is_live(kind: str, subject_id: str) -> bool:
    """Whether an operation of this kind is under way (or stuck) for the subject."""
    query = Operation.select(Operation.id).where(
        (Operation.kind == kind)
        & (Operation.subject_id == subject_id)
        & Operation.status.in_(("PENDING", "STUCK"))
    )
    return bool(query.exists())


def live(kind: str, subject_id: str) -> Operation | None:
    """The operation of this kind that is under way (or stuck) for the subject."""
    return Operation.get_or_none(
        (Operation.kind == kind)
        & (Operation.subject_id == subject_id)
        & Operation.status.in_(("PENDING", "STUCK"))
    )


def latest_for(subject_id: str) -> Operation | None:
    query = Operation.select().where(Operation.subject_id == subject_id)
    return query.order_by(Operation.created_at.desc(), Operation.id.desc()).first()


def latest_for_all(subject_ids: list[str]) -> dict[str, Operation]:
    """The newest operation by subject, for a page of subjects."""
    query = Operation.select().where(Operation.subject_id.in_(subject_ids))
    return {op.subject_id: op for op in query.order_by(Operation.created_at, Operation.id)}


def listed(*, status: str | None, limit: int, cursor: str | None) -> Rows:
    query = Operation.select()
    if status is not None:
        query = query.where(Operation.status == status)
    return page(query, limit=limit, cursor=cursor, by=Operation.created_at, tie=Operation.id)


def pending_of_kinds(kinds: list[str], *, limit: int = 5000) -> list[Operation]:
    """Those under way, without their params' context or errors; the oldest first."""
    query = Operation.select(
        Operation.id, Operation.kind, Operation.urgency, Operation.params, Operation.created_at
    ).where((Operation.status == "PENDING") & Operation.kind.in_(kinds))
    return list(query.order_by(Operation.created_at, Operation.id).limit(limit))


def succeeded_steps(operation_ids: list[str]) -> dict[str, list[str]]:
    """Names of finished steps by operation, for those that have any."""
    found: dict[str, list[str]] = {}
    for start in range(0, len(operation_ids), 500):
        query = Step.select(Step.operation_id, Step.name).where(
            Step.operation_id.in_(operation_ids[start : start + 500]) & (Step.status == "SUCCEEDED")
        )
        for row in query:
            found.setdefault(row.operation_id, []).append(row.name)
    return found


def steps_of(operation_id: str) -> list[Step]:
    return list(
        Step.select()
        .where(Step.operation_id == operation_id)
        .order_by(Step.created_at, Step.name, Step.attempt)
    )


def latest_step(operation_id: str, name: str) -> Step | None:
    query = Step.select().where((Step.operation_id == operation_id) & (Step.name == name))
    return query.order_by(Step.attempt.desc()).first()


def newest_sequence(source_address: str) -> int:
    """The highest sequence number that a transaction of ours used on this account; 0 for none."""
    query = Step.select(fn.MAX(Step.sequence)).where(
        (Step.source_address == source_address) & (Step.status == "SUCCEEDED")
    )
    return int(query.scalar() or 0)


def took_ms(source_address: str, *, limit: int) -> list[int]:
    """How long this account's last transactions took, from intent to outcome; the newest first."""
    query = Step.select(Step.created_at, Step.updated_at).where(
        (Step.source_address == source_address) & (Step.status == "SUCCEEDED")
    )
    newest = query.order_by(Step.sequence.desc()).limit(limit)
    return [row.updated_at - row.created_at for row in newest]


def own_hashes(hashes: list[str]) -> set[str]:
    """Which of these transactions we prepared ourselves."""
    query = Step.select(Step.tx_hash).where(Step.tx_hash.in_(hashes))
    return {row.tx_hash for row in query if row.tx_hash is not None}


def try_claims(addresses: list[str], *, operation_id: str, now: int) -> bool:
    """Claim all these signing accounts for an operation, or none (the caller then rolls back)."""
    for address in sorted(addresses):
        Claim.insert(
            address=address, operation_id=operation_id, claimed_at=now
        ).on_conflict_ignore().execute()
    held = Claim.select().where(Claim.address.in_(addresses) & (Claim.operation_id == operation_id))
    return held.count() == len(set(addresses))


def claims_of(operation_id: str) -> list[str]:
    """The signing accounts that an operation holds."""
    return [row.address for row in Claim.select().where(Claim.operation_id == operation_id)]


def holders() -> dict[str, str]:
    """The operation that holds each signing account, by address."""
    return {row.address: row.operation_id for row in Claim.select()}


def release_claims(operation_id: str, *, keep: list[str]) -> int:
    query = Claim.delete().where(Claim.operation_id == operation_id)
    if keep:
        query = query.where(Claim.address.not_in(keep))
    return int(query.execute())


def waiting_for_xlm() -> int:
    """How many operations wait until their signer has XLM."""
    query = Operation.select().where(
        (Operation.status == "PENDING") & (Operation.step == WAITING_FOR_XLM)
    )
    return int(query.count())


def wake_waiting(*, now: int) -> None:
    """Bring forward operations that waited for a signing account, or for its XLM.

    One that is locked is at work already and is left alone; waiting for it could be a deadlock.
    """
    waiting = Operation.select(Operation.id).where(
        (Operation.status == "PENDING")
        & Operation.step.in_((WAITING_FOR_SIGNER, WAITING_FOR_XLM))
        & (Operation.next_run_at > now)
    )
    ids = [row.id for row in for_update(waiting.order_by(Operation.id), skip_locked=True)]
    if ids:
        Operation.update(next_run_at=now).where(Operation.id.in_(ids)).execute()


def wake_order(order_id: str, *, now: int) -> int:
    """Bring pending operations about an order, its milestones or disputes forward; how many."""
    query = Operation.select(Operation.id, Operation.subject_id, Operation.params).where(
        Operation.status == "PENDING"
    )
    ids = [row.id for row in query if order_id in (row.subject_id, row.params.get("order_id"))]
    if ids:
        Operation.update(next_run_at=now).where(
            Operation.id.in_(ids) & (Operation.status == "PENDING") & (Operation.next_run_at > now)
        ).execute()
    return len(ids)

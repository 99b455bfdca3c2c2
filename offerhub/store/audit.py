"""Audit records, and the hash chain that seals them afterwards, in order."""

from typing import Any

from peewee import (
    BigAutoField,
    BigIntegerField,
    CharField,
    IntegerField,
    OperationalError,
    TextField,
    fn,
)

from offerhub.store import statements
from offerhub.store.fields import JSONText, Millis, Table
from offerhub.store.paging import Either, Rows, page


class Unreadable(Exception):
    """A record's columns do not hold what a record's columns hold: somebody else wrote them."""


class AuditRecord(Table):
    """One record per mutation, append-only."""

    position = BigAutoField()
    id = CharField(unique=True)
    occurred_at = Millis()
    actor_type = CharField()
    actor_id = CharField(null=True)
    action = CharField()
    resource_type = CharField()
    resource_id = CharField(null=True)
    before = JSONText(null=True)
    after = JSONText(null=True)
    result = CharField()
    error_code = CharField(null=True)
    idempotency_key = CharField(null=True)
    request_id = CharField(null=True)
    ip = CharField(null=True)
    user_agent = TextField(null=True)

    class Meta:
        table_name = "audit_records"


class AuditSeal(Table):
    """Link of the chain: `hash` covers the record and the link before it."""

    number = BigIntegerField(primary_key=True)
    audit_id = CharField(unique=True)
    previous_hash = CharField()
    hash = CharField()
    format = IntegerField(default=1)

    class Meta:
        table_name = "audit_seals"


def insert(record: dict[str, Any]) -> None:
    statements.insert(AuditRecord, [record])


def unsealed(limit: int, *, after_position: int = 0) -> list[AuditRecord]:
    """Committed records without a seal, oldest first; only those beyond `after_position`."""
    sealed = AuditSeal.select(AuditSeal.audit_id).where(AuditSeal.audit_id == AuditRecord.id)
    query = AuditRecord.select().where((AuditRecord.position > after_position) & ~fn.EXISTS(sealed))
    return list(query.order_by(AuditRecord.position).limit(limit))


def last_seal() -> AuditSeal | None:
    return AuditSeal.select().order_by(AuditSeal.number.desc()).first()


def seal(rows: list[dict[str, Any]]) -> None:
    AuditSeal.insert_many(rows).execute()


def hash_of(number: int) -> str | None:
    """The hash of one link."""
    row = AuditSeal.get_or_none(AuditSeal.number == number)
    return row.hash if row else None


def sealed_after(number: int | None, *, limit: int) -> list[tuple[AuditSeal, AuditRecord | None]]:
    """Links with their records, in order; None begins at the first. A missing record is None.

    Raises: Unreadable.
    """
    query = AuditSeal.select().order_by(AuditSeal.number).limit(limit)
    if number is not None:
        query = query.where(AuditSeal.number > number)
    try:
        seals = list(query)
        ids = [link.audit_id for link in seals]
        records = {r.id: r for r in AuditRecord.select().where(AuditRecord.id.in_(ids))}
    except ValueError as error:
        raise Unreadable from error
    except OperationalError as error:
        if "decode" in str(error).lower():  # SQLite stores any bytes as text
            raise Unreadable from error
        raise
    return [(link, records.get(link.audit_id)) for link in seals]


def count_unsealed() -> int:
    return int(AuditRecord.select().count()) - int(AuditSeal.select().count())


def listed(
    *,
    limit: int,
    cursor: str | None,
    resource_type: str | None = None,
    resource_id: str | None = None,
    action: str | None = None,
    user_id: str | None = None,
    from_ms: int | None = None,
    to_ms: int | None = None,
) -> Rows:
    query = AuditRecord.select()
    for column, value in (
        (AuditRecord.resource_type, resource_type),
        (AuditRecord.resource_id, resource_id),
        (AuditRecord.action, action),
    ):
        if value is not None:
            query = query.where(column == value)
    about = None
    if user_id is not None:
        about = Either((AuditRecord.resource_id, AuditRecord.actor_id), user_id)
    if from_ms is not None:
        query = query.where(AuditRecord.occurred_at >= from_ms)
    if to_ms is not None:
        query = query.where(AuditRecord.occurred_at < to_ms)
    if from_ms is not None or to_ms is not None:
        # By time, so that records outside of it are not read one by one to be left out.
        by, tie = AuditRecord.occurred_at, AuditRecord.position
        return page(query, limit=limit, cursor=cursor, by=by, tie=tie, either=about)
    number = AuditRecord.position
    return page(query, limit=limit, cursor=cursor, by=number, tie=number, either=about)


def seals_of(audit_ids: list[str]) -> dict[str, AuditSeal]:
    return {
        seal.audit_id: seal for seal in AuditSeal.select().where(AuditSeal.audit_id.in_(audit_ids))
    }

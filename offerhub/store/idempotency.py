"""Answers kept under idempotency keys, written in the transaction of their effect."""

from peewee import BlobField, CharField, CompositeKey, IntegerField

from offerhub.store.fields import Millis, Table


class IdempotentAnswer(Table):
    """`body` is the answer byte for byte; `expires_at` null keeps it for ever."""

    marketplace_id = CharField()
    key = CharField()
    fingerprint = CharField()
    status = IntegerField()
    body = BlobField()
    created_at = Millis()
    expires_at = Millis(null=True)

    class Meta:
        table_name = "idempotent_answers"
        primary_key = CompositeKey("marketplace_id", "key")


def find(marketplace_id: str, key: str) -> IdempotentAnswer | None:
    return IdempotentAnswer.get_or_none(
        (IdempotentAnswer.marketplace_id == marketplace_id) & (IdempotentAnswer.key == key)
    )


def insert(row: dict[str, object]) -> None:
    """Raises: IntegrityError when another request with this key finished first."""
    IdempotentAnswer.insert(**row).execute()


def purge(*, now: int, limit: int) -> int:
    """Delete answers past their retention; how many."""
    old = (
        IdempotentAnswer.select(IdempotentAnswer.marketplace_id, IdempotentAnswer.key)
        .where(IdempotentAnswer.expires_at <= now)
        .limit(limit)
    )
    count = 0
    for row in list(old):
        count += int(
            IdempotentAnswer.delete()
            .where(
                (IdempotentAnswer.marketplace_id == row.marketplace_id)
                & (IdempotentAnswer.key == row.key)
                & (IdempotentAnswer.expires_at <= now)
            )
            .execute()
        )
    return count

"""Answers kept under idempotency keys, written in the transaction of their effect."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from peewee import JOIN, BlobField, CharField, CompositeKey, IntegerField, IntegrityError

from offerhub.store import statements
from offerhub.store.api_keys import ApiKey
from offerhub.store.fields import Millis, Table
from offerhub.store.statements import Statement, given, row_of

LOOK_AGAIN_MS: Final = 3_600_000


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


_API_KEY = Statement(lambda: ApiKey.select().where(ApiKey.id == given("key_id")), ApiKey)
_API_KEY_AND_ANSWER = Statement(
    lambda: (
        ApiKey.select(
            ApiKey,
            IdempotentAnswer.fingerprint,
            IdempotentAnswer.status,
            IdempotentAnswer.body,
            IdempotentAnswer.expires_at,
        )
        .join(
            IdempotentAnswer,
            JOIN.LEFT_OUTER,
            on=(IdempotentAnswer.marketplace_id == given("marketplace_id"))
            & (IdempotentAnswer.key == given("key")),
        )
        .where(ApiKey.id == given("key_id"))
    ),
    ApiKey,
)


class AlreadyAnswered(Exception):
    """Another request with this key committed first; everything of this one must be rolled back."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A kept answer, as it is sent again."""

    fingerprint: str
    status: int
    body: bytes
    expires_at: int | None


def find(marketplace_id: str, key: str) -> Kept | None:
    return _kept(
        IdempotentAnswer.get_or_none(
            (IdempotentAnswer.marketplace_id == marketplace_id) & (IdempotentAnswer.key == key)
        )
    )


def with_api_key(
    key_id: str, *, marketplace_id: str, key: str | None
) -> tuple[ApiKey | None, Kept | None]:
    """The API key and, for an idempotency key, its kept answer, in one statement."""
    if key is None:
        return _API_KEY.first(key_id=key_id), None
    found = _API_KEY_AND_ANSWER.values(key_id=key_id, marketplace_id=marketplace_id, key=key)
    if not found:
        return None, None
    *columns, fingerprint, status, body, expires_at = found[0]
    kept = None if fingerprint is None else Kept(fingerprint, status, bytes(body), expires_at)
    return row_of(ApiKey, columns), kept


def insert(row: dict[str, object], *, replacing_expired_at: int | None = None) -> None:
    """Keep an answer. `replacing_expired_at`: first forget one whose retention ended by then.

    Raises: AlreadyAnswered when another request with this key finished first.
    """
    if replacing_expired_at is not None:
        IdempotentAnswer.delete().where(
            (IdempotentAnswer.marketplace_id == row["marketplace_id"])
            & (IdempotentAnswer.key == row["key"])
            & (IdempotentAnswer.expires_at <= replacing_expired_at)
        ).execute()
    try:
        statements.insert(IdempotentAnswer, [row])
    except IntegrityError as conflict:
        raise AlreadyAnswered(str(row["key"])) from conflict


def replace(marketplace_id: str, key: str, *, status: int, body: bytes) -> None:
    """Keep another answer than before, for a client that waited for the final one."""
    IdempotentAnswer.update(status=status, body=body).where(
        (IdempotentAnswer.marketplace_id == marketplace_id) & (IdempotentAnswer.key == key)
    ).execute()


def purge(
    *, now: int, limit: int, needed: Callable[[bytes], bool] = lambda body: False
) -> tuple[int, int]:
    """Delete answers past their retention; (how many, how many were looked at).

    needed: of an answer's body, whether it must be kept longer; it is looked at again in an hour.
    """
    old = IdempotentAnswer.select().where(IdempotentAnswer.expires_at <= now).limit(limit)
    rows, deleted = list(old), 0
    for row in rows:
        this = (
            (IdempotentAnswer.marketplace_id == row.marketplace_id)
            & (IdempotentAnswer.key == row.key)
            & (IdempotentAnswer.expires_at <= now)
        )
        if needed(bytes(row.body)):
            IdempotentAnswer.update(expires_at=now + LOOK_AGAIN_MS).where(this).execute()
        else:
            deleted += int(IdempotentAnswer.delete().where(this).execute())
    return deleted, len(rows)


def _kept(row: IdempotentAnswer | None) -> Kept | None:
    if row is None:
        return None
    return Kept(row.fingerprint, row.status, bytes(row.body), row.expires_at)

"""API keys: only a salted hash of the secret is kept."""

from peewee import CharField, IntegerField, TextField

from offerhub.store.database import for_update
from offerhub.store.fields import JSONText, Millis, Table
from offerhub.store.paging import Rows, page


class ApiKey(Table):
    """`token_version` rises to end all tokens of the key at once."""

    id = CharField(primary_key=True)
    marketplace_id = CharField()
    name = TextField()
    scopes = JSONText()
    salt = CharField()
    secret_hash = CharField()
    token_version = IntegerField(default=1)
    created_by = CharField(null=True)
    created_at = Millis()
    expires_at = Millis(null=True)
    revoked_at = Millis(null=True)
    last_used_at = Millis(null=True)

    class Meta:
        table_name = "api_keys"


def insert(row: dict[str, object]) -> ApiKey:
    return ApiKey.create(**row)


def revoke(row: ApiKey, *, now: int) -> None:
    """End a key that the caller has locked, and the tokens made from it."""
    row.revoked_at = now
    row.token_version += 1
    row.save(only=[ApiKey.revoked_at, ApiKey.token_version])


def get(key_id: str) -> ApiKey | None:
    return ApiKey.get_or_none(ApiKey.id == key_id)


def get_for_update(key_id: str) -> ApiKey | None:
    """Locks the row."""
    return for_update(ApiKey.select().where(ApiKey.id == key_id)).get_or_none()


def listed(*, limit: int, cursor: str | None) -> Rows:
    return page(ApiKey.select(), limit=limit, cursor=cursor, by=ApiKey.created_at, tie=ApiKey.id)


def touch(key_id: str, *, now: int) -> None:
    ApiKey.update(last_used_at=now).where(ApiKey.id == key_id).execute()


def live_admin_keys() -> list[ApiKey]:
    """Keys with the admin scope that are not revoked."""
    rows = ApiKey.select().where(ApiKey.revoked_at.is_null())
    return [row for row in rows if "admin" in row.scopes]

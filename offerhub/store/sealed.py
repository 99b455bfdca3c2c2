"""Every sealed text in the database, for those who must open or rewrap all of them.

Not here: sealing and opening.
"""

from typing import Any

from peewee import fn

from offerhub.store.database import for_update, proxy
from offerhub.store.deliveries import WebhookEndpoint
from offerhub.store.users import Wallet


def is_migrated() -> bool:
    """Whether there are tables yet."""
    return bool(proxy.table_exists(Wallet._meta.table_name))


def wallets_by_key() -> dict[str, int]:
    """How many wallets are sealed under each key id."""
    query = Wallet.select(Wallet.kek_id, fn.COUNT(Wallet.id).alias("count")).group_by(Wallet.kek_id)
    rows: Any = query.dicts()
    return {row["kek_id"]: int(row["count"]) for row in rows}


def a_wallet_under(key_id: str) -> Wallet | None:
    return Wallet.select().where(Wallet.kek_id == key_id).limit(1).first()


def wallets_not_under(key_id: str, *, after_id: str, limit: int) -> list[Wallet]:
    """The next wallets sealed under other keys, in the order of their ids. Locks them."""
    query = Wallet.select().where((Wallet.kek_id != key_id) & (Wallet.id > after_id))
    return list(for_update(query.order_by(Wallet.id).limit(limit)))


def wallets(*, after_id: str, limit: int) -> list[Wallet]:
    query = Wallet.select().where(Wallet.id > after_id)
    return list(query.order_by(Wallet.id).limit(limit))


def reseal_wallet(wallet_id: str, *, sealed_key: str, key_id: str, now: int) -> None:
    Wallet.update(sealed_key=sealed_key, kek_id=key_id, updated_at=now).where(
        Wallet.id == wallet_id
    ).execute()


def endpoints() -> list[WebhookEndpoint]:
    """Every webhook endpoint; a marketplace has a few."""
    return list(WebhookEndpoint.select().order_by(WebhookEndpoint.id))


def reseal_endpoint(endpoint_id: str, *, sealed_secrets: list[dict[str, object]]) -> None:
    """Lock the endpoint before."""
    WebhookEndpoint.update(sealed_secrets=sealed_secrets).where(
        WebhookEndpoint.id == endpoint_id
    ).execute()

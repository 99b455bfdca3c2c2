"""Users' invisible wallets: reading them, and where to send a deposit."""

from typing import Any

from offerhub.domain.errors import NotFound
from offerhub.services import representations as show
from offerhub.services.context import Context
from offerhub.services.users import require
from offerhub.store import users as store
from offerhub.store.database import atomic, connection

WATCH_MS = 15 * 60 * 1000  # how long an opened deposit page keeps its wallet in the fast lane


def get_wallet(ctx: Context, user_id: str) -> dict[str, Any]:
    """Raises: USER_NOT_FOUND, WALLET_NOT_FOUND."""
    with connection():
        return show.wallet(wallet_of(user_id), **_network(ctx))


def deposit_instructions(ctx: Context, user_id: str) -> dict[str, Any]:
    """Where USDC for this user is sent; the wallet is then watched closely for a while. Commits.

    Raises: USER_NOT_FOUND, WALLET_NOT_FOUND.
    """
    with atomic():
        row = wallet_of(user_id)
        store.Wallet.update(watch_until=ctx.now_ms() + WATCH_MS).where(
            store.Wallet.id == row.id
        ).execute()
    return show.deposit_instructions(row, **_network(ctx))


def wallet_of(user_id: str) -> store.Wallet:
    """The wallet's row. Raises: USER_NOT_FOUND, WALLET_NOT_FOUND."""
    require(user_id)
    row = store.wallet_of(user_id)
    if row is None:
        raise NotFound(code="WALLET_NOT_FOUND", user_id=user_id)
    return row


def _network(ctx: Context) -> dict[str, str]:
    policy = ctx.app.policy
    return {"network": policy.network_passphrase, "issuer": policy.usdc_issuer}

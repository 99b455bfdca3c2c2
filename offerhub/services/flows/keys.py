"""Opening a wallet's key for the moment of a signature."""

from offerhub.ports.chain import SigningKey
from offerhub.services.context import App
from offerhub.store import users as store
from offerhub.store.database import connection


def wallet_key(app: App, wallet_id: str) -> SigningKey:
    """The plaintext key of a wallet; never keep it. Raises: ValueError when it cannot be opened."""
    with connection():
        wallet = store.Wallet.get_by_id(wallet_id)
    return app.vault.open(wallet.sealed_key, binding=wallet.id)


def user_key(app: App, user_id: str) -> SigningKey:
    """The plaintext key of a user's wallet; never keep it."""
    with connection():
        wallet = store.wallet_of(user_id)
    if wallet is None:
        raise LookupError(f"user {user_id} has no wallet")
    return app.vault.open(wallet.sealed_key, binding=wallet.id)


def user_address(user_id: str) -> str:
    """Address of a user's wallet."""
    with connection():
        wallet = store.wallet_of(user_id)
    if wallet is None:
        raise LookupError(f"user {user_id} has no wallet")
    return str(wallet.address)

"""Airtm's own hot wallet on the sandbox chain, from which treasury withdrawals are paid.

The wallet is made on first use and again after the chain was reset. It never runs dry: what
it lacks is issued to it first, which the chain's history shows.
"""

from stellar_sdk import StrKey

from offerhub.sandbox.airtm.world import TransferRefused
from offerhub.sandbox.chain.actors import ChainRefused
from offerhub.sandbox.chain.network import Chain
from offerhub.sandbox.store import SandboxStore

SCHEMA = """
CREATE TABLE IF NOT EXISTS airtm_hot_wallet (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    address TEXT NOT NULL
);
"""


class HotWallet:
    """Implements `airtm.world.StellarRail` on a `Chain`; joins the caller's transaction."""

    def __init__(self, store: SandboxStore, chain: Chain) -> None:
        store.install(SCHEMA)
        self._store = store
        self._chain = chain

    def send_usdc(self, *, to: str, amount_stroops: int, memo: str | None) -> str:
        """Pay `to` and return the transaction hash. Raises: TransferRefused."""
        with self._store.transaction():
            address = self.address()
            lacking = amount_stroops - self._holding(address)
            try:
                if lacking > 0:
                    self._chain.mint_usdc(to=address, amount_stroops=lacking)
                sent = self._chain.mint_usdc(
                    to=to, amount_stroops=amount_stroops, memo=memo, from_address=address
                )
            except ChainRefused as error:
                raise TransferRefused(str(error)) from error
            except ValueError as error:
                raise TransferRefused(f"the transfer could not be built: {error}") from error
        return sent.hash

    def accepts_address(self, address: str) -> bool:
        return StrKey.is_valid_ed25519_public_key(address)

    def address(self) -> str:
        """The wallet's address; makes the wallet when there is none on this chain."""
        with self._store.transaction():
            row = self._store.one("SELECT address FROM airtm_hot_wallet WHERE id = 1")
            if row is not None and self._chain.ledgers.state().account(row["address"]):
                return str(row["address"])
            address = self._chain.outside_account()
            self._store.execute(
                "INSERT INTO airtm_hot_wallet (id, address) VALUES (1, ?)"
                " ON CONFLICT (id) DO UPDATE SET address = excluded.address",
                (address,),
            )
        return address

    def _holding(self, address: str) -> int:
        line = self._chain.ledgers.state().trustline(address, self._chain.usdc)
        return line.balance if line else 0

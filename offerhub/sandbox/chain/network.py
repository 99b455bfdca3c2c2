"""The sandbox network as one object: what the HTTP sides and the control routes hold.

Never a real network: its passphrase is its own, so nothing signed for it means anything elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from offerhub.sandbox.chain.actors import Actors, Sent, actor_keypair
from offerhub.sandbox.chain.amounts import NATIVE, asset_of, to_text
from offerhub.sandbox.chain.apply import Rules
from offerhub.sandbox.chain.contract_calls import ContractHost
from offerhub.sandbox.chain.faults import ChainFaults
from offerhub.sandbox.chain.genesis import (
    FIRST_LEDGER,
    LEDGER_AFTER_RESET,
    Founders,
    found,
    wipe,
)
from offerhub.sandbox.chain.history import History
from offerhub.sandbox.chain.ledgers import Ledgers
from offerhub.sandbox.chain.schema import SCHEMA
from offerhub.sandbox.chain.state import State
from offerhub.sandbox.chain.submission import Submissions
from offerhub.sandbox.store import SandboxStore

DEFAULT_PASSPHRASE = "OfferHub Sandbox Network ; 2026"  # noqa: S105 - a network name
DEFAULT_LEDGER_INTERVAL_MS = 200


class Chain:
    """A network on a store. Two objects on one store are not supported: one process owns it."""

    def __init__(
        self,
        store: SandboxStore,
        *,
        passphrase: str = DEFAULT_PASSPHRASE,
        ledger_interval_ms: int | None = DEFAULT_LEDGER_INTERVAL_MS,
        clock: Callable[[], float] = time.time,
        usdc_issuer: str | None = None,
    ) -> None:
        """Open the world of `store`, or found it when it is empty.

        ledger_interval_ms: 0 includes at once, None closes ledgers on `close_ledger()` only.
        clock: unix time in seconds. usdc_issuer: another issuer than the sandbox's own, whose
        payments are then included unsigned.
        """
        store.install(SCHEMA)
        self.store = store
        self.passphrase = passphrase
        self.issuer_address = usdc_issuer or actor_keypair("usdc issuer").public_key
        self.fee_account_address = actor_keypair("protocol fee").public_key
        self.friendbot_address = actor_keypair("friendbot").public_key
        self.usdc = f"USDC:{self.issuer_address}"
        self.usdc_contract = asset_of(self.usdc).contract_id(passphrase)
        self.contracts = ContractHost(passphrase=passphrase, assets=[self.usdc, NATIVE])
        self.faults = ChainFaults(store)
        self.ledgers = Ledgers(
            store,
            Rules(self.contracts, self.usdc),
            self.faults,
            passphrase=passphrase,
            interval_ms=ledger_interval_ms,
            clock=clock,
        )
        self.history = History(store, self.ledgers, passphrase=passphrase)
        self.submissions = Submissions(
            store, self.ledgers, self.history, self.faults, passphrase=passphrase
        )
        self.actors = Actors(
            store,
            self.ledgers,
            self.history,
            self.submissions,
            passphrase=passphrase,
            usdc=self.usdc,
        )
        self.contract_view: Callable[[], list[dict[str, Any]]] = list
        self._reset_hooks: list[Callable[[], None]] = []
        self._found_if_empty()

    def _found_if_empty(self) -> None:
        with self.store.transaction():
            if self.store.one("SELECT 1 FROM chain_ledgers LIMIT 1") is None:
                self._found(FIRST_LEDGER)
            row = self.store.one("SELECT value FROM chain_meta WHERE key = 'passphrase'")
            if row is not None and row["value"] != self.passphrase:
                raise ValueError(
                    f"this world belongs to the network {row['value']!r}, not to"
                    f" {self.passphrase!r}; use its passphrase or another file"
                )
            self.store.execute(
                "INSERT OR IGNORE INTO chain_meta (key, value) VALUES ('passphrase', ?)",
                (self.passphrase,),
            )

    def _found(self, ledger: int) -> None:
        founders = Founders(
            self.friendbot_address, self.issuer_address, self.fee_account_address, self.usdc
        )
        found(self.store, founders, ledger=ledger, now_ms=self.ledgers.now_ms())

    # -- time ------------------------------------------------------------------------------

    def close_ledger(self) -> int:
        """Close a ledger now, with everything that is queued; its sequence."""
        return self.ledgers.close()

    def prune_history(self, up_to_ledger: int) -> None:
        """Forget history up to and including a ledger, as a Horizon with retention does."""
        self.ledgers.set_elder(up_to_ledger + 1)

    def reset(self) -> None:
        """A testnet reset: every account, contract and transaction vanishes."""
        with self.store.transaction():
            wipe(self.store)
            for hook in self._reset_hooks:
                hook()
            self._found(LEDGER_AFTER_RESET)

    def on_reset(self, hook: Callable[[], None]) -> None:
        """Run `hook` inside the transaction of every reset."""
        self._reset_hooks.append(hook)

    # -- people and money ------------------------------------------------------------------

    def friendbot(self, address: str) -> dict[str, object]:
        """Create `address` with 10 000 XLM; the transaction's record. See Actors.friendbot."""
        return self.actors.friendbot(address)

    def outside_account(self) -> str:
        """A funded account with a USDC trustline that acts for a shopper or an exchange."""
        return self.actors.outside_account()

    def send_xlm(self, to: str, amount_stroops: int) -> Sent:
        """XLM from the friendbot to an account that exists."""
        return self.actors.pay(
            sender=self.friendbot_address, to=to, amounts_stroops=[amount_stroops], asset=NATIVE
        )

    def mint_usdc(
        self,
        *,
        to: str,
        amount_stroops: int,
        memo: str | None = None,
        asset_issuer: str | None = None,
        from_address: str | None = None,
    ) -> Sent:
        """Pay USDC from the issuer, or from an account that the sandbox holds.

        asset_issuer: somebody else whose worthless USDC is paid instead; the recipient's
        trustline to it is planted. Raises ChainRefused, e.g. without a trustline to the real one.
        """
        asset, sender = self.usdc, from_address or self.issuer_address
        if asset_issuer is not None and asset_issuer != self.issuer_address:
            asset = self.actors.plant_false_issuer(asset_issuer, to)
            sender = asset_issuer
        return self.actors.pay(
            sender=sender, to=to, amounts_stroops=[amount_stroops], asset=asset, memo=memo
        )

    def donate_dust(self, contract: str, amount: int) -> Sent:
        """A plain token transfer of `amount` stroops of USDC into a contract, from a stranger."""
        donor = self.outside_account()
        self.mint_usdc(to=donor, amount_stroops=amount)
        return self.mint_usdc(to=contract, amount_stroops=amount, from_address=donor)

    def claw_back_usdc(self, holder: str, amount_stroops: int) -> Sent:
        """Take USDC from an account or a contract, which then holds less than it should.

        Real USDC cannot be taken back by its issuer: this stands for whatever else may cost a
        contract its money. Raises ChainRefused when it holds less than that.
        """
        return self.actors.claw_back(
            issuer=self.issuer_address,
            holder=holder,
            asset=self.usdc,
            amount_stroops=amount_stroops,
        )

    def set_data(self, address: str, key: str, value: bytes | None) -> None:
        """Set or (None) remove a data entry by decree, e.g. `config.memo_required` to b"1"."""

        def change(state: State) -> None:
            _existing(state, address)
            present = key in state.data(address)
            if value is None and present:
                state.delete_data(address, key)
                state.change(address, subentries=-1)
            elif value is not None:
                state.put_data(address, key, value)
                state.change(address, subentries=0 if present else 1)

        self.ledgers.edit(change)

    def freeze_trustline(self, address: str, *, frozen: bool = True) -> None:
        """Take (or give back) the authorisation of an account's USDC trustline."""

        def change(state: State) -> None:
            if not state.authorize(address, self.usdc, authorized=not frozen):
                raise ValueError(f"{address} has no USDC trustline to freeze")

        self.ledgers.edit(change)

    def seed_account(self, address: str, *, xlm_stroops: int, sequence: int | None = None) -> None:
        """Put an account into the world by decree, with a chosen sequence number."""
        self.ledgers.edit(
            lambda state: state.create_account(address, balance=xlm_stroops, sequence=sequence)
        )

    # -- inspection ------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """The whole world for control routes and tests; amounts are text of 7 decimals."""
        with self.store.transaction():
            self.ledgers.tick()
            sequence, closed_at_ms = self.ledgers.latest()
            return {
                "network_passphrase": self.passphrase,
                "usdc_issuer": self.issuer_address,
                "usdc_contract": self.usdc_contract,
                "protocol_fee_account": self.fee_account_address,
                "ledger": sequence,
                "closed_at_ms": closed_at_ms,
                "faults": self.faults.as_dict(),
                "accounts": self._accounts(),
                "contracts": self.contract_view(),
                "transfers": self._transfers(),
            }

    def _accounts(self) -> list[dict[str, Any]]:
        rows = self.store.query(
            "SELECT a.address, a.balance AS xlm, t.balance AS usdc, k.role FROM chain_accounts a"
            " LEFT JOIN chain_trustlines t ON t.address = a.address AND t.asset = ?"
            " LEFT JOIN chain_keys k ON k.address = a.address ORDER BY a.address",
            (self.usdc,),
        )
        return [
            {
                "address": row["address"],
                "xlm": to_text(row["xlm"]),
                "usdc": None if row["usdc"] is None else to_text(row["usdc"]),
                "role": row["role"],
            }
            for row in rows
        ]

    def _transfers(self) -> list[dict[str, Any]]:
        rows = self.store.query(
            "SELECT * FROM chain_transfers WHERE asset = ? ORDER BY operation_id, change_index",
            (self.usdc,),
        )
        return [
            {
                "hash": row["transaction_hash"],
                "ledger": row["ledger"],
                "op_id": str(row["operation_id"]),
                "index": row["change_index"],
                "from": row["sender"],
                "to": row["recipient"],
                "amount": to_text(row["amount"]),
            }
            for row in rows
        ]


def _existing(state: State, address: str) -> None:
    if state.account(address) is None:
        raise ValueError(f"{address} does not exist on this network")

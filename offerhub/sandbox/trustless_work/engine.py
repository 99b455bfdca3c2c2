"""Trustless Work behind its API: simulating calls, following transactions, its lagging index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stellar_sdk import xdr

from offerhub.sandbox.chain.amounts import to_text
from offerhub.sandbox.chain.contract_calls import ContractEnv
from offerhub.sandbox.chain.invocation import Call
from offerhub.sandbox.chain.network import Chain
from offerhub.sandbox.trustless_work.contracts import FACTORIES, Settings, register_contracts
from offerhub.sandbox.trustless_work.fees import PROTOCOL_FEE_BPS
from offerhub.sandbox.trustless_work.storage import EscrowStorage, Indexed, Stored


class _Undo(Exception):
    """Leaves a simulation's transaction without keeping what it did."""


@dataclass(frozen=True)
class Simulated:
    """What a call would do: the contract as it would be, and the function that did it."""

    stored: Stored | None
    function: str | None


class TrustlessWork:
    """The provider on a chain. Make one for each chain: it registers its contracts there."""

    factory_ids = tuple(FACTORIES.values())

    def __init__(self, chain: Chain, *, fee_bps: int | None = None) -> None:
        """fee_bps: the protocol's fee; None keeps what the store has (at first 30)."""
        self.chain = chain
        self.storage = EscrowStorage(chain.store)
        if fee_bps is not None:
            self.set_fee_bps(fee_bps)
        settings = Settings(chain.usdc_contract, chain.fee_account_address, self.fee_bps)
        register_contracts(chain, self.storage, settings)
        chain.contract_view = self.snapshot
        chain.on_reset(self.storage.wipe)

    def fee_bps(self) -> int:
        """The protocol's fee in basis points."""
        row = self.chain.store.one("SELECT value FROM chain_meta WHERE key = 'tw.fee_bps'")
        return int(row["value"]) if row else PROTOCOL_FEE_BPS

    def set_fee_bps(self, fee_bps: int) -> None:
        """Switch the fee, 0 to 10 000. Commits."""
        if not 0 <= fee_bps <= 10_000:
            raise ValueError(f"a fee of {fee_bps} basis points is impossible")
        self.chain.store.execute(
            "INSERT OR REPLACE INTO chain_meta (key, value) VALUES ('tw.fee_bps', ?)",
            (str(fee_bps),),
        )

    def simulate(self, call: Call | xdr.InvokeContractArgs, *, invoker: str) -> Simulated:
        """Run a call on the newest state and undo it. Raises ContractFailure, ContractArchived."""
        arguments = call.arguments_xdr() if isinstance(call, Call) else call
        transaction_hash = "simulation"
        result: Simulated | None = None
        self.chain.ledgers.tick()
        try:
            with self.chain.store.transaction():
                state = self.chain.ledgers.state()
                env = ContractEnv(state, invoker, transaction_hash, self.chain.contracts)
                self.chain.contracts.run(env, arguments)
                touched = self.storage.called(transaction_hash)
                stored = self.storage.contract(touched[0]) if touched else None
                result = Simulated(stored, touched[1] if touched else None)
                raise _Undo
        except _Undo:
            assert result is not None
        return result

    def archive(self, contract: str, *, archived: bool = True) -> None:
        """Let a contract's entry expire, or restore it. Commits. ValueError when unknown."""
        if not self.storage.archive(contract, archived=archived):
            raise ValueError(f"{contract} is no escrow of this sandbox")

    def follow(self, transaction_hash: str) -> Stored | None:
        """Bring the index up to date with an applied transaction; the contract it touched."""
        with self.chain.store.transaction():
            touched = self.storage.called(transaction_hash)
            stored = self.storage.contract(touched[0]) if touched else None
            if stored is not None:
                self.storage.index(
                    stored,
                    balance=self.balance(stored.contract),
                    now_ms=self.chain.ledgers.now_ms(),
                )
            return stored

    def indexed(self, address: str, *, on_chain: bool) -> list[Indexed]:
        """What the index knows about an address: the contract itself, or those that name it.

        As late as the index's lag; with `on_chain` what it knows is refreshed from the contracts.
        """
        with self.chain.store.transaction():
            lag_ms = self.chain.faults.get("index_lag_s") * 1000
            as_of_ms = self.chain.ledgers.now_ms() - lag_ms
            items = self.storage.indexed(as_of_ms=as_of_ms, mentioning=address)
            return [self._refreshed(item) for item in items] if on_chain else items

    def _refreshed(self, item: Indexed) -> Indexed:
        stored = self.storage.contract(item.contract)
        assert stored is not None
        return self.as_indexed(stored)

    def as_indexed(self, stored: Stored) -> Indexed:
        """A contract as an index without any lag would show it."""
        return Indexed(
            stored.contract,
            stored.escrow,
            self.balance(stored.contract),
            stored.deployer,
            stored.created_at_ms,
            stored.updated_at_ms,
        )

    def balance(self, contract: str) -> int:
        """The live USDC of a contract in stroops."""
        return self.chain.ledgers.state().contract_balance(contract, self.chain.usdc)

    def snapshot(self) -> list[dict[str, Any]]:
        """Every contract for `Chain.snapshot`; amounts are text of 7 decimals."""
        return [self._shown(contract) for contract in self.storage.contracts()]

    def _shown(self, contract: str) -> dict[str, Any]:
        stored = self.storage.contract(contract)
        assert stored is not None
        escrow = stored.escrow
        return {
            "contract": contract,
            "type": escrow.kind,
            "engagementId": escrow.engagement_id,
            "deployer": stored.deployer,
            "archived": stored.archived,
            "balance": to_text(self.balance(contract)),
            "amount": to_text(escrow.amount),
            "platform_fee_bps": escrow.platform_fee,
            "roles": escrow.roles,
            "flags": {
                "disputed": escrow.disputed,
                "released": escrow.released,
                "resolved": escrow.resolved,
            },
            "milestones": [
                {
                    "description": m.description,
                    "status": m.status,
                    "evidence": m.evidence,
                    "amount": to_text(m.amount),
                    "receiver": m.receiver or escrow.roles.get("receiver"),
                    "flags": {
                        "approved": m.approved,
                        "disputed": m.disputed,
                        "released": m.released,
                        "resolved": m.resolved,
                    },
                }
                for m in escrow.milestones
            ],
        }

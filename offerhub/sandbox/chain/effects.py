"""What one applied operation leaves behind: record fields, money moves, accounts concerned."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stellar_sdk import MuxedAccount

from offerhub.sandbox.chain.amounts import asset_fields, to_text
from offerhub.sandbox.chain.state import State

if TYPE_CHECKING:
    from offerhub.sandbox.chain.contract_calls import ContractHost


@dataclass(frozen=True)
class Transfer:
    """`amount` stroops of an asset that went from one holder (G... or C...) to another.

    kind: "transfer", or "clawback" when the issuer took it back; Horizon names no recipient then.
    """

    asset: str
    sender: str
    recipient: str
    amount: int
    kind: str = "transfer"

    def balance_change(self) -> dict[str, str]:
        """The entry of `asset_balance_changes` in an invoke_host_function record."""
        to = {"to": self.recipient} if self.kind == "transfer" else {}
        return {
            **asset_fields(self.asset),
            "type": self.kind,
            "from": self.sender,
            **to,
            "amount": to_text(self.amount),
        }


@dataclass
class Effect:
    """`details` are the type's own fields of the Horizon record; `value` goes into the result."""

    details: dict[str, Any]
    transfers: list[Transfer] = field(default_factory=list)
    participants: set[str] = field(default_factory=set)
    is_payment: bool = False
    value: Any = None


@dataclass(frozen=True)
class Context:
    """Where an operation runs. `sponsorships`: sponsored address to its sponsor."""

    state: State
    source: str
    transaction_hash: str
    sponsorships: dict[str, str]
    market_asset: str
    contracts: ContractHost


def muxed_fields(name: str, account: MuxedAccount) -> dict[str, str]:
    """`to`, and for an M... address `to_muxed` and `to_muxed_id` (with name="to")."""
    fields = {name: account.account_id}
    if account.account_muxed_id is not None:
        fields[f"{name}_muxed"] = str(account.account_muxed)
        fields[f"{name}_muxed_id"] = str(account.account_muxed_id)
    return fields

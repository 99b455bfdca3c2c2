"""Escrow contracts: building each call as a signed transaction, sending it, reading the contract.

Building has no effect on chain and may be repeated freely; only `send` has one, and the same
signed transaction sent twice applies once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from offerhub.ports.chain import SignedTransaction, SigningKey


@dataclass(frozen=True, slots=True)
class MilestoneTerms:
    description: str
    amount_stroops: int


@dataclass(frozen=True, slots=True)
class EscrowTerms:
    """What an escrow is deployed with. Addresses are of funded accounts with USDC trustlines.

    `milestones`: one for single-release (its amount is not sent), one to ten for multi-release.
    """

    order_id: str
    multi_release: bool
    title: str
    description: str
    buyer: str
    seller: str
    platform: str
    release_signer: str
    dispute_resolver: str
    amount_stroops: int
    platform_fee_bps: int
    milestones: tuple[MilestoneTerms, ...]


@dataclass(frozen=True, slots=True)
class MilestoneFacts:
    approved: bool
    released: bool
    disputed: bool
    resolved: bool
    status: str


@dataclass(frozen=True, slots=True)
class EscrowFacts:
    """What the contract says now. `balance_stroops` is its live token balance."""

    contract_id: str
    order_id: str
    multi_release: bool
    buyer: str
    seller: str
    amount_stroops: int
    balance_stroops: int
    released: bool
    disputed: bool
    resolved: bool
    milestones: tuple[MilestoneFacts, ...]


@dataclass(frozen=True, slots=True)
class Deployed:
    """Order ids by contract id; `complete` is false when there are more than are read."""

    orders: dict[str, str]
    complete: bool


@dataclass(frozen=True, slots=True)
class Share:
    address: str
    amount_stroops: int


@dataclass(frozen=True, slots=True)
class Sent:
    """The service says it applied; still to be proven by hash. `contract_id` on a deployment."""

    contract_id: str | None


class Escrows(Protocol):
    """Builders raise Rejected (read the contract: it may be done already) or Unavailable.

    Every built transaction was checked to be the one that was asked for before it was signed.
    """

    def build_deploy(self, terms: EscrowTerms, *, signer: SigningKey) -> SignedTransaction: ...

    def build_fund(
        self,
        contract_id: str,
        terms: EscrowTerms,
        *,
        signer: SigningKey,
        amount_stroops: int | None = None,
    ) -> SignedTransaction:
        """Move the terms' amount into the contract, or another one: it takes any, from anybody."""
        ...

    def build_milestone_status(
        self,
        contract_id: str,
        *,
        multi_release: bool,
        milestone_index: int,
        status: str,
        evidence: str,
        signer: SigningKey,
    ) -> SignedTransaction: ...

    def build_approve(
        self, contract_id: str, *, multi_release: bool, milestone_index: int, signer: SigningKey
    ) -> SignedTransaction: ...

    def build_release(
        self, contract_id: str, *, milestone_index: int | None, signer: SigningKey
    ) -> SignedTransaction:
        """`milestone_index` None: single-release."""
        ...

    def build_dispute(
        self, contract_id: str, *, milestone_index: int | None, signer: SigningKey
    ) -> SignedTransaction: ...

    def build_resolve(
        self,
        contract_id: str,
        *,
        milestone_index: int | None,
        shares: tuple[Share, ...],
        signer: SigningKey,
    ) -> SignedTransaction: ...

    def send(self, transaction: SignedTransaction) -> Sent:
        """Raises: Rejected (look the hash up before believing it), Unavailable, OutcomeUnknown."""
        ...

    def deployed_at(self, transaction: SignedTransaction) -> frozenset[str]:
        """Where a deployment of ours can have created its contract, from the transaction alone."""
        ...

    def follow(self, transaction_hash: str) -> None:
        """Have the service's index take in a transaction that has applied without its knowing.

        May be repeated freely. Raises: Rejected, Unavailable.
        """
        ...

    def read(self, contract_id: str, *, multi_release: bool) -> EscrowFacts | None: ...

    def read_many(self, contracts: Mapping[str, bool]) -> dict[str, EscrowFacts]:
        """Many contracts by id (value: whether it is multi-release); unknown ones are left out."""
        ...

    def deployed_by(self, signer: str) -> Deployed:
        """Every contract that `signer` deployed, as far as the service lists them."""
        ...

    def find_by_order(self, order_id: str, *, signer: str) -> tuple[EscrowFacts, ...]:
        """Contracts that `signer` deployed for this order, oldest first; there may be several."""
        ...

    def ping(self) -> None: ...

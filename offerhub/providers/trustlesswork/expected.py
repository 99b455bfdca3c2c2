"""The contract calls that a step may consist of: which function, which arguments, in what order.

A table of what is known, because contract versions differ: newer factories have other names, and
some versions pass the service's fee account along. Anything outside the table is not signed.
Source: the escrow contract's `main` branches and factories.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from offerhub.ports.escrow import EscrowTerms, Share
from offerhub.providers.trustlesswork import arguments as a
from offerhub.providers.trustlesswork.terms import struct_of

PROTOCOL_FEE_ACCOUNT: Final = "GBWWSOATPLIC72ZBOIM7WJCT7VCAHNWW4QUBZ2H4FORMCCIUM5ZVKSZN"
INITIALIZERS: Final = frozenset({"initialize_escrow", "initialize"})


@dataclass(frozen=True, slots=True)
class Payment:
    """A token transfer that a call may make in the signer's name, once."""

    token: str
    sender: str
    recipient: str
    amount_stroops: int


@dataclass(frozen=True, slots=True)
class ExpectedCall:
    """One call, in every variant that is known.

    contracts: the addresses it may go to; empty for any. layouts: alternatives for its arguments.
    """

    contracts: frozenset[str]
    functions: frozenset[str]
    layouts: tuple[tuple[a.Check, ...], ...]
    payment: Payment | None = None
    creates_contract: bool = False


@dataclass(frozen=True, slots=True)
class Calls:
    """Makes expected calls for one network. fee_accounts: the service's, where it passes one."""

    token: str
    factory_ids: frozenset[str]
    wasm_hashes: frozenset[str] = frozenset()
    fee_accounts: frozenset[str] = frozenset({PROTOCOL_FEE_ACCOUNT})

    def deploy(self, terms: EscrowTerms, *, signer: str) -> ExpectedCall:
        """A factory's deployment of exactly these fitted terms."""
        newer = "multi" if terms.multi_release else "single"
        return ExpectedCall(
            contracts=self.factory_ids,
            functions=frozenset({"deploy", f"tw_new_{newer}_release_escrow"}),
            layouts=(
                (
                    a.address(signer),
                    a.hash32(self.wasm_hashes),
                    a.hash32(),
                    a.symbol(INITIALIZERS),
                    a.vector(struct_of(terms, token=self.token, fresh=True)),
                    a.vector(),
                ),
            ),
            creates_contract=True,
        )

    def fund(
        self, contract_id: str, terms: EscrowTerms, *, signer: str, amount_stroops: int
    ) -> ExpectedCall:
        """The one call that takes a signer's money: exactly the amount, and to the contract."""
        return _call(
            contract_id,
            {"fund_escrow"},
            a.address(signer),
            struct_of(terms, token=self.token, fresh=False),
            a.integer(amount_stroops),
            payment=Payment(self.token, signer, contract_id, amount_stroops),
        )

    def milestone_status(
        self, contract_id: str, *, index: int, status: str, evidence: str, signer: str
    ) -> ExpectedCall:
        return _call(
            contract_id,
            {"change_milestone_status"},
            a.integer(index),
            a.text(status),
            a.text(evidence),
            a.address(signer),
        )

    def approve(self, contract_id: str, *, index: int, signer: str) -> ExpectedCall:
        return _call(contract_id, {"approve_milestone"}, a.integer(index), a.address(signer))

    def dispute(self, contract_id: str, *, index: int | None, signer: str) -> ExpectedCall:
        if index is None:
            return _call(contract_id, {"dispute_escrow"}, a.address(signer))
        return _call(contract_id, {"dispute_milestone"}, a.integer(index), a.address(signer))

    def release(self, contract_id: str, *, index: int | None, signer: str) -> ExpectedCall:
        who = a.address(signer)
        if index is None:
            return self._with_fee_account(contract_id, "release_funds", (who,), at=1)
        plain = (who, a.integer(index))
        return self._with_fee_account(contract_id, "release_milestone_funds", plain, at=1)

    def resolve(
        self, contract_id: str, *, index: int | None, shares: tuple[Share, ...], signer: str
    ) -> ExpectedCall:
        divided = a.shares({share.address: share.amount_stroops for share in shares})
        who = a.address(signer)
        if index is None:
            return self._with_fee_account(contract_id, "resolve_dispute", (who, divided), at=1)
        plain = (who, a.integer(index), divided)
        return self._with_fee_account(contract_id, "resolve_milestone_dispute", plain, at=2)

    def _with_fee_account(
        self, contract_id: str, function: str, plain: tuple[a.Check, ...], *, at: int
    ) -> ExpectedCall:
        """As it is, or with a known fee account of the service before argument `at`."""
        variants = [
            (*plain[:at], a.address(account), *plain[at:]) for account in sorted(self.fee_accounts)
        ]
        return ExpectedCall(
            frozenset({contract_id}), frozenset({function}), layouts=(plain, *variants)
        )


def _call(
    contract_id: str,
    functions: Collection[str],
    *arguments: a.Check,
    payment: Payment | None = None,
) -> ExpectedCall:
    return ExpectedCall(
        frozenset({contract_id}), frozenset(functions), layouts=(arguments,), payment=payment
    )

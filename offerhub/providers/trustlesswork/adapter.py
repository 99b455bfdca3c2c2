"""`ports.escrow.Escrows` over Trustless Work's API.

A builder asks the service for a transaction, proves that it is what was asked for, and only then
signs. The transaction's source is the signer, who pays its fee in XLM.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

from stellar_sdk import Asset, StrKey

from offerhub.ports.chain import SignedTransaction, SigningKey
from offerhub.ports.errors import Rejected
from offerhub.ports.escrow import Deployed, EscrowFacts, EscrowTerms, Sent, Share
from offerhub.ports.limits import OutboundLimiter
from offerhub.providers import transactions
from offerhub.providers.http import HttpClient
from offerhub.providers.trustlesswork import deployed, terms
from offerhub.providers.trustlesswork.arguments import Mismatch
from offerhub.providers.trustlesswork.client import PROVIDER, TrustlessWorkClient
from offerhub.providers.trustlesswork.expected import PROTOCOL_FEE_ACCOUNT, Calls, ExpectedCall
from offerhub.providers.trustlesswork.mapping import kind_path
from offerhub.providers.trustlesswork.reader import EscrowReader
from offerhub.providers.trustlesswork.refusals import Step
from offerhub.providers.trustlesswork.verify import function_of, verify

DEFAULT_MAX_FEE_STROOPS: Final = 50_000_000  # 5 XLM
# Functions that only one kind of contract has; the others exist in both.
_KIND_OF_FUNCTION: Final = {
    "release_funds": False,
    "dispute_escrow": False,
    "resolve_dispute": False,
    "release_milestone_funds": True,
    "dispute_milestone": True,
    "resolve_milestone_dispute": True,
}


class TrustlessWorkEscrows:
    """One network and one USDC issuer.

    factory_ids: contracts that may deploy escrows; empty takes any. wasm_hashes: code, in hex,
    that may be deployed; empty takes any. fee_accounts: the service's own, which some contract
    versions are told. max_fee_stroops: of XLM, for one transaction.
    """

    def __init__(
        self,
        http: HttpClient,
        *,
        passphrase: str,
        usdc_issuer: str,
        limiter: OutboundLimiter,
        factory_ids: Collection[str] = (),
        wasm_hashes: Collection[str] = (),
        fee_accounts: Collection[str] = (PROTOCOL_FEE_ACCOUNT,),
        max_fee_stroops: int = DEFAULT_MAX_FEE_STROOPS,
    ) -> None:
        if not all(StrKey.is_valid_contract(id_) for id_ in factory_ids):
            raise ValueError("a factory id is a contract address, C...")
        self._client = TrustlessWorkClient(http, limiter)
        self._reader = EscrowReader(self._client)
        self._passphrase = passphrase
        self._usdc_issuer = usdc_issuer
        self._max_fee_stroops = max_fee_stroops
        self._calls = Calls(
            token=Asset("USDC", usdc_issuer).contract_id(passphrase),
            factory_ids=frozenset(factory_ids),
            wasm_hashes=frozenset(one.lower() for one in wasm_hashes),
            fee_accounts=frozenset(fee_accounts),
        )

    def build_deploy(self, terms_: EscrowTerms, *, signer: SigningKey) -> SignedTransaction:
        """Deploy an escrow. Long titles and descriptions are cut to what the service takes."""
        fitted = terms.fitted(terms_)
        return self._built(
            f"/deployer/{kind_path(fitted.multi_release)}",
            terms.deploy_body(fitted, signer=signer.address, usdc_issuer=self._usdc_issuer),
            self._calls.deploy(fitted, signer=signer.address),
            signer,
            Step(fitted.multi_release),
        )

    def build_fund(
        self,
        contract_id: str,
        terms_: EscrowTerms,
        *,
        signer: SigningKey,
        amount_stroops: int | None = None,
    ) -> SignedTransaction:
        """Move the terms' amount (or another one) from the signer into the contract.

        The contract takes a second funding like the first: build this only when the one before is
        settled.
        """
        fitted = terms.fitted(terms_)
        moved = fitted.amount_stroops if amount_stroops is None else amount_stroops
        body = {
            "contractId": contract_id,
            "signer": signer.address,
            "amount": terms.usdc_number(moved),
        }
        return self._built(
            f"/escrow/{kind_path(fitted.multi_release)}/fund-escrow",
            body,
            self._calls.fund(contract_id, fitted, signer=signer.address, amount_stroops=moved),
            signer,
            Step(fitted.multi_release, funding=True),
        )

    def build_milestone_status(
        self,
        contract_id: str,
        *,
        multi_release: bool,
        milestone_index: int,
        status: str,
        evidence: str,
        signer: SigningKey,
    ) -> SignedTransaction:
        """The seller reports a milestone's state; an empty evidence is sent as "-"."""
        shown = evidence or "-"
        body = {
            "contractId": contract_id,
            "milestoneIndex": str(milestone_index),
            "newStatus": status,
            "newEvidence": shown,
            "serviceProvider": signer.address,
        }
        expected = self._calls.milestone_status(
            contract_id,
            index=milestone_index,
            status=status,
            evidence=shown,
            signer=signer.address,
        )
        path = f"/escrow/{kind_path(multi_release)}/change-milestone-status"
        return self._built(path, body, expected, signer, Step(multi_release))

    def build_approve(
        self, contract_id: str, *, multi_release: bool, milestone_index: int, signer: SigningKey
    ) -> SignedTransaction:
        """The buyer approves a milestone, for good."""
        body = {
            "contractId": contract_id,
            "milestoneIndex": str(milestone_index),
            "approver": signer.address,
        }
        expected = self._calls.approve(contract_id, index=milestone_index, signer=signer.address)
        path = f"/escrow/{kind_path(multi_release)}/approve-milestone"
        return self._built(path, body, expected, signer, Step(multi_release))

    def build_release(
        self, contract_id: str, *, milestone_index: int | None, signer: SigningKey
    ) -> SignedTransaction:
        """Pay the escrow (None) or one milestone out to the seller, less fees."""
        return self._built(
            *_either(
                milestone_index,
                single="/escrow/single-release/release-funds",
                multi="/escrow/multi-release/release-milestone-funds",
                body={"contractId": contract_id, "releaseSigner": signer.address},
            ),
            self._calls.release(contract_id, index=milestone_index, signer=signer.address),
            signer,
            Step(milestone_index is not None),
        )

    def build_dispute(
        self, contract_id: str, *, milestone_index: int | None, signer: SigningKey
    ) -> SignedTransaction:
        """Freeze the escrow (None) or one milestone until the resolver decides."""
        return self._built(
            *_either(
                milestone_index,
                single="/escrow/single-release/dispute-escrow",
                multi="/escrow/multi-release/dispute-milestone",
                body={"contractId": contract_id, "signer": signer.address},
            ),
            self._calls.dispute(contract_id, index=milestone_index, signer=signer.address),
            signer,
            Step(milestone_index is not None),
        )

    def build_resolve(
        self,
        contract_id: str,
        *,
        milestone_index: int | None,
        shares: tuple[Share, ...],
        signer: SigningKey,
    ) -> SignedTransaction:
        """Divide what is disputed by gross shares; each bears its part of the fees.

        Raises: ValueError for shares that the contract could not carry out as they are.
        """
        body = {
            "contractId": contract_id,
            "disputeResolver": signer.address,
            "distributions": terms.shares_body(shares),
        }
        return self._built(
            *_either(
                milestone_index,
                single="/escrow/single-release/resolve-dispute",
                multi="/escrow/multi-release/resolve-milestone-dispute",
                body=body,
            ),
            self._calls.resolve(
                contract_id, index=milestone_index, shares=shares, signer=signer.address
            ),
            signer,
            Step(milestone_index is not None),
        )

    def send(self, transaction: SignedTransaction) -> Sent:
        """Submit through the service. Sending the same transaction again applies at most once."""
        contract_id = self._client.send(transaction.xdr, self._step_of(transaction))
        return Sent(contract_id=contract_id)

    def deployed_at(self, transaction: SignedTransaction) -> frozenset[str]:
        """Where a deployment of ours can have created its contract, whatever the service says.

        Raises: ValueError for a transaction that is no deployment.
        """
        envelope = transactions.decode(transaction.xdr, passphrase=self._passphrase)
        return deployed.addresses(envelope, passphrase=self._passphrase)

    def follow(self, transaction_hash: str) -> None:
        """Have the index take in an applied transaction, where a send's answer was lost."""
        self._client.follow(transaction_hash)

    def read(self, contract_id: str, *, multi_release: bool) -> EscrowFacts | None:
        """The contract as it is on chain now, with its live balance; None when it is unknown."""
        return self._reader.one(contract_id, multi_release=multi_release)

    def read_many(self, contracts: Mapping[str, bool]) -> dict[str, EscrowFacts]:
        """Many contracts, twenty per call; those that the service does not know are left out."""
        return self._reader.many(contracts)

    def deployed_by(self, signer: str) -> Deployed:
        """Every contract of a deployer, at most 50 pages of the service's list."""
        return self._reader.deployed_by(signer)

    def find_by_order(self, order_id: str, *, signer: str) -> tuple[EscrowFacts, ...]:
        """Contracts that `signer` deployed for an order, oldest first."""
        return self._reader.of_order(order_id, signer=signer)

    def ping(self) -> None:
        """A cheap read that needs our key. Raises: Rejected, Unavailable."""
        self._client.get("/helper/get-escrows-by-signer", {"signer": self._usdc_issuer})

    def _built(
        self,
        path: str,
        body: dict[str, Any],
        expected: ExpectedCall,
        signer: SigningKey,
        step: Step,
    ) -> SignedTransaction:
        unsigned = self._client.build(path, body, step)
        try:
            envelope = transactions.decode(unsigned, passphrase=self._passphrase)
            verify(
                envelope,
                source=signer.address,
                call=expected,
                max_fee_stroops=self._max_fee_stroops,
            )
        except (Mismatch, ValueError) as exc:
            raise Rejected(
                f"ALARM: {path} gave a transaction that was not asked for and was not signed:"
                f" {exc}",
                provider=PROVIDER,
                code="not_what_was_asked_for",
            ) from exc
        return transactions.sign(envelope, signer)

    def _step_of(self, transaction: SignedTransaction) -> Step:
        """Which contract's error numbers a transaction would answer in."""
        try:
            envelope = transactions.decode(transaction.xdr, passphrase=self._passphrase)
        except ValueError:
            return Step(multi_release=None)
        name = function_of(envelope)
        return Step(_KIND_OF_FUNCTION.get(name), funding=name == "fund_escrow")


def _either(
    milestone_index: int | None, *, single: str, multi: str, body: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Path and body of a step that exists once for an escrow and once for a milestone."""
    if milestone_index is None:
        return single, body
    return multi, {**body, "milestoneIndex": str(milestone_index)}

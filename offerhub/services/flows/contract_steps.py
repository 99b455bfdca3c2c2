"""Steps that call an order's contract. `position` is of a milestone, None for a single release.

Each is named by what it does and, for milestones, where: `release`, `release_2`.
"""

from collections.abc import Sequence
from typing import Any

from offerhub.domain.money import STROOPS_PER_CENT
from offerhub.ports.chain import SignedTransaction, TransactionOutcome
from offerhub.ports.errors import Rejected, Unavailable
from offerhub.ports.escrow import EscrowFacts, MilestoneFacts, Share
from offerhub.services import settlements
from offerhub.services.chain_steps import ChainStep
from offerhub.services.flows.keys import user_address, user_key
from offerhub.services.steps import Contradiction, Done, Run, Sought
from offerhub.store import orders as store
from offerhub.store.database import connection
from offerhub.store.operations import Step as StepRow
from offerhub.store.operations import steps_of


def escrow_of(run: Run) -> store.Escrow:
    """The escrow that the operation is about."""
    with connection():
        return store.Escrow.get_by_id(run.operation.params["escrow_id"])


def nothing_on_chain(run: Run, *, besides: str | None = None) -> bool:
    """Whether no transaction of this operation has applied, but for the step named `besides`."""
    return not any(
        row.status == "SUCCEEDED" and row.tx_hash and row.name != besides
        for row in steps_of(run.operation.id)
    )


class ContractStep(ChainStep):
    """A call on the contract, sent through the escrow service."""

    verb = ""

    def __init__(self, position: int | None) -> None:
        self.position = position
        self.name = self.verb if position is None else f"{self.verb}_{position}"

    def send(self, run: Run, transaction: SignedTransaction) -> dict[str, Any] | None:
        run.app.escrows.send(transaction)
        return None

    def request(self, run: Run) -> dict[str, Any]:
        return {"contract_id": self.contract(run), "milestone": self.position}

    def contract(self, run: Run) -> str:
        contract_id = escrow_of(run).trustless_contract_id
        if contract_id is None:
            raise Contradiction(f"the escrow of {run.operation.id} has no contract")
        return contract_id

    def read(self, run: Run) -> EscrowFacts:
        """The contract as it is now. Raises: Unavailable while it is not indexed."""
        facts = run.app.escrows.read(self.contract(run), multi_release=self.position is not None)
        if facts is None:
            raise Unavailable("the contract is not indexed yet", provider="trustless_work")
        return facts

    def paid_out(self, run: Run, *, signer: str) -> Sought | None:
        """The transaction that emptied the contract or the milestone, if the contract says so."""
        facts, escrow = self.read(run), escrow_of(run)
        over: EscrowFacts | MilestoneFacts = facts
        amount = int(escrow.amount)
        if self.position is not None:
            over = facts.milestones[self.position]
            with connection():
                milestones = store.milestones_of([escrow.order_id])
            amount = next(int(m.amount) for m in milestones if m.position == self.position)
        if not over.released and not over.resolved:
            return None

        def matches(_: SignedTransaction, outcome: TransactionOutcome) -> bool:
            contract = facts.contract_id
            out = sum(t.amount_stroops for t in outcome.transfers if t.source == contract)
            return out >= amount if self.position is None else out == amount

        return Sought(signer, matches)


class ChangeStatus(ContractStep):
    """The seller marks a milestone as completed; the contract keeps the evidence."""

    verb = "complete"

    def claims(self, run: Run) -> Sequence[str]:
        return (user_address(run.operation.params["seller_id"]),)

    def fee_payer(self, run: Run) -> str | None:
        return str(run.operation.params["seller_id"])

    def build(self, run: Run) -> SignedTransaction | Done:
        with connection():
            row = store.Milestone.get_by_id(run.operation.subject_id)
        return run.app.escrows.build_milestone_status(
            self.contract(run),
            multi_release=True,
            milestone_index=row.position,
            status="completed",
            evidence=row.evidence_url or "-",
            signer=user_key(run.app, run.operation.params["seller_id"]),
        )


class Approve(ContractStep):
    """Irreversible on chain, and moves nothing. Approved already is as good as approved now."""

    verb = "approve"

    def claims(self, run: Run) -> Sequence[str]:
        return (user_address(run.operation.params["buyer_id"]),)

    def fee_payer(self, run: Run) -> str | None:
        return str(run.operation.params["buyer_id"])

    def build(self, run: Run) -> SignedTransaction | Done:
        index = self.position or 0
        if self.read(run).milestones[index].approved:
            return Done({f"{self.name}_found": True})
        return run.app.escrows.build_approve(
            self.contract(run),
            multi_release=self.position is not None,
            milestone_index=index,
            signer=user_key(run.app, run.operation.params["buyer_id"]),
        )


class Release(ContractStep):
    """Pays the seller, the platform and the protocol, as the contract divides it."""

    verb = "release"

    def claims(self, run: Run) -> Sequence[str]:
        return (run.app.platform_keys.release.address,)

    def build(self, run: Run) -> SignedTransaction | Done:
        return run.app.escrows.build_release(
            self.contract(run),
            milestone_index=self.position,
            signer=run.app.platform_keys.release,
        )

    def sent_before(self, run: Run) -> Sought | Done | None:
        return self.paid_out(run, signer=run.app.platform_keys.release.address)

    def apply(self, run: Run, row: StepRow, facts: dict[str, Any]) -> None:
        settlements.apply_payout(
            run.ctx,
            run.operation.params["order_id"],
            position=self.position,
            outcome="RELEASED",
            transfers=facts[f"{self.name}_transfers"],
            tx_hash=facts[f"{self.name}_hash"],
        )


class Dispute(ContractStep):
    """A party freezes the contract or one milestone. Frozen already is as good as frozen now."""

    verb = "dispute"

    def _party(self, run: Run) -> str:
        params = run.operation.params
        return str(params.get("party_id") or params["buyer_id"])

    def claims(self, run: Run) -> Sequence[str]:
        return (user_address(self._party(run)),)

    def fee_payer(self, run: Run) -> str | None:
        return self._party(run)

    def build(self, run: Run) -> SignedTransaction | Done:
        facts = self.read(run)
        frozen = (
            facts.disputed if self.position is None else facts.milestones[self.position].disputed
        )
        if frozen:
            return Done({f"{self.name}_found": True})
        return run.app.escrows.build_dispute(
            self.contract(run),
            milestone_index=self.position,
            signer=user_key(run.app, self._party(run)),
        )


class Resolve(ContractStep):
    """The platform's resolver has the contract pay both sides their gross shares, less fees.

    to_seller, to_buyer: stroops; None takes all there is for the buyer.
    """

    verb = "resolve"

    def __init__(
        self, position: int | None, *, to_seller: int = 0, to_buyer: int | None = None
    ) -> None:
        super().__init__(position)
        self.to_seller = to_seller
        self.to_buyer = to_buyer

    @property
    def outcome_word(self) -> str:
        if self.to_seller == 0:
            return "REFUNDED"
        return "RELEASED" if self.to_buyer == 0 else "SPLIT"

    def claims(self, run: Run) -> Sequence[str]:
        return (run.app.platform_keys.resolver.address,)

    def build(self, run: Run) -> SignedTransaction | Done:
        return run.app.escrows.build_resolve(
            self.contract(run),
            milestone_index=self.position,
            shares=self._shares(run),
            signer=run.app.platform_keys.resolver,
        )

    def sent_before(self, run: Run) -> Sought | Done | None:
        return self.paid_out(run, signer=run.app.platform_keys.resolver.address)

    def apply(self, run: Run, row: StepRow, facts: dict[str, Any]) -> None:
        settlements.apply_payout(
            run.ctx,
            run.operation.params["order_id"],
            position=self.position,
            outcome=self.outcome_word,
            transfers=facts[f"{self.name}_transfers"],
            tx_hash=facts[f"{self.name}_hash"],
        )

    def _shares(self, run: Run) -> tuple[Share, ...]:
        """What the contract is told. A single-release contract wants its whole balance divided."""
        escrow = escrow_of(run)
        to_seller, to_buyer = self.to_seller, self._for_buyer(run, escrow)
        if self.position is None:
            balance = self.read(run).balance_stroops
            surplus = balance - to_seller - to_buyer
            if surplus < 0:
                raise Rejected(
                    f"the contract holds {balance} stroops, less than is to be paid",
                    provider="trustless_work",
                )
            if surplus % STROOPS_PER_CENT and to_seller and to_buyer:
                # Filled up to whole cents before, so it came in this very moment.
                raise Rejected(
                    f"somebody sent {surplus} stroops to the contract: a split would revert;"
                    " decide again, or resolve to one side",
                    provider="trustless_work",
                )
            if to_buyer:
                to_buyer += surplus
            else:
                to_seller += surplus
        pairs = ((escrow.seller_address, to_seller), (escrow.buyer_address, to_buyer))
        return tuple(Share(address, amount) for address, amount in pairs if amount)

    def _for_buyer(self, run: Run, escrow: store.Escrow) -> int:
        if self.to_buyer is not None:
            return self.to_buyer
        if self.position is None:
            return int(escrow.amount)
        with connection():
            milestones = store.milestones_of([escrow.order_id])
        return next(int(m.amount) for m in milestones if m.position == self.position)

"""Funding an escrow from the buyer's wallet, bridged from the treasury where it lacks USDC.

The contract accepts a second funding, so this is the one call that could pay twice: it is sent
again only as the very same transaction, and rebuilt only when the first can never apply.
"""

from collections.abc import Sequence
from typing import Any

from offerhub.ports.chain import SignedTransaction
from offerhub.ports.errors import Rejected, Unavailable
from offerhub.services import escrows, operations
from offerhub.services.chain_steps import ChainStep, moved
from offerhub.services.flows.bridge import Bridge
from offerhub.services.flows.keys import user_address, user_key
from offerhub.services.steps import BaseFlow, Done, Run, Sought, Step, payment
from offerhub.store import orders as store
from offerhub.store.database import connection
from offerhub.store.operations import Step as StepRow


def _amount(run: Run) -> int:
    with connection():
        return int(store.Order.get_by_id(run.operation.subject_id).amount)


class Fund(ChainStep):
    """Signed by the buyer's invisible wallet."""

    name = "fund"

    def claims(self, run: Run) -> Sequence[str]:
        return (user_address(run.operation.params["buyer_id"]),)

    def sent_before(self, run: Run) -> Sought | Done | None:
        with connection():
            escrow = store.Escrow.get_by_id(run.operation.params["escrow_id"])
        return payment(
            source=escrow.buyer_address,
            destination=escrow.trustless_contract_id or "",
            amount_stroops=_amount(run),
        )

    def fee_payer(self, run: Run) -> str | None:
        return str(run.operation.params["buyer_id"])

    def build(self, run: Run) -> SignedTransaction | Done:
        with connection():
            order = store.Order.get_by_id(run.operation.subject_id)
            escrow = store.Escrow.get_by_id(run.operation.params["escrow_id"])
            terms = escrows.terms_of(order, escrow)
        contract_id = escrow.trustless_contract_id or ""
        facts = run.app.escrows.read(contract_id, multi_release=terms.multi_release)
        if facts is None:
            raise Unavailable(f"contract {contract_id} is not indexed yet", provider="stellar")
        theirs = (facts.order_id, facts.buyer, facts.seller, facts.amount_stroops)
        if theirs != (order.id, terms.buyer, terms.seller, terms.amount_stroops):
            raise Rejected(
                f"contract {contract_id} is not the escrow of {order.id}",
                provider="trustless_work",
            )
        if facts.balance_stroops >= terms.amount_stroops:
            raise Rejected(
                f"contract {contract_id} holds {facts.balance_stroops} stroops not sent by us",
                provider="trustless_work",
            )
        key = user_key(run.app, run.operation.params["buyer_id"])
        return run.app.escrows.build_fund(contract_id, terms, signer=key)

    def send(self, run: Run, transaction: SignedTransaction) -> dict[str, Any] | None:
        run.app.escrows.send(transaction)
        return None

    def apply(self, run: Run, row: StepRow, facts: dict[str, Any]) -> None:
        with connection():
            escrow = store.Escrow.get_by_id(run.operation.params["escrow_id"])
        escrows.apply_funded(
            run.ctx,
            run.operation.subject_id,
            moved_stroops=moved(
                facts, "fund", source=escrow.buyer_address,
                destination=escrow.trustless_contract_id,
            ),
            tx_hash=facts["fund_hash"],
        )  # fmt: skip


class EscrowFund(BaseFlow):
    """There is no way back from ESCROW_FUNDING: a refusal is shown to an operator."""

    kind = operations.ESCROW_FUND
    steps: Sequence[Step] = (Bridge(_amount), Fund())

    def refused(self, run: Run, step: str, failure: Rejected) -> str:
        return "STUCK"

    def finished(self, run: Run) -> None:
        """The order is in progress."""

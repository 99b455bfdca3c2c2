"""Making a contract able to divide its balance, after somebody sent dust to it.

A single-release contract insists that all it holds is divided, and with a balance that is not in
whole cents the floors of two shares can ask for one stroop more than there is: it pays nothing.
Anybody may fund a contract, in any state, by any amount. So before a split the platform fills it
up to the next cent, at most 0.0099999, and the buyer gets that with the dust.
Source: docs/money.md, "Rounding"; the contract's rules for funding.
"""

from collections.abc import Sequence
from typing import Any

from offerhub.domain.money import STROOPS_PER_CENT
from offerhub.ledger import journal, payouts
from offerhub.ports.chain import SignedTransaction, TransactionOutcome
from offerhub.services import escrows
from offerhub.services.chain_steps import moved
from offerhub.services.flows import treasury_float
from offerhub.services.flows.contract_steps import ContractStep, escrow_of
from offerhub.services.steps import Done, Run, Sought
from offerhub.store import orders as store
from offerhub.store.database import connection
from offerhub.store.operations import Step as StepRow

NAME = "even_dust"


class EvenDust(ContractStep):
    """Treasury to contract, by what is lacking to whole cents; usually nothing."""

    verb = NAME

    def __init__(self) -> None:
        super().__init__(None)

    def claims(self, run: Run) -> Sequence[str]:
        return (run.app.platform_keys.treasury.address,)

    def build(self, run: Run) -> SignedTransaction | Done:
        lacking = -self.read(run).balance_stroops % STROOPS_PER_CENT
        if lacking == 0:
            return Done()
        with connection():
            escrow = escrow_of(run)
            order = store.Order.get_by_id(escrow.order_id)
            terms = escrows.terms_of(order, escrow)
        treasury_float.require(lacking)
        return run.app.escrows.build_fund(
            self.contract(run),
            terms,
            signer=run.app.platform_keys.treasury,
            amount_stroops=lacking,
        )

    def sent_before(self, run: Run) -> Sought | Done | None:
        """Nothing else goes from the treasury to a contract, and the balance no longer tells."""
        contract, treasury = self.contract(run), run.app.platform_keys.treasury.address

        def matches(_: SignedTransaction, outcome: TransactionOutcome) -> bool:
            return any(
                t.source == treasury and t.destination == contract for t in outcome.transfers
            )

        return Sought(treasury, matches)

    def apply(self, run: Run, row: StepRow, facts: dict[str, Any]) -> None:
        if f"{NAME}_hash" not in facts:
            return
        journal.post(
            payouts.dust_evened(
                tx_hash=facts[f"{NAME}_hash"],
                order_id=run.operation.params["order_id"],
                amount=moved(
                    facts,
                    NAME,
                    source=run.app.platform_keys.treasury.address,
                    destination=escrow_of(run).trustless_contract_id,
                ),
            ),
            now_ms=run.ctx.now_ms(),
        )

"""Paying a withdrawal on chain from the user's wallet, bridged where it lacks USDC."""

from collections.abc import Sequence
from typing import Any

from offerhub.ports.chain import SignedTransaction
from offerhub.ports.errors import Rejected
from offerhub.services import operations, withdrawals
from offerhub.services.chain_steps import ChainStep, moved
from offerhub.services.flows.bridge import Bridge
from offerhub.services.flows.keys import user_address, user_key
from offerhub.services.steps import BaseFlow, Done, Run, Sought, Step, payment
from offerhub.store import withdrawals as store
from offerhub.store.database import connection
from offerhub.store.operations import Step as StepRow


def _row(run: Run) -> store.Withdrawal:
    with connection():
        return store.Withdrawal.get_by_id(run.operation.subject_id)


class Pay(ChainStep):
    """A USDC payment, signed by the user's invisible wallet."""

    name = "pay"

    def claims(self, run: Run) -> Sequence[str]:
        return (user_address(run.operation.params["user_id"]),)

    def sent_before(self, run: Run) -> Sought | Done | None:
        row = _row(run)
        return payment(
            source=user_address(row.user_id),
            destination=run.app.chain.base_address(row.destination_ref) or row.destination_ref,
            amount_stroops=row.amount,
        )

    def fee_payer(self, run: Run) -> str | None:
        return str(run.operation.params["user_id"])

    def build(self, run: Run) -> SignedTransaction | Done:
        row = _row(run)
        return run.app.chain.build_payment(
            source=user_key(run.app, row.user_id),
            destination=row.destination_ref,
            amount_stroops=row.amount,
            memo=row.destination_memo,
            memo_type="text" if row.destination_memo is not None else None,
        )

    def apply(self, run: Run, row: StepRow, facts: dict[str, Any]) -> None:
        withdrawals.apply_paid_on_chain(
            run.ctx,
            run.operation.subject_id,
            moved_stroops=moved(facts, "pay", source=user_address(run.operation.params["user_id"])),
            tx_hash=facts["pay_hash"],
        )


class WithdrawalChain(BaseFlow):
    """Definitely refused: the hold ends. What was bridged stays in the user's wallet."""

    kind = operations.WITHDRAWAL_CHAIN
    steps: Sequence[Step] = (Bridge(lambda run: int(_row(run).amount)), Pay())

    def refused(self, run: Run, step: str, failure: Rejected) -> str:
        if step == "bridge":
            return "STUCK"
        withdrawals.fail(run.ctx, run.operation.subject_id, reason=failure.message[:500])
        return "FAILED"

    def finished(self, run: Run) -> None:
        """The withdrawal is completed."""

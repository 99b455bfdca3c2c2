"""Refunding what is left: the buyer disputes, the resolver gives all to the buyer, per position.

Then the platform gives the fees back, unless the policy says that the buyer bears them.
"""

from collections.abc import Sequence

from offerhub.ports.errors import Rejected
from offerhub.services import operations, releases, settlements
from offerhub.services.flows.contract_steps import Dispute, Resolve, nothing_on_chain
from offerhub.services.flows.make_whole import MakeWhole
from offerhub.services.steps import BaseFlow, Run, Step


class OrderRefund(BaseFlow):
    """Back to IN_PROGRESS only while nothing is on chain; afterwards an operator decides."""

    kind = operations.ORDER_REFUND
    steps: Sequence[Step] = (Dispute(None), Resolve(None), MakeWhole())

    def plan(self, run: Run) -> Sequence[Step]:
        positions: list[int | None] = run.operation.params["positions"]
        parts = [step for p in positions for step in (Dispute(p), Resolve(p))]
        return [*parts, MakeWhole()]

    def refused(self, run: Run, step: str, failure: Rejected) -> str:
        if not nothing_on_chain(run):
            return "STUCK"
        releases.apply_refused(run.ctx, run.operation.subject_id, reason=failure.message[:500])
        return "FAILED"

    def finished(self, run: Run) -> None:
        settlements.finish_if_settled(run.ctx, run.operation.params["order_id"])

"""Releasing an escrow: the buyer approves, the platform's release wallet releases.

One payout for a single-release escrow, one per milestone that is left for a multi-release one.
"""

from collections.abc import Sequence

from offerhub.ports.errors import Rejected
from offerhub.services import operations, releases, settlements
from offerhub.services.flows.contract_steps import Approve, Release, nothing_on_chain
from offerhub.services.steps import BaseFlow, Run, Step


class Payouts(BaseFlow):
    """Approve and release, for each position of the operation."""

    steps: Sequence[Step] = (Approve(None), Release(None))

    def plan(self, run: Run) -> Sequence[Step]:
        positions: list[int | None] = run.operation.params["positions"]
        return [step for p in positions for step in (Approve(p), Release(p))]

    def finished(self, run: Run) -> None:
        settlements.finish_if_settled(run.ctx, run.operation.params["order_id"])


class OrderRelease(Payouts):
    """Back to IN_PROGRESS only while nothing is on chain; afterwards an operator decides."""

    kind = operations.ORDER_RELEASE

    def refused(self, run: Run, step: str, failure: Rejected) -> str:
        if not nothing_on_chain(run):
            return "STUCK"
        releases.apply_refused(run.ctx, run.operation.subject_id, reason=failure.message[:500])
        return "FAILED"


class MilestoneRelease(Payouts):
    """One milestone. Refused before anything is on chain: it can be asked for again."""

    kind = operations.MILESTONE_RELEASE

    def refused(self, run: Run, step: str, failure: Rejected) -> str:
        return "FAILED" if nothing_on_chain(run) else "STUCK"

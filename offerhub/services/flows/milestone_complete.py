"""Writing on the contract that a milestone is completed, signed by the seller's wallet."""

from collections.abc import Sequence

from offerhub.ports.errors import Rejected
from offerhub.services import milestones, operations
from offerhub.services.flows.contract_steps import ChangeStatus
from offerhub.services.steps import BaseFlow, Run, Step


class MilestoneComplete(BaseFlow):
    """Moves no money; refused, it can be asked for again."""

    kind = operations.MILESTONE_COMPLETE
    steps: Sequence[Step] = (ChangeStatus(0),)

    def plan(self, run: Run) -> Sequence[Step]:
        return [ChangeStatus(run.operation.params["position"])]

    def refused(self, run: Run, step: str, failure: Rejected) -> str:
        return "FAILED"

    def finished(self, run: Run) -> None:
        milestones.apply_completed(run.ctx, run.operation.subject_id)

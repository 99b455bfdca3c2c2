"""Writing a dispute on the contract, and carrying the platform's decision out."""

from collections.abc import Sequence

from offerhub.ports.errors import Rejected
from offerhub.services import disputes, operations, settlements
from offerhub.services.flows import even_dust
from offerhub.services.flows.contract_steps import Dispute, Resolve, nothing_on_chain
from offerhub.services.flows.even_dust import EvenDust
from offerhub.services.flows.make_whole import MakeWhole
from offerhub.services.steps import BaseFlow, Run, Step


class DisputeOpen(BaseFlow):
    """There is no way back from DISPUTED by a refusal: an operator decides."""

    kind = operations.DISPUTE_OPEN
    steps: Sequence[Step] = (Dispute(None),)

    def plan(self, run: Run) -> Sequence[Step]:
        return [Dispute(position) for position in run.operation.params["positions"]]

    def finished(self, run: Run) -> None:
        disputes.apply_on_chain(run.ctx, run.operation.subject_id)


class DisputeResolve(BaseFlow):
    """One resolution per part; a full refund is made whole by policy, as any refund is."""

    kind = operations.DISPUTE_RESOLVE
    steps: Sequence[Step] = (Resolve(None), MakeWhole())

    def plan(self, run: Run) -> Sequence[Step]:
        params = run.operation.params
        parts: list[Step] = [
            Resolve(part["position"], to_seller=part["to_seller"], to_buyer=part["to_buyer"])
            for part in params["parts"]
        ]
        if any(p["position"] is None and p["to_seller"] and p["to_buyer"] for p in params["parts"]):
            parts.insert(0, EvenDust())
        return [*parts, MakeWhole()] if params["full_refund"] else parts

    def refused(self, run: Run, step: str, failure: Rejected) -> str:
        # Filling a contract up decides nothing: it only counts as money that was spent.
        if not nothing_on_chain(run, besides=even_dust.NAME):
            return "STUCK"
        disputes.apply_refused(run.ctx, run.operation.subject_id)
        return "FAILED"

    def finished(self, run: Run) -> None:
        disputes.apply_resolved(run.ctx, run.operation.subject_id)
        settlements.finish_if_settled(run.ctx, run.operation.params["order_id"])

"""Making the pay-in of a top-up at Airtm."""

from collections.abc import Sequence
from typing import Any

from offerhub.ports.errors import Rejected
from offerhub.ports.payments import Payin, PayinStatus
from offerhub.services import operations, topups
from offerhub.services.steps import (
    Absent,
    BaseFlow,
    BaseStep,
    Done,
    Prepared,
    Run,
    Step,
    Verdict,
    Wait,
    seeing_what_was_made,
)
from offerhub.store import topups as store
from offerhub.store.database import connection
from offerhub.store.operations import Step as StepRow

LAG_S = 10.0  # a pay-in that was just made may not be found at once (providers/airtm, "Retry")
DESCRIPTION_CHARACTERS = 250


class CreatePayin(BaseStep):
    """The top-up's id is the pay-in's code: a second one cannot be made under it."""

    name = "create_payin"

    def prepare(self, run: Run) -> Prepared | Done:
        with connection():
            row = store.TopUp.get_by_id(run.operation.subject_id)
        landing = f"{run.app.policy.public_url}/api/v1/topups/{row.id}"
        return Prepared(
            {
                "code": row.id,
                "amount_stroops": row.amount,
                "description": (row.description or "Wallet top-up")[:DESCRIPTION_CHARACTERS],
                "confirmed_url": f"{landing}/return",
                "canceled_url": f"{landing}/cancel",
            }
        )

    def call(self, run: Run, row: StepRow) -> Verdict:
        try:
            return _done(run.app.payments.create_payin(**row.request))
        except Rejected as refusal:
            # An earlier call may have made it: the refusal of this one is not the whole story.
            with seeing_what_was_made(refusal):
                found = run.app.payments.find_payin(row.request["code"])
            if found is None:
                raise
            return _done(found)

    def look_up(self, run: Run, row: StepRow) -> Verdict:
        found = run.app.payments.find_payin(row.request["code"])
        if found is not None:
            return _done(found)
        if row.status == "UNKNOWN" and run.ctx.now_ms() - row.created_at < LAG_S * 1000:
            return Wait(LAG_S)
        return Absent()

    def apply(self, run: Run, row: StepRow, facts: dict[str, Any]) -> None:
        topups.apply_payin_result(run.ctx, run.operation.subject_id, payin_of(facts["payin"]))


class TopupPayin(BaseFlow):
    """A refusal fails the top-up: no money has moved."""

    kind = operations.TOPUP_PAYIN
    steps: Sequence[Step] = (CreatePayin(),)

    def refused(self, run: Run, step: str, failure: Rejected) -> str:
        topups.fail_payin(run.ctx, run.operation.subject_id, reason=failure.message)
        return "FAILED"

    def finished(self, run: Run) -> None:
        """Webhooks and polling follow the pay-in from here."""


def _done(payin: Payin) -> Done:
    return Done({"payin": payin_facts(payin)})


def payin_facts(payin: Payin) -> dict[str, Any]:
    """A pay-in as facts that a step keeps."""
    fields = {name: getattr(payin, name) for name in Payin.__dataclass_fields__}
    return {**fields, "status": str(payin.status)}


def payin_of(fields: dict[str, Any]) -> Payin:
    """The pay-in that a step kept as facts."""
    return Payin(**{**fields, "status": PayinStatus(fields["status"])})

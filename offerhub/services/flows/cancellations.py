"""Cancelling at Airtm. Airtm decides: whatever it answers is followed, a refusal included."""

from collections.abc import Sequence
from typing import Any

from offerhub.ports.errors import Rejected, Unavailable
from offerhub.services import operations, topups, withdrawals
from offerhub.services.flows.topup_payin import payin_facts, payin_of
from offerhub.services.flows.withdrawal_airtm import payout_facts, payout_of
from offerhub.services.steps import Absent, BaseFlow, BaseStep, Done, Prepared, Run, Step, Verdict
from offerhub.store import operations as operations_store
from offerhub.store import topups as topups_store
from offerhub.store import withdrawals as withdrawals_store
from offerhub.store.database import connection
from offerhub.store.operations import Step as StepRow


class CancelPayin(BaseStep):
    """Waits until the pay-in was made, or is known never to be."""

    name = "cancel_payin"

    def prepare(self, run: Run) -> Prepared | Done:
        topup_id = run.operation.subject_id
        with connection():
            making = operations_store.is_live(operations.TOPUP_PAYIN, topup_id)
        if making:
            raise Unavailable("the pay-in is still being made", provider="airtm", retry_after_s=1.0)
        return Prepared({"code": topup_id})

    def call(self, run: Run, row: StepRow) -> Verdict:
        code = row.request["code"]
        found = run.app.payments.find_payin(code)
        if found is None:
            with connection():
                made = topups_store.TopUp.get_by_id(code).airtm_payin_id
            return _nothing_to_cancel(made)
        try:
            found = run.app.payments.cancel_payin(found.provider_id)
        except Rejected:
            # Too late to cancel: what it is by now is what counts.
            found = run.app.payments.find_payin(code) or found
        return Done({"payin": payin_facts(found)})

    def look_up(self, run: Run, row: StepRow) -> Verdict:
        return Absent()  # cancelling again is safe

    def apply(self, run: Run, row: StepRow, facts: dict[str, Any]) -> None:
        if "payin" in facts:
            topups.apply_payin_result(run.ctx, run.operation.subject_id, payin_of(facts["payin"]))


class TopupCancel(BaseFlow):
    kind = operations.TOPUP_CANCEL
    steps: Sequence[Step] = (CancelPayin(),)


class CancelPayout(BaseStep):
    """Waits until the pay-out was committed, or is known never to be."""

    name = "cancel_payout"

    def prepare(self, run: Run) -> Prepared | Done:
        with connection():
            paying = operations_store.is_live(operations.WITHDRAWAL_AIRTM, run.operation.subject_id)
        if paying:
            raise Unavailable(
                "the pay-out is still being made", provider="airtm", retry_after_s=1.0
            )
        return Prepared({"code": run.operation.subject_id})

    def call(self, run: Run, row: StepRow) -> Verdict:
        code = row.request["code"]
        found = run.app.payments.find_payout(code)
        if found is None:
            with connection():
                made = withdrawals_store.Withdrawal.get_by_id(code).airtm_payout_id
            return _nothing_to_cancel(made)
        try:
            found = run.app.payments.cancel_payout(found.provider_id)
        except Rejected:
            found = run.app.payments.find_payout(code) or found
        return Done({"payout": payout_facts(found)})

    def look_up(self, run: Run, row: StepRow) -> Verdict:
        return Absent()  # cancelling again is safe

    def apply(self, run: Run, row: StepRow, facts: dict[str, Any]) -> None:
        if "payout" in facts:
            withdrawals.apply_payout_result(
                run.ctx, run.operation.subject_id, payout_of(facts["payout"])
            )


class WithdrawalCancel(BaseFlow):
    kind = operations.WITHDRAWAL_CANCEL
    steps: Sequence[Step] = (CancelPayout(),)


def _nothing_to_cancel(made: str | None) -> Done:
    """What Airtm does not know by our reference was never made, unless it has told us its id.

    Raises: Unavailable for what it made and does not find now; a list may lag behind.
    """
    if made is not None:
        raise Unavailable(f"Airtm made {made} and does not find it now", provider="airtm")
    return Done({})

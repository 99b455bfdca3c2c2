"""Paying a withdrawal into the user's Airtm account: register the pay-out, then commit it."""

from collections.abc import Sequence
from typing import Any

from offerhub.ports.errors import Rejected
from offerhub.ports.payments import Payout, PayoutStatus
from offerhub.services import operations, withdrawals
from offerhub.services.steps import (
    Absent,
    BaseFlow,
    BaseStep,
    Contradiction,
    Done,
    Prepared,
    Run,
    Step,
    Verdict,
    Wait,
    seeing_what_was_made,
)
from offerhub.store import withdrawals as store
from offerhub.store.database import connection
from offerhub.store.operations import Step as StepRow

LAG_S = 10.0


class CreatePayout(BaseStep):
    """The withdrawal's id is the pay-out's code: a second one cannot be made under it."""

    name = "create_payout"

    def prepare(self, run: Run) -> Prepared | Done:
        with connection():
            row = store.Withdrawal.get_by_id(run.operation.subject_id)
        return Prepared(
            {
                "code": row.id,
                "amount_stroops": row.amount,
                "recipient_email": row.destination_ref,
                "note": f"Withdrawal {row.id}",
            }
        )

    def call(self, run: Run, row: StepRow) -> Verdict:
        try:
            payout = run.app.payments.create_payout(**row.request)
        except Rejected as refusal:
            # An earlier call may have registered it: this refusal is not the whole story.
            with seeing_what_was_made(refusal):
                found = self._find(run, row)
            if found is None:
                raise
            return found
        return Done({"payout_id": payout.provider_id})

    def look_up(self, run: Run, row: StepRow) -> Verdict:
        found = self._find(run, row)
        if found is not None:
            return found
        if row.status == "UNKNOWN" and run.ctx.now_ms() - row.created_at < LAG_S * 1000:
            return Wait(LAG_S)
        return Absent()

    def _find(self, run: Run, row: StepRow) -> Done | None:
        """What is registered under our code, if it is what was asked for: it is committed next.

        Raises: Contradiction for another amount or recipient; nothing is paid then, and the hold
        stays.
        """
        found = run.app.payments.find_payout(row.request["code"])
        if found is None:
            return None
        if found.amount_stroops != row.request["amount_stroops"]:
            raise Contradiction(
                f"Airtm has {row.request['code']} with {found.amount_stroops} stroops,"
                f" not {row.request['amount_stroops']}"
            )
        if not self._is_recipient(run, found.recipient_email, asked=row.request["recipient_email"]):
            raise Contradiction(f"Airtm has {row.request['code']} for another recipient")
        return Done({"payout_id": found.provider_id})

    def _is_recipient(self, run: Run, found: str, *, asked: str) -> bool:
        """One person may have several addresses, and Airtm may name another than we did."""
        if found.casefold() == asked.casefold():
            return True
        accounts = [run.app.payments.find_account(email) for email in (found, asked)]
        ids = {account.provider_id for account in accounts if account is not None}
        return len(ids) == 1 and None not in accounts

    def apply(self, run: Run, row: StepRow, facts: dict[str, Any]) -> None:
        withdrawals.note_payout(run.ctx, run.operation.subject_id, payout_id=facts["payout_id"])


class CommitPayout(BaseStep):
    """Have it paid. A pay-out commits once; what it is now is read from Airtm afterwards."""

    name = "commit_payout"

    def prepare(self, run: Run) -> Prepared | Done:
        return Prepared({"payout_id": run.facts["payout_id"], "code": run.operation.subject_id})

    def call(self, run: Run, row: StepRow) -> Verdict:
        return _done(run.app.payments.commit_payout(row.request["payout_id"]))

    def look_up(self, run: Run, row: StepRow) -> Verdict:
        found = run.app.payments.find_payout(row.request["code"])
        if found is None or found.status is PayoutStatus.CREATED:
            return Absent()
        return _done(found)

    def apply(self, run: Run, row: StepRow, facts: dict[str, Any]) -> None:
        withdrawals.apply_payout_result(
            run.ctx, run.operation.subject_id, payout_of(facts["payout"])
        )


class WithdrawalAirtm(BaseFlow):
    """Refused before it was registered: the hold ends. Refused at commit: an operator decides."""

    kind = operations.WITHDRAWAL_AIRTM
    steps: Sequence[Step] = (CreatePayout(), CommitPayout())

    def refused(self, run: Run, step: str, failure: Rejected) -> str:
        if step != "create_payout" or "payout_id" in run.facts:
            return "STUCK"
        withdrawals.fail(run.ctx, run.operation.subject_id, reason=failure.message[:500])
        return "FAILED"

    def finished(self, run: Run) -> None:
        """Webhooks and polling follow the pay-out from here."""


def _done(payout: Payout) -> Done:
    return Done({"payout": payout_facts(payout)})


def payout_facts(payout: Payout) -> dict[str, Any]:
    """A pay-out as facts that a step keeps."""
    fields = {name: getattr(payout, name) for name in Payout.__dataclass_fields__}
    return {**fields, "status": str(payout.status)}


def payout_of(fields: dict[str, Any]) -> Payout:
    """The pay-out that a step kept as facts."""
    return Payout(**{**fields, "status": PayoutStatus(fields["status"])})

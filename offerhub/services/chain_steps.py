"""Steps that send a signed transaction: the hash is known before, so every doubt is a look-up.

The same signed transaction may be sent any number of times and applies once. A new one is built
only after the old one is proven unable to apply: its sequence was used by another transaction, or
a ledger beyond its time bound has closed, and its hash is on neither.
Source: docs/money.md, "Sending".
"""

from collections.abc import Sequence
from typing import Any

from offerhub.ports.chain import (
    SignedTransaction,
    SubmissionStatus,
    TransactionOutcome,
)
from offerhub.ports.errors import OutcomeUnknown, Rejected
from offerhub.services.steps import (
    Absent,
    BaseStep,
    Done,
    Never,
    Prepared,
    Refused,
    Run,
    Verdict,
    Wait,
)
from offerhub.store.operations import Step as StepRow

RESEND_AFTER_MS = 5_000
EXPIRY_MARGIN_S = 30
PROOFS_OF_ABSENCE = 2
POLL_S = (0.25, 0.25, 0.5, 0.5, 1.0, 2.0)


class ChainStep(BaseStep):
    """A step that has one transaction applied. Subclasses say which, and who signs."""

    def build(self, run: Run) -> SignedTransaction | Done:
        """Build and sign; nothing is sent. Done when the effect is there already."""
        raise NotImplementedError

    def request(self, run: Run) -> dict[str, Any]:
        """What is asked for, in words that an operator understands."""
        return {}

    def send(self, run: Run, transaction: SignedTransaction) -> dict[str, Any] | None:
        """Send; a note to keep, if the answer holds one. Raises the three failures."""
        submission = run.app.chain.submit(transaction)
        if submission.status is SubmissionStatus.REJECTED:
            raise Rejected(
                f"refused: {', '.join(submission.result_codes) or 'no code'}",
                provider="stellar",
                code=submission.result_codes[-1] if submission.result_codes else None,
                error_code="STELLAR_NETWORK_ERROR",
            )
        return None

    def outcome(self, run: Run, row: StepRow, result: TransactionOutcome) -> Done | Wait:
        """Facts of a transaction that has applied; Wait when one is still missing."""
        return Done(facts_of(self.name, result))

    def prepare(self, run: Run) -> Prepared | Done:
        built = self.build(run)
        if isinstance(built, Done):
            return built
        return Prepared({**self.request(run), "hash": built.hash}, built)

    def call(self, run: Run, row: StepRow) -> Verdict:
        note: dict[str, Any] | None = None
        try:
            note = self.send(run, transaction_of(row))
        except Rejected:
            # Perhaps refused because this very transaction has applied: only the chain knows.
            verdict = self._on_chain(run, row)
            return verdict if verdict is not None else Wait(2.0)
        except OutcomeUnknown:
            return Wait(1.0)
        if note:
            row.outcome = {**(row.outcome or {}), **note}
        return self._on_chain(run, row) or Wait(POLL_S[0], row.outcome)

    def look_up(self, run: Run, row: StepRow) -> Verdict:
        # Account and head are read BEFORE the hash: whatever they show of our own transaction,
        # the later read of the hash must show as well.
        transaction = transaction_of(row)
        account = run.app.chain.account(transaction.source)
        head = run.app.chain.head()
        verdict = self._on_chain(run, row)
        if verdict is not None:
            return verdict
        used = account is not None and account.sequence >= transaction.sequence
        too_late = (
            transaction.max_time_s > 0
            and head.closed_at_s >= transaction.max_time_s + EXPIRY_MARGIN_S
        )
        if used or too_late:
            proofs = int((row.outcome or {}).get("absence_proofs", 0)) + 1
            if proofs >= PROOFS_OF_ABSENCE:
                return Never()
            return Wait(2.0, {**(row.outcome or {}), "absence_proofs": proofs})
        silent_ms = run.ctx.now_ms() - row.updated_at
        if row.status == "PREPARED" or silent_ms >= RESEND_AFTER_MS:
            return Absent()
        return Wait(POLL_S[min(row.absences, len(POLL_S) - 1)])

    def _on_chain(self, run: Run, row: StepRow) -> Verdict | None:
        result = run.app.chain.transaction(transaction_of(row).hash)
        if result is None:
            return None
        if not result.successful:
            return Refused(
                Rejected(
                    f"failed on chain: {', '.join(result.result_codes)}",
                    provider="stellar",
                    code=result.result_codes[-1] if result.result_codes else None,
                    error_code="STELLAR_NETWORK_ERROR",
                )
            )
        return self.outcome(run, row, result)


def transaction_of(row: StepRow) -> SignedTransaction:
    """The signed transaction that a step wrote down. Raises: LookupError when it wrote none."""
    if row.tx_hash is None or row.signed_xdr is None or row.source_address is None:
        raise LookupError(f"step {row.name} of {row.operation_id} holds no transaction")
    return SignedTransaction(
        hash=row.tx_hash,
        xdr=row.signed_xdr,
        source=row.source_address,
        sequence=row.sequence or 0,
        max_time_s=row.max_time_s or 0,
    )


def facts_of(name: str, result: TransactionOutcome) -> dict[str, Any]:
    """What a transaction moved, as facts: every transfer, in stroops."""
    return {
        f"{name}_hash": result.hash,
        f"{name}_transfers": [
            {"from": t.source, "to": t.destination, "amount": t.amount_stroops}
            for t in result.transfers
        ],
    }


def moved(
    facts: dict[str, Any],
    name: str,
    *,
    source: str | None = None,
    destination: str | None = None,
) -> int:
    """Stroops that a step's transaction moved between these addresses (None: any)."""
    transfers: Sequence[dict[str, Any]] = facts[f"{name}_transfers"]
    return sum(
        t["amount"]
        for t in transfers
        if (source is None or t["from"] == source)
        and (destination is None or t["to"] == destination)
    )

"""Steps that send a signed transaction: the hash is known before, so every doubt is a look-up.

The same signed transaction may be sent any number of times and applies once. A new one is built
only after the old one is proven unable to apply: its sequence was used by another transaction, or
a ledger beyond its time bound has closed, and a reader of the chain that has had time to catch up
does not know its hash. Replicas of a reader differ: the account may come from one that is ahead
and the hash from one that lags, so "used, and not there" counts only once the reader's own clock
has moved on by the policy's `replica_margin_s`.
Source: docs/money.md, "Sending".
"""

from collections.abc import Sequence
from typing import Any

from offerhub.ports.chain import (
    SignedTransaction,
    SubmissionStatus,
    TransactionOutcome,
)
from offerhub.ports.errors import OutcomeUnknown, ProviderFailure, Rejected, Unavailable
from offerhub.services import fuel
from offerhub.services.steps import (
    Absent,
    AwaitsXlm,
    BaseStep,
    Done,
    Never,
    Prepared,
    Refused,
    Run,
    Verdict,
    Wait,
)
from offerhub.store import operations as operations_store
from offerhub.store.database import connection
from offerhub.store.operations import Step as StepRow

RESEND_AFTER_MS = 5_000
PROOFS_OF_ABSENCE = 2
POLL_S = (0.25, 0.25, 0.5, 0.5, 1.0, 2.0)


class ChainStep(BaseStep):
    """A step that has one transaction applied. Subclasses say which, and who signs."""

    def build(self, run: Run) -> SignedTransaction | Done:
        """Build and sign; nothing is sent. Done when the effect is there already."""
        raise NotImplementedError

    def fee_payer(self, run: Run) -> str | None:
        """The user whose wallet signs and pays the network's fee; None for the platform."""
        return None

    def send(self, run: Run, transaction: SignedTransaction) -> dict[str, Any] | None:
        """Send; a note to keep, if the answer holds one. Raises the three failures."""
        submission = run.app.chain.submit(transaction)
        if submission.status is SubmissionStatus.TRY_LATER:
            raise Unavailable("the network takes no more now", provider="stellar")
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

    def intend(self, run: Run) -> Prepared | Done:
        """The intent, once its signer can pay the fee."""
        built = self.build(run)
        if isinstance(built, Done):
            return built
        return intent(self.request(run), built)

    def prepare(self, run: Run) -> Prepared | Done:
        payer = self.fee_payer(run)
        if payer is not None:
            fuel.require_for_signing(run, payer)
        else:
            self._require_after_refusal(run)
        try:
            return self.intend(run)
        except Rejected as refusal:
            if refusal.code != fuel.NO_XLM:
                raise self._believed(run, refusal) from refusal
            if payer is not None:
                fuel.ask(run.ctx, payer, at_any_rate=True)
            raise AwaitsXlm(refusal.message) from refusal

    def call(self, run: Run, row: StepRow) -> Verdict:
        row.outcome = {**(row.outcome or {}), "sent_at_ms": run.ctx.now_ms()}
        delay_s = POLL_S[0]
        try:
            row.outcome = {**row.outcome, **(self.send(run, transaction_of(row)) or {})}
        except Rejected as refusal:
            # Perhaps refused because this very transaction has applied: only the chain knows.
            row.outcome = {**row.outcome, "send_refused": refusal.message[:500]}
            if refusal.code in fuel.FEE_REFUSALS:
                # It stays valid until its time bound: with XLM, or at a calmer time, it may apply.
                row.outcome["fee_refusal"] = refusal.code
                self._refill(run, refusal.code)
            delay_s = 2.0
        except OutcomeUnknown:
            delay_s = 1.0
        try:
            verdict = self._on_chain(run, row)
        except ProviderFailure:
            verdict = None  # it was sent; whatever the reader says of itself proves nothing
        return verdict or Wait(delay_s, row.outcome)

    def look_up(self, run: Run, row: StepRow) -> Verdict:
        # Account and head are read BEFORE the hash: whatever they show of our own transaction,
        # the later read of the hash must show as well.
        transaction = transaction_of(row)
        account = run.app.chain.account(transaction.source)
        head = run.app.chain.head()
        verdict = self._on_chain(run, row)
        if verdict is not None:
            return verdict
        noted = row.outcome or {}
        margin_s = run.app.policy.replica_margin_s
        used = account is not None and account.sequence >= transaction.sequence
        too_late = (
            transaction.max_time_s > 0 and head.closed_at_s >= transaction.max_time_s + margin_s
        )
        if used or too_late:
            since_s = int(noted.get("absent_since_s", head.closed_at_s))
            proofs = int(noted.get("absence_proofs", 0)) + 1
            caught_up = too_late or head.closed_at_s >= since_s + margin_s
            if proofs >= PROOFS_OF_ABSENCE and caught_up:
                return Never(noted.get("fee_refusal"))
            return Wait(2.0, {**noted, "absence_proofs": proofs, "absent_since_s": since_s})
        silent_ms = run.ctx.now_ms() - int(noted.get("sent_at_ms", 0))
        if row.status == "PREPARED" or silent_ms >= RESEND_AFTER_MS:
            return Absent()
        return Wait(POLL_S[min(row.absences, len(POLL_S) - 1)])

    def _on_chain(self, run: Run, row: StepRow) -> Verdict | None:
        result = run.app.chain.transaction(transaction_of(row).hash)
        if result is None:
            return None
        if not result.successful:
            fee_refusal = next((c for c in result.result_codes if c in fuel.FEE_REFUSALS), None)
            if fee_refusal is not None:
                # It has used its sequence number and can never apply again: a new one is safe.
                self._refill(run, fee_refusal)
                row.outcome = {**(row.outcome or {}), "fee_refusal": fee_refusal}
                return Never(fee_refusal)
            return Refused(
                Rejected(
                    f"failed on chain: {', '.join(result.result_codes)}",
                    provider="stellar",
                    code=result.result_codes[-1] if result.result_codes else None,
                    error_code="STELLAR_NETWORK_ERROR",
                )
            )
        return self.outcome(run, row, result)

    def _believed(self, run: Run, refusal: Rejected) -> ProviderFailure:
        """What a refusal to build is worth: nothing, while its reader may lag behind ourselves.

        By the books the USDC is there, or the step would not be made. And what the step before has
        changed a moment ago need not be known yet to whoever builds this one.
        """
        margin_ms = run.app.policy.replica_margin_s * 1000
        with connection():
            applied = [
                row.updated_at
                for row in operations_store.steps_of(run.operation.id)
                if row.status == "SUCCEEDED" and row.tx_hash
            ]
        just_now = run.ctx.now_ms() - max(applied, default=0) < margin_ms
        if just_now or refusal.error_code == "INSUFFICIENT_FUNDS":
            return Unavailable(refusal.message, provider=refusal.provider, code=refusal.code)
        return refusal

    def _require_after_refusal(self, run: Run) -> None:
        """A wallet of the platform that could not pay is not tried again while it still cannot."""
        with connection():
            last = operations_store.latest_step(run.operation.id, self.name)
        if last is None or (last.outcome or {}).get("fee_refusal") != fuel.NO_XLM:
            return
        fuel.require_for_platform(run, last.source_address or "")

    def _refill(self, run: Run, code: str) -> None:
        payer = self.fee_payer(run)
        if code == fuel.NO_XLM and payer is not None:
            fuel.ask(run.ctx, payer, at_any_rate=True)


def intent(request: dict[str, Any], built: SignedTransaction) -> Prepared:
    """The intent to send what was built.

    Raises: Unavailable when it was built on an account as it was before our own last transaction:
    one replica of the reader lags, and the network would refuse the sequence number.
    """
    with connection():
        newest = operations_store.newest_sequence(built.source)
    if built.sequence <= newest:
        raise Unavailable(
            f"the reader of the chain does not show sequence {newest} of {built.source} yet",
            provider="stellar",
            retry_after_s=1.0,
        )
    return Prepared({**request, "hash": built.hash}, built)


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

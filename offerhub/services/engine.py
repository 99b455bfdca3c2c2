"""Performing operations: claim, then step by step intent, call, outcome, each committed.

A process may die after any line: whoever claims the operation next finds the step's row, looks up
what became of it, and goes on. The lease is fenced: a holder that lost it can write nothing.
What cannot go on by itself ends STUCK, where an operator sees it; nothing loops for ever.
"""

import random
from collections.abc import Callable
from typing import Any

import structlog

from offerhub.domain import ids
from offerhub.domain.errors import OfferHubError
from offerhub.domain.operations import OPERATION, STEP
from offerhub.ports.errors import (
    OutcomeUnknown,
    ProviderFailure,
    RateLimited,
    Rejected,
    Unavailable,
)
from offerhub.services import operations
from offerhub.services.context import App, system_context
from offerhub.services.flows.registry import flow_of
from offerhub.services.steps import (
    Absent,
    Contradiction,
    Done,
    Flow,
    Never,
    Prepared,
    Refused,
    Run,
    Step,
    Verdict,
    Wait,
)
from offerhub.store import operations as store
from offerhub.store.database import after_commit, atomic, connection
from offerhub.store.failures import is_conflict, is_passing, is_unavailable

log = structlog.get_logger(__name__)

LEASE_MS = 6_000
MAX_FAILURES = 40
FAULT_WEIGHT = 5  # a fault of our own is as good a reason to call an operator as five of theirs
MAX_ATTEMPTS = 10  # of one step, each proven never to have happened
MAX_LOOKS = 600  # at one unknown outcome, two seconds apart: 20 minutes
MAX_BACKOFF_S = 60.0
SIGNER_WAIT_S = (0.3, 5.0)  # for a new operation, and for one that waits long already
WAITING_FOR_SIGNER = "waiting for signer"


class LeaseLost(Exception):
    """Somebody else performs this operation by now; stop without writing."""


class SignerBusy(Exception):
    """Another operation has a transaction of this signer in flight."""


def claim_next(app: App) -> store.Operation | None:
    """Take the operation that is due longest, for LEASE_MS. Commits."""
    with atomic():
        rows = store.claim_due(now=app.now_ms(), lease_ms=LEASE_MS, limit=1)
    return rows[0] if rows else None


def renew(app: App, operation: store.Operation) -> bool:
    """Keep the lease while a call is under way; false when it is lost. Commits."""
    with atomic():
        until = app.now_ms() + LEASE_MS
        return store.renew(operation.id, token=operation.lease_token, until=until)


def perform(app: App, operation: store.Operation) -> None:
    """Do as much of a claimed operation as can be done now, then give the lease back.

    Commits at every step. Failures, the providers' and our own, end in a later run, a refusal or
    a stuck operation. A lost lease is swallowed, since another holder has taken over; a database
    that is away is raised, and the lease runs out.
    """
    request_id = operation.context.get("request_id")
    ctx = system_context(app, name=operation.id, request_id=request_id)
    with structlog.contextvars.bound_contextvars(
        operation_id=operation.id, request_id=request_id, subject_id=operation.subject_id
    ):
        run = Run(ctx, operation)
        try:
            _perform(run, flow_of(operation.kind))
        except LeaseLost:
            log.info("operation.lease_lost")
        except Exception as error:
            if is_unavailable(error) and not is_passing(error):
                raise
            log.exception("operation.fault", step=operation.step)
            _after_fault(run, error)


def _perform(run: Run, flow: Flow) -> None:
    for step in flow.plan(run):
        with connection():
            row = store.latest_step(run.operation.id, step.name)
        if row is not None and row.status == "SUCCEEDED":
            continue
        if not _advance(run, flow, step, row):
            return
    run.app.probe(f"{run.operation.kind}/finish")
    with atomic():
        _fenced(run)
        flow.finished(run)
        _finish(run, "SUCCEEDED")


def _after_fault(run: Run, error: Exception) -> None:
    """Something that no step should raise: come back later, and soon call for help.

    Works on a fresh row: what is in memory may have been rolled back.
    """
    try:
        with atomic():
            operation = _fenced(run)
            run = Run(run.ctx, operation)
            operation.last_error = f"{type(error).__name__}: {error}"[:2000]
            operation.last_error_code = "INTERNAL_ERROR"
            operation.failures += 0 if is_passing(error) else FAULT_WEIGHT
            operation.save(only=["failures", "last_error", "last_error_code"])
            if isinstance(error, Contradiction) or operation.failures >= MAX_FAILURES:
                _stop(run, message=operation.last_error, code="INTERNAL_ERROR")
            else:
                _reschedule(run, delay_s=_backoff_s(operation.failures), step=operation.step)
    except LeaseLost:
        log.info("operation.lease_lost")


def _advance(run: Run, flow: Flow, step: Step, row: store.Step | None) -> bool:
    """Bring one step to its end; false when the operation must wait, or is over."""
    resumed = row is not None and row.status in {"PREPARED", "UNKNOWN"}
    try:
        if not resumed:
            row = _intend(run, step, attempt=row.attempt + 1 if row else 1)
            if row is None:
                return False
            if row.status == "SUCCEEDED":
                _probe(run, step, "outcome")
                return True
        assert row is not None
        _probe(run, step, "intent")
        verdict: Verdict = _look_up(run, step, row) if resumed else Absent()
        if isinstance(verdict, Absent):
            verdict = step.call(run, row)
            _probe(run, step, "call")
        return _conclude(run, flow, step, row, verdict)
    except Rejected as failure:
        return _conclude(run, flow, step, row, Refused(failure))
    except ProviderFailure as failure:
        _postpone(run, step, row, failure)
        return False


def _probe(run: Run, step: Step, point: str) -> None:
    run.app.probe(f"{run.operation.kind}/{step.name}/{point}")


def _look_up(run: Run, step: Step, row: store.Step) -> Verdict:
    """A refused look-up is a reading that failed; only a refused call means that nothing happened.

    Otherwise a gateway's 403 would pay the user back while the money is on its way.
    """
    try:
        return step.look_up(run, row)
    except Rejected as refusal:
        raise Unavailable(
            refusal.message, provider=refusal.provider, code=refusal.code
        ) from refusal


def _intend(run: Run, step: Step, *, attempt: int) -> store.Step | None:
    """Claim the signers and write the intent down; None when another operation holds a signer."""
    if not _claim_signers(run, list(step.claims(run))):
        return None
    _probe(run, step, "claimed")
    with connection():
        reason = step.skip(run)
    prepared = Done({}) if reason is not None else step.prepare(run)
    with atomic():
        _fenced(run)
        row = _insert_step(run, step, prepared, attempt=attempt, skipped=reason)
        if isinstance(prepared, Prepared):
            step.on_prepared(run, row)
        else:
            _succeed(run, step, row, prepared.facts, apply=reason is None)
    return row


def _claim_signers(run: Run, claims: list[str]) -> bool:
    """All of the claims or none; without them the operation comes back a little later.

    An operation never holds one signer while it waits for another: what a step keeps from the
    one before is part of its own claims. So no two operations can wait for each other.
    """
    try:
        with atomic():
            _fenced(run)
            if claims and not store.try_claims(
                claims, operation_id=run.operation.id, now=run.ctx.now_ms()
            ):
                raise SignerBusy
    except SignerBusy:
        # Whoever releases the signer wakes those that wait; looking again is for a lost wake-up.
        age_s = (run.ctx.now_ms() - run.operation.created_at) / 1000
        least_s, most_s = SIGNER_WAIT_S
        with atomic():
            _fenced(run)
            delay_s = min(most_s, max(least_s, age_s / 20))
            _reschedule(run, delay_s=delay_s, step=WAITING_FOR_SIGNER)
        return False
    return True


def _conclude(run: Run, flow: Flow, step: Step, row: store.Step | None, verdict: Verdict) -> bool:
    """Write the outcome of a call or a look-up down, in one transaction.

    Raises: Contradiction when the rules or the books refuse it; nothing is then written.
    """
    try:
        with atomic():
            _fenced(run)
            _write_outcome(run, flow, step, row, verdict)
    except Exception as error:
        known = isinstance(error, ValueError | LookupError | TypeError | OfferHubError)
        if known or is_conflict(error):
            raise Contradiction(f"{step.name}: {type(error).__name__}: {error}") from error
        raise
    _probe(run, step, "outcome")
    return isinstance(verdict, Done)


def _write_outcome(
    run: Run, flow: Flow, step: Step, row: store.Step | None, verdict: Verdict
) -> None:
    if isinstance(verdict, Done) and row is not None:
        _succeed(run, step, row, verdict.facts, apply=True)
    elif isinstance(verdict, Refused):
        _refuse(run, flow, step, row, verdict.failure)
    elif isinstance(verdict, Never) and row is not None:
        _set_status(run, row, "EXPIRED")
        _reschedule(run, delay_s=0, step=step.name)
        if row.attempt >= MAX_ATTEMPTS:
            message = f"{step.name} was tried {row.attempt} times and never happened"
            _stop(run, message=message, code="PROVIDER_TIMEOUT")
    elif isinstance(verdict, Wait) and row is not None:
        row.absences += 1
        if verdict.note is not None:
            row.outcome = verdict.note
        _set_status(run, row, "UNKNOWN")
        _reschedule(run, delay_s=verdict.delay_s, step=step.name)
        if row.absences % MAX_LOOKS == 0:
            message = f"the outcome of {step.name} is not known after {row.absences} looks"
            _stop(run, message=message, code="PROVIDER_TIMEOUT")
    else:
        raise TypeError(f"{step.name} may not answer {verdict}")


def _succeed(run: Run, step: Step, row: store.Step, facts: dict[str, Any], *, apply: bool) -> None:
    if row.status != "SUCCEEDED":
        row.outcome = {**(row.outcome or {}), **facts}
        _set_status(run, row, "SUCCEEDED")
    run.operation.facts = {**run.operation.facts, **facts}
    run.operation.step = step.name
    run.operation.failures = 0
    run.operation.updated_at = run.ctx.now_ms()
    run.operation.save(only=["facts", "step", "failures", "updated_at"])
    if apply:
        step.apply(run, row, facts)
    keep = _needed_after(run, step)
    if store.release_claims(run.operation.id, keep=keep):
        _wake_waiting(run)


def _refuse(run: Run, flow: Flow, step: Step, row: store.Step | None, failure: Rejected) -> None:
    log.warning("operation.refused", step=step.name, error=failure.message, code=failure.code)
    if row is not None and row.status in {"PREPARED", "UNKNOWN"}:
        row.outcome = {"refused": failure.message[:500], "code": failure.code}
        _set_status(run, row, "REJECTED")
    run.operation.step = step.name
    end = flow.refused(run, step.name, failure)
    if end == "STUCK":
        _stop(run, message=failure.message, code=failure.error_code)
        return
    run.operation.last_error = failure.message[:2000]
    run.operation.last_error_code = failure.error_code
    _finish(run, end)


def _postpone(run: Run, step: Step, row: store.Step | None, failure: ProviderFailure) -> None:
    """A failure that proves nothing: keep everything, come back later, at last call for help."""
    unknown = isinstance(failure, OutcomeUnknown)
    counted = not isinstance(failure, RateLimited)
    log.warning(
        "operation.postponed", step=step.name, error=failure.message, unknown=unknown,
        provider=failure.provider,
    )  # fmt: skip
    with atomic():
        _fenced(run)
        open_intent = row is not None and row.status in {"PREPARED", "UNKNOWN"}
        if row is not None and open_intent and unknown:
            _set_status(run, row, "UNKNOWN")
        if not open_intent and store.release_claims(
            run.operation.id, keep=_kept_from_before(run, step)
        ):
            _wake_waiting(run)
        operation = run.operation
        operation.failures += 1 if counted else 0
        operation.last_error = failure.message[:2000]
        operation.last_error_code = _code_of(failure)
        if operation.failures >= MAX_FAILURES:
            operation.step = step.name
            _stop(run, message=failure.message, code=_code_of(failure))
            return
        delay_s = failure.retry_after_s or _backoff_s(max(1, operation.failures))
        operation.save(only=["failures", "last_error", "last_error_code"])
        _reschedule(run, delay_s=delay_s, step=step.name)


def _backoff_s(failures: int) -> float:
    """Doubling from half a second, with jitter, so that those who failed together spread out."""
    whole_s: float = min(MAX_BACKOFF_S, 0.5 * 2 ** min(failures, 7))
    return whole_s * random.uniform(0.75, 1.25)  # noqa: S311 - spreads load, guards nothing


def _stop(run: Run, *, message: str, code: str | None) -> None:
    """No further attempt by itself: STUCK, until an operator retries or settles it.

    The platform's own signers go free, for everybody needs them: a transaction of theirs that is
    still in doubt can only compete for its sequence number, and the loser is built anew. A user's
    wallet stays claimed once anything was sent or is in doubt: its USDC must not be counted on by
    another operation before somebody has looked.
    """
    keys = run.app.platform_keys
    shared = {keys.treasury.address, keys.release.address, keys.resolver.address}
    begun = any(
        row.status in {"SUCCEEDED", "PREPARED", "UNKNOWN"}
        for row in store.steps_of(run.operation.id)
    )
    held = store.claims_of(run.operation.id)
    keep = [address for address in held if begun and address not in shared]
    if store.release_claims(run.operation.id, keep=keep):
        _wake_waiting(run)
    operations.mark_stuck(run.ctx, run.operation, message=message, code=code)


def _code_of(failure: ProviderFailure) -> str:
    if isinstance(failure, RateLimited):
        return "PROVIDER_RATE_LIMITED"
    return "PROVIDER_UNAVAILABLE" if isinstance(failure, Unavailable) else "PROVIDER_TIMEOUT"


def _fenced(run: Run) -> store.Operation:
    """Lock the operation and make sure that it is still ours. Raises: LeaseLost."""
    row = store.get_for_update(run.operation.id)
    if row is None or row.lease_token != run.operation.lease_token or row.status != "PENDING":
        raise LeaseLost(run.operation.id)
    return row


def _insert_step(
    run: Run, step: Step, prepared: Prepared | Done, *, attempt: int, skipped: str | None
) -> store.Step:
    now = run.ctx.now_ms()
    transaction = prepared.transaction if isinstance(prepared, Prepared) else None
    outcome = {"skipped": skipped} if skipped else None
    return store.Step.create(
        id=ids.new_id(ids.OPERATION),
        operation_id=run.operation.id,
        name=step.name,
        attempt=attempt,
        status="PREPARED" if isinstance(prepared, Prepared) else "SUCCEEDED",
        request=prepared.request if isinstance(prepared, Prepared) else {},
        outcome=outcome
        if isinstance(prepared, Prepared)
        else {**prepared.facts, **(outcome or {})},
        tx_hash=transaction and transaction.hash,
        signed_xdr=transaction and transaction.xdr,
        source_address=transaction and transaction.source,
        sequence=transaction and transaction.sequence,
        max_time_s=transaction and transaction.max_time_s,
        created_at=now,
        updated_at=now,
    )


def _set_status(run: Run, row: store.Step, status: str) -> None:
    row.status = row.status if row.status == status else STEP.check(row.status, status)
    row.updated_at = run.ctx.now_ms()
    row.save()


def _reschedule(run: Run, *, delay_s: float, step: str | None) -> None:
    now = run.ctx.now_ms()
    run.operation.next_run_at = now + int(delay_s * 1000)
    run.operation.lease_until = 0
    run.operation.step = step
    run.operation.updated_at = now
    run.operation.save(only=["next_run_at", "lease_until", "step", "updated_at"])


def _finish(run: Run, status: str) -> None:
    run.operation.status = OPERATION.check(run.operation.status, status)
    run.operation.lease_until = 0
    run.operation.updated_at = run.ctx.now_ms()
    run.operation.save()
    _release_all(run)


def _release_all(run: Run) -> None:
    if store.release_claims(run.operation.id, keep=[]):
        _wake_waiting(run)


def _wake_waiting(run: Run) -> None:
    store.wake_waiting(now=run.ctx.now_ms())
    ring: Callable[[], None] = lambda: run.app.doorbell.ring("operations")  # noqa: E731
    after_commit(ring)


def _needed_after(run: Run, step: Step) -> list[str]:
    """Claims of this step that the following one needs too."""
    steps = list(flow_of(run.operation.kind).plan(run))
    position = [s.name for s in steps].index(step.name)
    return list(steps[position + 1].claims(run)) if position + 1 < len(steps) else []


def _kept_from_before(run: Run, step: Step) -> list[str]:
    """Claims that the step before left for this one; they outlive a postponement."""
    steps = list(flow_of(run.operation.kind).plan(run))
    position = [s.name for s in steps].index(step.name)
    if position == 0:
        return []
    before = set(steps[position - 1].claims(run))
    return [address for address in step.claims(run) if address in before]


def next_due_at() -> int | None:
    """When the next operation is due, in epoch ms; None when none is pending."""
    with connection():
        return store.next_due_at()

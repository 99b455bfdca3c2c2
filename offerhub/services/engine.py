"""Performing operations: claim, then step by step intent, call, outcome, each committed.

A process may die after any line: whoever claims the operation next finds the step's row, looks up
what became of it, and goes on. The lease is fenced: a holder that lost it can write nothing.
What cannot go on by itself ends STUCK, where an operator sees it; nothing loops for ever.
Not here: how outcomes are written down (`progress`).
"""

import structlog

from offerhub.domain.errors import OfferHubError
from offerhub.ports.errors import ProviderFailure, Rejected
from offerhub.ports.limits import Urgency, calls_for
from offerhub.services import restored
from offerhub.services.context import App, system_context
from offerhub.services.flows.registry import flow_of
from offerhub.services.outbound_order import PATIENCE_MS, urgency_of
from offerhub.services.progress import (
    MAX_FAILURES,
    LeaseLost,
    await_xlm,
    backoff_s,
    fenced,
    finish,
    insert_step,
    postpone,
    reschedule,
    stop,
    succeed,
    write_outcome,
)
from offerhub.services.steps import (
    Absent,
    AwaitsXlm,
    Contradiction,
    Done,
    Flow,
    Prepared,
    Refused,
    Run,
    Step,
    Verdict,
    only_reading,
)
from offerhub.store import due_operations
from offerhub.store import operations as store
from offerhub.store.database import atomic, connection
from offerhub.store.failures import is_conflict, is_passing, is_unavailable

log = structlog.get_logger(__name__)

LEASE_MS = 6_000
FAULT_WEIGHT = 5  # a fault of our own is as good a reason to call an operator as five of theirs
SIGNER_WAIT_S = (0.3, 5.0)  # for a new operation, and for one that waits long already


class SignerBusy(Exception):
    """Another operation has a transaction of this signer in flight."""


def claim_next(app: App) -> store.Operation | None:
    """Take the operation whose turn it is (`outbound_order`), for LEASE_MS. Commits."""
    with atomic():
        rows = due_operations.claim_due(
            now=app.now_ms(),
            lease_now=app.lease_now(),
            lease_ms=LEASE_MS,
            limit=1,
            patience_ms=list(PATIENCE_MS.values()),
        )
    return rows[0] if rows else None


def renew(app: App, operation: store.Operation) -> bool:
    """Keep the lease while a call is under way; false when it is lost. Commits."""
    with atomic():
        until = app.lease_now() + LEASE_MS
        return due_operations.renew(operation.id, token=operation.lease_token, until=until)


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
            urgency = urgency_of(operation.kind)
            with calls_for(operation.id, urgency, since_ms=operation.created_at):
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
        fenced(run)
        flow.finished(run)
        finish(run, "SUCCEEDED")


def _after_fault(run: Run, error: Exception) -> None:
    """Something that no step should raise: come back later, and soon call for help.

    Works on a fresh row: what is in memory may have been rolled back.
    """
    try:
        with atomic():
            operation = fenced(run)
            run = Run(run.ctx, operation)
            operation.last_error = f"{type(error).__name__}: {error}"[:2000]
            operation.last_error_code = "INTERNAL_ERROR"
            operation.failures += 0 if is_passing(error) else FAULT_WEIGHT
            operation.save(only=["failures", "last_error", "last_error_code"])
            if isinstance(error, Contradiction) or operation.failures >= MAX_FAILURES:
                stop(run, message=operation.last_error, code="INTERNAL_ERROR")
            else:
                reschedule(
                    run,
                    delay_s=backoff_s(operation.failures),
                    step=operation.step,
                    under_way=bool(store.claims_of(operation.id)),
                )
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
        verdict: Verdict
        operation = run.operation
        with calls_for(operation.id, Urgency.UNDER_WAY, since_ms=operation.created_at):
            verdict = _look_up(run, step, row) if resumed else Absent()
            if isinstance(verdict, Absent):
                verdict = step.call(run, row)
                _probe(run, step, "call")
        return _conclude(run, flow, step, row, verdict)
    except Rejected as failure:
        return _conclude(run, flow, step, row, Refused(failure))
    except ProviderFailure as failure:
        postpone(run, step, row, failure)
        return False
    except AwaitsXlm as wait:
        await_xlm(run, step, row if resumed else None, reason=str(wait))
        return False


def _probe(run: Run, step: Step, point: str) -> None:
    run.app.probe(f"{run.operation.kind}/{step.name}/{point}")


def _look_up(run: Run, step: Step, row: store.Step) -> Verdict:
    with only_reading():
        return step.look_up(run, row)


def _intend(run: Run, step: Step, *, attempt: int) -> store.Step | None:
    """Claim the signers and write the intent down; None when another operation holds a signer."""
    if not _claim_signers(run, list(step.claims(run))):
        return None
    _probe(run, step, "claimed")
    with connection():
        reason = step.skip(run)
    prepared: Prepared | Done
    if reason is not None:
        prepared = Done({})
    else:
        with only_reading():
            found = restored.found_again(run, step)
        prepared = found or step.prepare(run)
    with atomic():
        fenced(run)
        row = insert_step(run, step, prepared, attempt=attempt, skipped=reason)
        if isinstance(prepared, Prepared):
            step.on_prepared(run, row)
        else:
            succeed(run, step, row, prepared.facts, apply=reason is None)
    return row


def _claim_signers(run: Run, claims: list[str]) -> bool:
    """All of the claims or none; without them the operation comes back a little later.

    An operation never holds one signer while it waits for another: what a step keeps from the
    one before is part of its own claims. So no two operations can wait for each other.
    """
    try:
        with atomic():
            fenced(run)
            if claims and not store.try_claims(
                claims, operation_id=run.operation.id, now=run.ctx.now_ms()
            ):
                raise SignerBusy
    except SignerBusy:
        # Whoever releases the signer wakes those that wait; looking again is for a lost wake-up.
        age_s = (run.ctx.now_ms() - run.operation.created_at) / 1000
        least_s, most_s = SIGNER_WAIT_S
        with atomic():
            fenced(run)
            delay_s = min(most_s, max(least_s, age_s / 20))
            reschedule(run, delay_s=delay_s, step=store.WAITING_FOR_SIGNER)
        return False
    return True


def _conclude(run: Run, flow: Flow, step: Step, row: store.Step | None, verdict: Verdict) -> bool:
    """Write the outcome of a call or a look-up down, in one transaction.

    Raises: Contradiction when the rules or the books refuse it; nothing is then written.
    """
    try:
        with atomic():
            fenced(run)
            write_outcome(run, flow, step, row, verdict)
    except Exception as error:
        known = isinstance(error, ValueError | LookupError | TypeError | OfferHubError)
        if known or is_conflict(error):
            raise Contradiction(f"{step.name}: {type(error).__name__}: {error}") from error
        raise
    _probe(run, step, "outcome")
    return isinstance(verdict, Done)


def next_due_at(app: App) -> int | None:
    """When the next operation is due, in epoch ms of `app`'s clock; None when none is pending."""
    with connection():
        now = app.now_ms()
        return due_operations.next_due_at(now=now, lease_now=app.lease_clock(now))

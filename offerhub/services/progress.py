"""Writing down how an operation goes: its steps, their outcomes, its end, and what it holds.

Everything here runs inside the engine's transactions, except `postpone`, which opens its own.
Not here: when which step is performed (`engine`).
"""

import random
from collections.abc import Callable
from typing import Any

import structlog

from offerhub.domain import ids
from offerhub.domain.operations import OPERATION, STEP
from offerhub.ports.errors import (
    OutcomeUnknown,
    ProviderFailure,
    RateLimited,
    Rejected,
    Unavailable,
)
from offerhub.ports.limits import Urgency
from offerhub.services import operations
from offerhub.services.flows.registry import flow_of
from offerhub.services.outbound_order import urgency_of
from offerhub.services.steps import Done, Flow, Never, Prepared, Refused, Run, Step, Verdict, Wait
from offerhub.store import operations as store
from offerhub.store.database import after_commit, atomic

log = structlog.get_logger(__name__)

MAX_FAILURES = 40
MAX_ATTEMPTS = 10  # of one step, each proven never to have happened
MAX_FEE_REFUSALS = 3  # of one step; more of the same cannot help
MAX_LOOKS = 600  # at one unknown outcome, two seconds apart: 20 minutes
MAX_BACKOFF_S = 60.0
XLM_WAIT_S = (2.0, 30.0)  # for a new operation, and for one that waits long already


class LeaseLost(Exception):
    """Somebody else performs this operation by now; stop without writing."""


def write_outcome(
    run: Run, flow: Flow, step: Step, row: store.Step | None, verdict: Verdict
) -> None:
    """What a call or a look-up found out. Raises: whatever `apply` and `refused` raise."""
    if isinstance(verdict, Done) and row is not None:
        succeed(run, step, row, verdict.facts, apply=True)
    elif isinstance(verdict, Refused):
        _refuse(run, flow, step, row, verdict.failure)
    elif isinstance(verdict, Never) and row is not None:
        _set_status(run, row, "EXPIRED")
        reschedule(run, delay_s=0, step=step.name, under_way=True)
        if verdict.fee_refusal and row.attempt >= MAX_FEE_REFUSALS:
            message = (
                f"{step.name}: the network refused its fee {row.attempt} times"
                f" ({verdict.fee_refusal}, signed by {row.source_address}); see docs/money.md, XLM"
            )
            stop(run, message=message, code="STELLAR_NETWORK_ERROR")
        elif row.attempt >= MAX_ATTEMPTS:
            message = f"{step.name} was tried {row.attempt} times and never happened"
            stop(run, message=message, code="PROVIDER_TIMEOUT")
    elif isinstance(verdict, Wait) and row is not None:
        row.absences += 1
        if verdict.note is not None:
            row.outcome = verdict.note
        _set_status(run, row, "UNKNOWN")
        reschedule(run, delay_s=verdict.delay_s, step=step.name, under_way=True)
        if row.absences % MAX_LOOKS == 0:
            message = f"the outcome of {step.name} is not known after {row.absences} looks"
            stop(run, message=message, code="PROVIDER_TIMEOUT")
    else:
        raise TypeError(f"{step.name} may not answer {verdict}")


def succeed(run: Run, step: Step, row: store.Step, facts: dict[str, Any], *, apply: bool) -> None:
    """A step is done: its facts, its effect on states and books, the claims nobody needs now."""
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
        stop(run, message=failure.message, code=failure.error_code)
        return
    run.operation.last_error = failure.message[:2000]
    run.operation.last_error_code = failure.error_code
    finish(run, end)


def postpone(run: Run, step: Step, row: store.Step | None, failure: ProviderFailure) -> None:
    """A failure that proves nothing: keep everything, come back later, at last call for help."""
    unknown = isinstance(failure, OutcomeUnknown)
    counted = not isinstance(failure, RateLimited)
    log.warning(
        "operation.postponed", step=step.name, error=failure.message, unknown=unknown,
        provider=failure.provider,
    )  # fmt: skip
    with atomic():
        fenced(run)
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
            stop(run, message=failure.message, code=_code_of(failure))
            return
        delay_s = failure.retry_after_s or backoff_s(max(1, operation.failures))
        operation.save(only=["failures", "last_error", "last_error_code"])
        reschedule(run, delay_s=delay_s, step=step.name, under_way=open_intent)


def await_xlm(run: Run, step: Step, row: store.Step | None, *, reason: str) -> None:
    """Come back when the signer may have XLM; nothing counts against the operation. Commits.

    The signers go free, but for a wallet that the step before has filled: what it holds is
    counted on.
    """
    if row is not None and row.status in {"PREPARED", "UNKNOWN"}:
        raise RuntimeError(f"{step.name} has an open intent and may not wait for XLM")
    log.warning("operation.awaits_xlm", step=step.name, reason=reason)
    least_s, most_s = XLM_WAIT_S
    with atomic():
        fenced(run)
        if store.release_claims(run.operation.id, keep=_kept_from_before(run, step)):
            _wake_waiting(run)
        run.operation.last_error = reason[:2000]
        run.operation.last_error_code = "STELLAR_NETWORK_ERROR"
        run.operation.save(only=["last_error", "last_error_code"])
        age_s = (run.ctx.now_ms() - run.operation.created_at) / 1000
        delay_s = min(most_s, max(least_s, age_s / 20))
        reschedule(run, delay_s=delay_s, step=store.WAITING_FOR_XLM)


def backoff_s(failures: int) -> float:
    """Doubling from half a second, with jitter, so that those who failed together spread out."""
    whole_s: float = min(MAX_BACKOFF_S, 0.5 * 2 ** min(failures, 7))
    return whole_s * random.uniform(0.75, 1.25)  # noqa: S311 - spreads load, guards nothing


def stop(run: Run, *, message: str, code: str | None) -> None:
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


def fenced(run: Run) -> store.Operation:
    """Lock the operation and make sure that it is still ours. Raises: LeaseLost."""
    row = store.get_for_update(run.operation.id)
    if row is None or row.lease_token != run.operation.lease_token or row.status != "PENDING":
        raise LeaseLost(run.operation.id)
    return row


def insert_step(
    run: Run, step: Step, prepared: Prepared | Done, *, attempt: int, skipped: str | None
) -> store.Step:
    """The row of one attempt: its intent, or, for what needs no call, its outcome."""
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


def reschedule(run: Run, *, delay_s: float, step: str | None, under_way: bool = False) -> None:
    """Give the lease back and come again later; `step` is what it waits in.

    under_way: an intent is written down, or a wallet held that others wait for: it goes first.
    """
    now = run.ctx.now_ms()
    run.operation.next_run_at = now + int(delay_s * 1000)
    run.operation.urgency = Urgency.UNDER_WAY if under_way else urgency_of(run.operation.kind)
    run.operation.lease_until = 0
    run.operation.step = step
    run.operation.updated_at = now
    run.operation.save(only=["next_run_at", "urgency", "lease_until", "step", "updated_at"])


def finish(run: Run, status: str) -> None:
    """The operation's end: SUCCEEDED or FAILED, with nothing held any more."""
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

"""Incoming webhooks: proven, stored, answered; applied afterwards, once, by asking the provider.

A stored webhook whose processing failed is processed again; only one that was applied or ignored
counts as done. The body is a hint: what is applied is the object as the provider shows it now.
"""

import random
from collections.abc import Callable, Mapping

import structlog

from offerhub.domain import ids
from offerhub.domain.errors import OfferHubError
from offerhub.ports.errors import ProviderFailure, Unavailable
from offerhub.ports.webhooks import SignatureInvalid, WebhookVerifier
from offerhub.services import audit, topups, withdrawals
from offerhub.services.context import Context
from offerhub.store import inbox as store
from offerhub.store import operations as operations_store
from offerhub.store import orders as orders_store
from offerhub.store import topups as topups_store
from offerhub.store import withdrawals as withdrawals_store
from offerhub.store.database import after_commit, atomic, connection
from offerhub.store.failures import is_passing, is_unavailable

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 20
MAX_DELAY_MS = 300_000
AIRTM = "airtm"
TRUSTLESS_WORK = "trustless_work"


def receive_airtm(ctx: Context, headers: Mapping[str, str], body: bytes) -> bool:
    """Verify and store one webhook; true when it was received before. Commits.

    Raises: PROVIDER_UNAVAILABLE without a configured secret, WEBHOOK_SIGNATURE_INVALID,
    INVALID_REQUEST for a signed but unreadable body.
    """
    return _receive(ctx, AIRTM, ctx.app.airtm_webhooks, headers, body)


def receive_trustless_work(ctx: Context, headers: Mapping[str, str], body: bytes) -> bool:
    """Verify and store one hint about a contract; true when it was received before. Commits.

    Raises: as `receive_airtm`.
    """
    return _receive(ctx, TRUSTLESS_WORK, ctx.app.escrow_webhooks, headers, body)


def _receive(
    ctx: Context,
    provider: str,
    verifier: WebhookVerifier,
    headers: Mapping[str, str],
    body: bytes,
) -> bool:
    if not verifier.configured:
        raise OfferHubError("No webhook secret is configured.", code="PROVIDER_UNAVAILABLE")
    now = ctx.now_ms()
    try:
        webhook = verifier.verify(headers, body, now_s=now // 1000)
    except SignatureInvalid as exc:
        log.warning("webhook.refused", provider=provider, reason=exc.reason)
        raise OfferHubError(code="WEBHOOK_SIGNATURE_INVALID") from exc
    except ValueError as exc:
        log.error("webhook.unreadable", provider=provider)
        raise OfferHubError("The webhook's body cannot be read.", code="INVALID_REQUEST") from exc
    inbox_id = ids.new_id(ids.INBOX)
    with atomic():
        new = store.insert(
            {
                "id": inbox_id,
                "provider": provider,
                "event_id": webhook.event_id,
                "event_type": webhook.event_type,
                "code": webhook.code,
                "body": body.decode("utf-8"),
                "status": "RECEIVED",
                "next_attempt_at": now,
                "received_at": now,
            }
        )
        if new:
            audit.record(
                ctx, action="webhook.received", resource_type="webhook", resource_id=inbox_id,
                after={"event_type": webhook.event_type, "code": webhook.code},
            )  # fmt: skip
        after_commit(lambda: ctx.app.doorbell.ring("inbox"))
    return not new


def process_due(ctx: Context, *, limit: int = 50) -> int:
    """Apply stored webhooks that are due; how many were looked at. Commits each."""
    with connection():
        rows = store.due(now=ctx.now_ms(), limit=limit)
    for row in rows:
        _process(ctx, row)
    return len(rows)


def _process(ctx: Context, row: store.InboxEvent) -> None:
    ctx.app.probe(f"inbox/{row.event_type}/begin")
    try:
        reason = _apply(ctx, row)
    except ProviderFailure as failure:
        _again(ctx, row.id, failure.message)
        return
    except Exception as error:
        if is_unavailable(error) and not is_passing(error):
            raise
        # One that cannot be applied holds up no other; after its last attempt it is DEAD.
        log.exception("webhook.fault", inbox_id=row.id)
        _again(ctx, row.id, f"{type(error).__name__}: {error}")
        return
    ctx.app.probe(f"inbox/{row.event_type}/applied")
    with atomic():
        locked = store.get_for_update(row.id)
        if locked is None or locked.status != "RECEIVED":
            return
        locked.status = "APPLIED" if reason is None else "IGNORED"
        locked.reason = reason
        locked.next_attempt_at = None
        locked.processed_at = ctx.now_ms()
        locked.attempts += 1
        locked.save()


def _apply(ctx: Context, row: store.InboxEvent) -> str | None:
    """Bring our state to the provider's; safe to repeat. None, or why nothing changed."""
    if row.code is None:
        log.error("webhook.without_code", inbox_id=row.id)
        return "the body names no object of ours"
    if row.provider == TRUSTLESS_WORK:
        return _wake(ctx, row.code)
    if row.event_type.startswith("payin."):
        payin = ctx.app.payments.find_payin(row.code)
        if payin is None:
            return _not_found(row, ours=topups_store.get, what="pay-in")
        return topups.apply_payin_result(ctx, row.code, payin)
    if row.event_type.startswith("payout."):
        payout = ctx.app.payments.find_payout(row.code)
        if payout is None:
            return _not_found(row, ours=withdrawals_store.get, what="pay-out")
        return withdrawals.apply_payout_result(ctx, row.code, payout)
    return f"unknown event type {row.event_type}"


def _wake(ctx: Context, contract_id: str) -> str | None:
    """Have the work on a contract's order look at the contract now, not at its next turn."""
    with atomic():
        escrow = orders_store.escrow_by_contract(contract_id)
        if escrow is None:
            return "the contract is not one of ours"
        if operations_store.wake_order(escrow.order_id, now=ctx.now_ms()) == 0:
            return "no work on this contract is under way"
        after_commit(lambda: ctx.app.doorbell.ring("operations"))
    return None


def _not_found(row: store.InboxEvent, *, ours: Callable[[str], object], what: str) -> str:
    """Nothing to do for a code that is not ours; one that is ours must be there in a moment."""
    with connection():
        known = ours(str(row.code)) is not None
    if known:
        raise Unavailable(f"Airtm announces a {what} that it does not find yet", provider=AIRTM)
    return f"Airtm does not know this {what}"


def _again(ctx: Context, inbox_id: str, message: str) -> None:
    with atomic():
        row = store.get_for_update(inbox_id)
        if row is None or row.status != "RECEIVED":
            return
        row.attempts += 1
        row.reason = message[:500]
        if row.attempts >= MAX_ATTEMPTS:
            row.status = "DEAD"
            row.next_attempt_at = None
            log.error("webhook.dead", inbox_id=inbox_id, reason=row.reason)
        else:
            row.next_attempt_at = ctx.now_ms() + _delay_ms(row.attempts)
        row.save()


def _delay_ms(attempts: int) -> int:
    """Doubling up to MAX_DELAY_MS, less jitter: what failed together does not return together."""
    whole_ms = min(MAX_DELAY_MS, 1000 * 2**attempts)
    return int(whole_ms * random.uniform(0.7, 1.0))  # noqa: S311 - spreads load, guards nothing

"""Deliveries: every event to every endpoint that wants it, signed, at least once.

Fanning out is a cursor over the stream, so no event is missed however long the worker was away.
An attempt is taken by moving its next time ahead (`delivery_claims`); a process that dies in
between is followed by another attempt. Receivers drop what they have seen by `webhook-id`.
Source of headers and signature: Standard Webhooks specification.
"""

import random
import time
from datetime import UTC, datetime
from typing import Any

import structlog
from standardwebhooks import Webhook

from offerhub.domain import events as catalogue
from offerhub.domain import ids
from offerhub.domain.errors import NotFound
from offerhub.ports.outgoing import Answered
from offerhub.services import audit
from offerhub.services import representations as show
from offerhub.services.context import Context, Page
from offerhub.services.delivery_claims import claimed
from offerhub.services.representations import timestamp
from offerhub.services.webhook_endpoints import open_secrets
from offerhub.store import deliveries as store
from offerhub.store import events as events_store
from offerhub.store.database import after_commit, atomic, connection
from offerhub.store.fields import canonical
from offerhub.store.leases import in_ms

log = structlog.get_logger(__name__)

BATCH = 200
# After each failure, in seconds; over three days in all.
SCHEDULE_S = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
JITTER = 0.1
# The receiver, or what stands before it, has too much to do: all its deliveries wait.
OVERLOADED = frozenset({429, 502, 504})
THROTTLE_S = 30
# One that does not answer at all is left alone for a while, and for twice as long as it let us
# wait: whoever hangs gets a third of one thread's time, and the others' attempts are not used up.
UNANSWERED_S = SCHEDULE_S[0]
PAST_RETENTION = "the event is past its retention"
DISABLE_AFTER_MS = 3 * 24 * 3600 * 1000


def fan_out(ctx: Context) -> int:
    """Make a delivery of each new event for each endpoint that wants it; how many. Commits each."""
    with connection():
        head = events_store.head_sequence()
        endpoint_ids = store.behind(head)
    made = 0
    for endpoint_id in endpoint_ids:
        while True:
            count, more = _fan_out_batch(ctx, endpoint_id, head)
            made += count
            if not more:
                break
    return made


def due_endpoints(ctx: Context) -> list[str]:
    """Endpoints with something to send now, by id."""
    with connection():
        return store.due_endpoints(now=ctx.app.lease_now())


def send_due(ctx: Context, endpoint_id: str, *, limit: int = 20) -> int:
    """Attempt due deliveries of one endpoint; how many were taken. Commits around each attempt.

    The first that shows the receiver to be away or overloaded is the last, the others are put off.
    """
    with claimed(ctx, endpoint_id, limit=limit) as claims:
        for row in claims.rows:
            ctx.app.probe("delivery/claimed")
            began = time.monotonic()
            answer = _attempt(ctx, row)
            ctx.app.probe("delivery/sent")
            quiet_s = 0.0
            if answer is not None:
                quiet_s = _quiet_s(answer, took_s=time.monotonic() - began)
                _record(ctx, row.id, answer, quiet_s=quiet_s)
            claims.done(row)
            if quiet_s:
                break
    return len(claims.rows)


def list_deliveries(
    ctx: Context,
    endpoint_id: str,
    *,
    limit: int = 20,
    cursor: str | None = None,
    status: str | None = None,
) -> Page:
    """Newest first. Raises: NOT_FOUND."""
    with connection():
        if store.get_endpoint(endpoint_id) is None:
            raise NotFound("There is no such webhook endpoint.", endpoint_id=endpoint_id)
        rows = store.listed(endpoint_id, limit=limit, cursor=cursor, status=status)
        return Page([represent(row) for row in rows.rows], rows.next_cursor)


def replay(ctx: Context, delivery_id: str) -> dict[str, Any]:
    """Send one delivery again from its first attempt, whatever became of it. Commits.

    Raises: NOT_FOUND.
    """
    with atomic():
        row = store.get_for_update(delivery_id)
        if row is None:
            raise NotFound("There is no such delivery.", delivery_id=delivery_id)
        before = represent(row)
        row.status = "PENDING"
        row.attempts = 0
        row.next_attempt_at, row.updated_at = in_ms(ctx.app.lease_now()), ctx.now_ms()
        row.save()
        audit.record(
            ctx, action="webhook_delivery.replay", resource_type="webhook_delivery",
            resource_id=delivery_id, before=before, after=represent(row),
        )  # fmt: skip
        after_commit(lambda: ctx.app.doorbell.ring("deliveries"))
        return represent(row)


def send_test(ctx: Context, endpoint_id: str) -> dict[str, Any]:
    """Post a signed sample at once and say what came back. Not inside a transaction.

    Raises: NOT_FOUND.
    """
    with connection():
        endpoint = store.get_endpoint(endpoint_id)
    if endpoint is None:
        raise NotFound("There is no such webhook endpoint.", endpoint_id=endpoint_id)
    body: dict[str, Any] = {
        "event_type": "webhook.test",
        "occurred_at": timestamp(ctx.now_ms()),
        "payload": {},
    }
    answer = _post(ctx, endpoint, message_id=ids.new_id(ids.EVENT), body=body)
    return {"accepted": answer.accepted, "status_code": answer.status, "error": answer.error}


def represent(row: store.WebhookDelivery) -> dict[str, Any]:
    return {
        "id": row.id,
        "endpoint_id": row.endpoint_id,
        "event_id": row.event_id,
        "status": row.status,
        "attempts": row.attempts,
        "next_attempt_at": timestamp(row.next_attempt_at),
        "last_status_code": row.last_status_code,
        "last_error": row.last_error,
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
    }


def _fan_out_batch(ctx: Context, endpoint_id: str, head: int) -> tuple[int, bool]:
    now = ctx.now_ms()
    with atomic():
        endpoint = store.endpoint_for_update(endpoint_id)
        if endpoint is None or not endpoint.enabled or endpoint.cursor >= head:
            return 0, False
        due_at = in_ms(ctx.app.lease_now())
        wanted = catalogue.expand(endpoint.events)
        events = events_store.after(endpoint.cursor, limit=BATCH, types=wanted, up_to=head)
        store.insert(
            [
                {
                    "id": ids.new_id(ids.DELIVERY),
                    "endpoint_id": endpoint_id,
                    "event_id": event.id,
                    "status": "PENDING",
                    "next_attempt_at": max(due_at, endpoint.quiet_until or 0),
                    "created_at": now,
                    "updated_at": now,
                }
                for event in events
            ]
        )
        more = len(events) == BATCH
        endpoint.cursor = (events[-1].sequence or head) if more else head
        endpoint.save(only=["cursor"])
        return len(events), more


def _attempt(ctx: Context, row: store.WebhookDelivery) -> Answered | None:
    with connection():
        endpoint = store.get_endpoint(row.endpoint_id)
        event = events_store.by_id(row.event_id)
    if endpoint is None:
        return None  # deleted meanwhile, and its deliveries with it
    if event is None:
        return Answered(None, error=PAST_RETENTION)
    return _post(ctx, endpoint, message_id=row.event_id, body=show.event(event))


def _post(
    ctx: Context, endpoint: store.WebhookEndpoint, *, message_id: str, body: dict[str, Any]
) -> Answered:
    text = canonical(body)
    at = datetime.fromtimestamp(ctx.now_ms() // 1000, tz=UTC)
    signatures = [
        Webhook(secret).sign(msg_id=message_id, timestamp=at, data=text)
        for secret in open_secrets(ctx, endpoint)
    ]
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "OfferHub",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
    return ctx.app.webhook_sender.post(endpoint.url, headers=headers, body=text.encode())


def _quiet_s(answer: Answered, *, took_s: float) -> float:
    """How long the endpoint is left alone after this; 0: it can be asked on at once."""
    if answer.status is None and answer.error != PAST_RETENTION:
        return max(UNANSWERED_S, 2 * took_s)
    if answer.status in OVERLOADED:
        return max(THROTTLE_S, answer.retry_after_s or 0)
    return 0.0


def _record(ctx: Context, delivery_id: str, answer: Answered, *, quiet_s: float = 0.0) -> None:
    now = ctx.now_ms()
    with atomic():
        row = store.get_for_update(delivery_id)
        if row is None or row.status != "PENDING":
            return
        endpoint = store.endpoint_for_update(row.endpoint_id)
        row.attempts += 1
        row.last_status_code = answer.status
        row.last_error = None if answer.accepted else (answer.error or f"HTTP {answer.status}")
        row.updated_at = now
        if answer.accepted:
            row.status = "SUCCEEDED"
            row.next_attempt_at = None
        elif row.attempts > len(SCHEDULE_S):
            row.status = "FAILED"
            row.next_attempt_at = None
        else:
            row.next_attempt_at = in_ms(ctx.app.lease_now()) + _delay_ms(row.attempts, answer)
        row.save()
        if quiet_s:
            until = in_ms(ctx.app.lease_now()) + int(quiet_s * 1000)
            store.put_off(row.endpoint_id, until=until)
        if endpoint is not None:
            _note_health(ctx, endpoint, answer, now=now)


def _note_health(
    ctx: Context, endpoint: store.WebhookEndpoint, answer: Answered, *, now: int
) -> None:
    """An endpoint that is gone, or fails for three days without a success, is switched off."""
    if answer.accepted:
        if endpoint.failing_since is not None:
            endpoint.failing_since = None
            endpoint.save(only=["failing_since"])
        return
    endpoint.failing_since = endpoint.failing_since or now
    gone = answer.status == 410
    if gone or now - endpoint.failing_since >= DISABLE_AFTER_MS:
        endpoint.enabled = False
        endpoint.disabled_reason = (
            "the endpoint answered 410 Gone" if gone else "every attempt failed for three days"
        )
        log.error("webhook_endpoint.disabled", endpoint_id=endpoint.id)
        audit.record(
            ctx, action="webhook_endpoint.disabled", resource_type="webhook_endpoint",
            resource_id=endpoint.id, after={"reason": endpoint.disabled_reason}, result="failure",
        )  # fmt: skip
    endpoint.save(only=["failing_since", "enabled", "disabled_reason"])


def _delay_ms(attempts: int, answer: Answered) -> int:
    base_s = SCHEDULE_S[attempts - 1] * (1 + random.uniform(0, JITTER))  # noqa: S311 - not a secret
    return int(max(base_s, answer.retry_after_s or 0) * 1000)

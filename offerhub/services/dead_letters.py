"""What waits for an operator and is no operation: webhooks that ran out of attempts, differences.

A difference between the books and a provider that no reconciliation run owns is listed until the
operator has dealt with it and closes it with a reason; there is nothing to retry.

Operations that are stuck are listed with the operations; they are never discarded.
"""

from collections.abc import Callable
from typing import Any

from offerhub.domain import ids
from offerhub.domain.differences import MEANINGS
from offerhub.domain.differences import Difference as Class
from offerhub.domain.errors import InvalidState, NotFound
from offerhub.services import audit, history
from offerhub.services.context import Context, Page
from offerhub.services.representations import money, timestamp
from offerhub.store import dead_letters as store
from offerhub.store import deliveries, differences, inbox
from offerhub.store.database import after_commit, atomic, connection
from offerhub.store.deliveries import WebhookDelivery
from offerhub.store.inbox import InboxEvent
from offerhub.store.leases import in_ms
from offerhub.store.reconciliations import Difference

_KINDS: dict[type, str] = {
    InboxEvent: "inbox",
    WebhookDelivery: "delivery",
    Difference: "difference",
}
_PREFIXES = {"inbox": ids.INBOX, "delivery": ids.DELIVERY, "difference": ids.DIFFERENCE}
_LOCKING: dict[str, Callable[[str], Any]] = {
    "inbox": inbox.get_for_update,
    "delivery": deliveries.get_for_update,
    "difference": differences.get_for_update,
}
_CLASSES = frozenset(Class)  # a row of an older version may have another
_STATES = {"inbox": "DEAD", "delivery": "FAILED", "difference": "OPEN"}


def list_dead_letters(ctx: Context, *, limit: int = 20, cursor: str | None = None) -> Page:
    """All kinds together, newest first."""
    with connection():
        rows = store.listed(limit=limit, cursor=cursor)
        return Page([_shown(_KINDS[type(row)], row) for row in rows.rows], rows.next_cursor)


def retry(ctx: Context, letter_id: str) -> dict[str, Any]:
    """Put one back to work. Commits. Raises: NOT_FOUND, INVALID_STATE."""
    with atomic():
        kind, row = _locked(letter_id)
        before = row.status
        if kind == "difference":
            raise InvalidState(
                "A difference cannot be retried: deal with it, then discard it with a reason.",
                current_state=before,
                allowed_states=["DISCARDED"],
            )
        row.status = "RECEIVED" if kind == "inbox" else "PENDING"
        row.attempts = 0
        row.next_attempt_at = ctx.now_ms() if kind == "inbox" else in_ms(ctx.app.lease_now())
        row.save()
        audit.record(
            ctx, action="dead_letter.retry", resource_type=kind, resource_id=letter_id,
            before={"status": before}, after={"status": row.status},
        )  # fmt: skip
        after_commit(lambda: ctx.app.doorbell.ring("inbox" if kind == "inbox" else "deliveries"))
        return _shown(kind, row)


def discard(ctx: Context, letter_id: str, *, reason: str) -> None:
    """Give one up for good, with a reason. The row stays. Commits.

    Raises: NOT_FOUND, INVALID_STATE.
    """
    with atomic():
        kind, row = _locked(letter_id)
        before = row.status
        row.status = "DISCARDED"
        row.save()
        if kind == "difference" and row.subject_id == history.SUBJECT:
            history.accept(ctx, row)
        audit.record(
            ctx, action="dead_letter.discard", resource_type=kind, resource_id=letter_id,
            before={"status": before}, after={"status": row.status, "reason": reason},
        )  # fmt: skip


def _locked(letter_id: str) -> tuple[str, Any]:
    kind = _kind(letter_id)
    row = _LOCKING[kind](letter_id) if kind is not None else None
    if kind is None or row is None:
        raise NotFound("There is no such dead letter.", dead_letter_id=letter_id)
    if row.status != _STATES[kind]:
        raise InvalidState(
            "This is not a dead letter (any more).",
            current_state=row.status,
            allowed_states=[_STATES[kind]],
        )
    return kind, row


def _kind(letter_id: str) -> str | None:
    for kind, prefix in _PREFIXES.items():
        if ids.is_id(letter_id, prefix):
            return kind
    return None


def _shown(kind: str, row: Any) -> dict[str, Any]:
    return {"inbox": _inbox, "delivery": _delivery, "difference": _difference}[kind](row)


def _inbox(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": "inbox",
        "subject": f"{row.provider} {row.event_type}",
        "reference": row.code,
        "status": row.status,
        "attempts": row.attempts,
        "reason": row.reason,
        "do": "Mend the cause, then retry it; or discard it with a reason.",
        "since": timestamp(row.received_at),
    }


def _delivery(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": "delivery",
        "subject": f"webhook to {row.endpoint_id}",
        "reference": row.event_id,
        "status": row.status,
        "attempts": row.attempts,
        "reason": row.last_error,
        "do": "Mend the endpoint, then retry it; or discard it with a reason.",
        "since": timestamp(row.created_at),
    }


def _difference(row: Any) -> dict[str, Any]:
    told = [
        f"{key}: {value}" for key, value in row.detail.items() if value is not None and key != "do"
    ]
    sides = {**money("ours", row.ours), **money("theirs", row.theirs)}
    if row.ours is not None or row.theirs is not None:
        told.insert(0, f"ours {sides['ours_exact']}, theirs {sides['theirs_exact']}")
    return {
        "id": row.id,
        "kind": "difference",
        "subject": f"{row.kind} of {row.subject_type} {row.subject_id}",
        "reference": row.subject_id,
        "status": row.status,
        "attempts": 0,
        "reason": "; ".join(told)[:500],
        "do": MEANINGS[Class(row.kind)].do if row.kind in _CLASSES else None,
        "since": timestamp(row.created_at),
    }

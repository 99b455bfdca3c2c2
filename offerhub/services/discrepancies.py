"""What differs between the books and the world: written down, told, and never put right by guess.

Whoever finds a difference calls `record` in the transaction in which it finds it. Not here:
looking for them (`mirror`, `reconciliation`, `deposits`).
"""

from typing import Any

import structlog

from offerhub.domain import ids
from offerhub.services import audit
from offerhub.services.announcements import NewEvent, announce
from offerhub.services.context import Context
from offerhub.services.representations import money
from offerhub.store import reconciliations as store

log = structlog.get_logger(__name__)


def record(
    ctx: Context,
    *,
    kind: str,
    subject: str,
    ours: int | None,
    theirs: int | None,
    detail: dict[str, Any],
    subject_type: str = "account",
    user_ids: tuple[str, ...] = (),
    reconciliation_id: str | None = None,
) -> str:
    """Write a difference down with its audit record and event, in the caller's transaction.

    kind: what sort it is, in snake_case (`asset_balance`, `late_topup`, `history_pruned`).
    subject: the account or id that it is about. ours, theirs: stroops, None where it is not about
    an amount. detail: `account` and `place`, if any, are shown in the event as well.

    The same difference that is still OPEN is written once outside of reconciliation runs, so a
    finder may come by as often as it likes. Answers the difference's id.
    Raises: RuntimeError outside a transaction.
    """
    if reconciliation_id is None:
        known = store.open_difference(kind=kind, subject_id=subject, ours=ours, theirs=theirs)
        if known is not None:
            return known.id
    found: dict[str, object] = {
        "id": ids.new_id(ids.DIFFERENCE),
        "reconciliation_id": reconciliation_id,
        "kind": kind,
        "subject_type": subject_type,
        "subject_id": subject,
        "ours": ours,
        "theirs": theirs,
        "detail": detail,
        "status": "OPEN",
        "created_at": ctx.now_ms(),
    }
    store.insert_difference(found)
    log.error("discrepancy", kind=kind, subject=subject, ours=ours, theirs=theirs, detail=detail)
    amounts = {**money("ours", ours), **money("theirs", theirs)}
    audit.record(
        ctx, action="discrepancy.detected", resource_type=subject_type, resource_id=subject,
        after={"id": found["id"], "kind": kind, **amounts, "detail": detail},
    )  # fmt: skip
    payload = {
        "difference_id": found["id"],
        "kind": kind,
        "account": detail.get("account", subject),
        "place": detail.get("place"),
        **amounts,
    }
    announce(ctx, NewEvent("balance.discrepancy_detected", subject, payload, user_ids))
    return str(found["id"])

"""Top-ups: asked for, confirmed by the user at Airtm, credited by what Airtm says arrived.

Whatever the provider says (webhook, poll, answer to our own call) enters by `apply_payin_result`.
"""

from typing import Any
from urllib.parse import quote

import structlog

from offerhub.domain import ids
from offerhub.domain.errors import NotFound, OfferHubError
from offerhub.domain.topups import RANK, TOPUP
from offerhub.ledger import journal, transfers
from offerhub.ports.errors import OutcomeUnknown, ProviderFailure, Rejected, Unavailable
from offerhub.ports.payments import Payin, PayinStatus
from offerhub.services import audit, late_money, operations
from offerhub.services import representations as show
from offerhub.services.announcements import NewEvent, announce
from offerhub.services.context import Context, Page
from offerhub.services.users import require_active
from offerhub.store import topups as store
from offerhub.store import users as users_store
from offerhub.store.database import after_commit, atomic, connection
from offerhub.store.failures import is_passing, is_unavailable

log = structlog.get_logger(__name__)

CHECK_DELAYS_MS = (5_000, 10_000, 30_000, 60_000, 300_000)
LATE_WATCH_MS = 16 * 24 * 3600 * 1000  # a pay-in lives 15 days at Airtm (providers/airtm, "Rules")

STATES = {
    PayinStatus.AWAITING: "TOPUP_AWAITING_USER_CONFIRMATION",
    PayinStatus.PROCESSING: "TOPUP_PROCESSING",
    PayinStatus.SUCCEEDED: "TOPUP_SUCCEEDED",
    PayinStatus.FAILED: "TOPUP_FAILED",
    PayinStatus.CANCELED: "TOPUP_CANCELED",
}
_EVENT = {
    "TOPUP_AWAITING_USER_CONFIRMATION": "topup.confirmation_required",
    "TOPUP_PROCESSING": "topup.processing",
    "TOPUP_SUCCEEDED": "topup.succeeded",
    "TOPUP_FAILED": "topup.failed",
    "TOPUP_CANCELED": "topup.canceled",
}


def create_topup(
    ctx: Context,
    *,
    user_id: str,
    amount_stroops: int,
    return_url: str,
    cancel_url: str,
    description: str | None = None,
    metadata: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Record a top-up and have the pay-in made at Airtm; the confirmation link follows. Commits.

    Raises: USER_NOT_FOUND, USER_SUSPENDED, AIRTM_USER_NOT_LINKED.
    """
    now = ctx.now_ms()
    with atomic():
        user = require_active(user_id)
        if user.airtm_user_id is None:
            raise OfferHubError(code="AIRTM_USER_NOT_LINKED", user_id=user_id)
        row = store.TopUp.create(
            id=ids.new_id(ids.TOPUP),
            user_id=user_id,
            amount=amount_stroops,
            currency="USD",
            status=TOPUP.initial,
            return_url=return_url,
            cancel_url=cancel_url,
            description=description,
            metadata=metadata or {},
            expires_at=now + ctx.app.policy.topup_expiry_ms,
            created_at=now,
            updated_at=now,
        )
        operations.start(ctx, kind=operations.TOPUP_PAYIN, subject_type="topup", subject_id=row.id)
        shown = show.topup(row)
        audit.record(
            ctx, action="topup.create", resource_type="topup", resource_id=row.id, after=shown
        )
        announce(ctx, NewEvent("topup.created", row.id, {"topup": shown}, (user_id,)))
        return shown


def get_topup(ctx: Context, topup_id: str) -> dict[str, Any]:
    """Raises: TOPUP_NOT_FOUND."""
    with connection():
        return show.topup(_require(topup_id))


def list_topups(
    ctx: Context,
    *,
    limit: int = 20,
    cursor: str | None = None,
    **filters: str,
) -> Page:
    """Newest first. Filters: user_id, status, airtm_payin_id."""
    with connection():
        rows = store.listed(limit=limit, cursor=cursor, **filters)
        return Page([show.topup(row) for row in rows.rows], rows.next_cursor)


def land(ctx: Context, topup_id: str, kind: str) -> str:
    """The user's browser is back from Airtm: where to send it. Commits.

    The redirect proves nothing: a look at the provider is scheduled at once.
    Raises: TOPUP_NOT_FOUND.
    """
    with atomic():
        row = store.get_for_update(topup_id)
        if row is None:
            raise NotFound(code="TOPUP_NOT_FOUND")
        if row.status not in TOPUP.terminal and row.airtm_payin_id is not None:
            row.next_check_at = ctx.now_ms()
            row.checks = 0
            row.save()
            after_commit(lambda: ctx.app.doorbell.ring("checks"))
    base = row.return_url if kind == "return" else row.cancel_url
    joiner = "&" if "?" in base else "?"
    return f"{base}{joiner}topup_id={quote(row.id)}&status={quote(row.status)}"


def check_due(ctx: Context, *, limit: int = 20) -> int:
    """Ask Airtm about open top-ups that are due; how many were asked. Commits each.

    One that cannot be asked now is asked again later and holds up no other.
    """
    with connection():
        rows = store.due_for_check(now=ctx.now_ms(), limit=limit)
    for row in rows:
        try:
            apply_payin_result(ctx, row.id, _ask(ctx, row))
        except ProviderFailure as failure:
            log.warning("topup.check_postponed", topup_id=row.id, error=failure.message)
            _check_later(ctx, row.id)
        except Exception as error:
            if is_unavailable(error) and not is_passing(error):
                raise
            log.exception("topup.check_failed", topup_id=row.id)
            _check_later(ctx, row.id)
    return len(rows)


def _check_later(ctx: Context, topup_id: str) -> None:
    with atomic():
        row = store.get_for_update(topup_id)
        if row is not None:
            row.next_check_at = _next_check(ctx, row)
            row.checks += 1
            row.save()


def _ask(ctx: Context, row: store.TopUp) -> Payin:
    """The pay-in as it is now; an expired one is cancelled first, if Airtm still allows it."""
    expired = row.expires_at <= ctx.now_ms()
    if expired and row.airtm_payin_id and row.status == "TOPUP_AWAITING_USER_CONFIRMATION":
        try:
            return ctx.app.payments.cancel_payin(row.airtm_payin_id)
        except (Rejected, OutcomeUnknown) as failure:
            log.info("topup.cancel_lost", topup_id=row.id, error=failure.message)
    found = ctx.app.payments.find_payin(row.id)
    if found is None:
        raise Unavailable(f"Airtm does not know the pay-in of {row.id}", provider="airtm")
    return found


def apply_payin_result(ctx: Context, topup_id: str, payin: Payin) -> str | None:
    """Bring a top-up to what the provider reports; None, or why nothing changed. Commits.

    Late, repeated and reordered reports never move a top-up backwards. Money is credited once:
    when the pay-in succeeded, by the amount that arrives.
    """
    with atomic():
        row = store.get_for_update(topup_id)
        if row is None:
            return "no such top-up"
        reason = _settle(ctx, row, payin)
        row.next_check_at = _next_check(ctx, row)
        row.checks += 1
        row.save()
        return reason


def fail_payin(ctx: Context, topup_id: str, *, reason: str) -> None:
    """The provider refused to make the pay-in. Inside the caller's transaction."""
    row = store.get_for_update(topup_id)
    if row is None or row.status != "TOPUP_CREATED":
        return
    row.failure_reason = reason
    _change(ctx, row, "TOPUP_FAILED")
    row.save()


def _settle(ctx: Context, row: store.TopUp, payin: Payin) -> str | None:
    if payin.amount_stroops != row.amount:
        return late_money.note_payin_amount(ctx, row, payin)
    row.airtm_payin_id = row.airtm_payin_id or payin.provider_id
    row.confirmation_url = row.confirmation_url or payin.checkout_url
    target = STATES.get(payin.status)
    if target is None:
        log.error("topup.status_unclear", topup_id=row.id, raw_status=payin.raw_status)
        return f"status {payin.raw_status} is not final; kept and watched"
    if target == row.status:
        return "already there"
    late = row.status == "TOPUP_CANCELED" and target == "TOPUP_SUCCEEDED"
    if not late and RANK[target] <= RANK[row.status]:
        if target == "TOPUP_SUCCEEDED":
            return late_money.hold_topup(ctx, row, payin)
        return f"a late {target} cannot follow {row.status}"
    if row.status == "TOPUP_CREATED" and target not in TOPUP.allowed(row.status):
        _change(ctx, row, "TOPUP_AWAITING_USER_CONFIRMATION")
    row.failure_reason = payin.failure_reason
    row.late_success = late
    if target == "TOPUP_SUCCEEDED":
        _credit(ctx, row, payin)
    _change(ctx, row, target)
    return None


def _credit(ctx: Context, row: store.TopUp, payin: Payin) -> None:
    bears = ctx.app.policy.airtm_fee_bearer == "platform"
    posted = journal.post(
        transfers.topup_credited(
            topup_id=row.id,
            user_id=row.user_id,
            amount=row.amount,
            net=payin.net_stroops,
            fee=payin.fee_stroops,
            platform_bears_fee=bears,
        ),
        now_ms=ctx.now_ms(),
    )
    row.fee, row.net_amount = payin.fee_stroops, payin.net_stroops
    user = users_store.get(row.user_id)
    row.payer_airtm_id = payin.payer_id
    row.payer_mismatch = bool(
        user and payin.payer_id and user.airtm_user_id and payin.payer_id != user.airtm_user_id
    )
    if row.payer_mismatch:
        log.warning("topup.paid_by_another_account", topup_id=row.id)
    credited = row.amount if bears else payin.net_stroops
    announce(
        ctx,
        NewEvent(
            "balance.credited",
            row.user_id,
            {
                "user_id": row.user_id,
                **show.money("amount", credited),
                "transfer_id": posted.transfer_id,
                "subject_type": "topup",
                "subject_id": row.id,
            },
            (row.user_id,),
        ),
    )


def _change(ctx: Context, row: store.TopUp, target: str) -> None:
    before = {"status": row.status}
    row.status = TOPUP.check(row.status, target, resource_id=row.id)
    row.updated_at = ctx.now_ms()
    row.version += 1
    shown = show.topup(row)
    audit.record(
        ctx, action=_EVENT[target], resource_type="topup", resource_id=row.id,
        before=before, after=shown,
    )  # fmt: skip
    announce(ctx, NewEvent(_EVENT[target], row.id, {"topup": shown}, (row.user_id,)))


def _next_check(ctx: Context, row: store.TopUp) -> int | None:
    now = ctx.now_ms()
    if row.status in {"TOPUP_SUCCEEDED", "TOPUP_FAILED"}:
        return None
    if row.status == "TOPUP_CANCELED":
        # Money can still arrive: look now and then until the pay-in cannot be paid any more.
        return now + 3_600_000 if now < row.created_at + LATE_WATCH_MS else None
    return now + CHECK_DELAYS_MS[min(row.checks, len(CHECK_DELAYS_MS) - 1)]


def _require(topup_id: str) -> store.TopUp:
    row = store.get(topup_id)
    if row is None:
        raise NotFound(code="TOPUP_NOT_FOUND", topup_id=topup_id)
    return row

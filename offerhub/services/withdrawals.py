"""Withdrawals: money held at once, paid out on chain or by Airtm, returned only when it is certain
that nothing left."""

from typing import Any

import structlog

from offerhub.domain import ids
from offerhub.domain.errors import NotFound
from offerhub.domain.withdrawals import WITHDRAWAL
from offerhub.ledger import journal, transfers
from offerhub.ports.payments import Payout, PayoutStatus
from offerhub.services import audit, late_money, operations, turns
from offerhub.services import representations as show
from offerhub.services.announcements import NewEvent, announce
from offerhub.services.context import Context, Page
from offerhub.services.destinations import check_destination
from offerhub.services.excess import sweep_excess
from offerhub.services.orders import balance_event
from offerhub.services.users import require_active
from offerhub.store import operations as operations_store
from offerhub.store import users as users_store
from offerhub.store import withdrawals as store
from offerhub.store.database import atomic, connection

log = structlog.get_logger(__name__)

CHECK_DELAYS_MS = (2_000, 5_000, 10_000, 30_000, 60_000, 300_000)

STATES = {
    PayoutStatus.COMMITTED: "WITHDRAWAL_COMMITTED",
    PayoutStatus.PENDING: "WITHDRAWAL_PENDING",
    PayoutStatus.PENDING_USER_ACTION: "WITHDRAWAL_PENDING_USER_ACTION",
    PayoutStatus.COMPLETED: "WITHDRAWAL_COMPLETED",
    PayoutStatus.FAILED: "WITHDRAWAL_FAILED",
    PayoutStatus.CANCELED: "WITHDRAWAL_CANCELED",
}


def create_withdrawal(
    ctx: Context,
    *,
    user_id: str,
    amount_stroops: int,
    destination_type: str,
    destination_ref: str,
    destination_memo: str | None = None,
    commit: bool = False,
    description: str | None = None,
    metadata: dict[str, Any] | None = None,
    destination_checked: bool = False,
) -> dict[str, Any]:
    """Check the destination, hold the money, and with `commit` have it paid out. Commits.

    destination_checked: the caller did `check_destination` before it opened a transaction of its
    own, which this one joins. CRYPTO always commits; another one waits for `commit`.
    Raises: USER_NOT_FOUND, USER_SUSPENDED, INSUFFICIENT_FUNDS, WITHDRAWAL_DESTINATION_INVALID,
    AIRTM_USER_NOT_LINKED; provider failures.
    """
    if not destination_checked:
        check_destination(
            ctx,
            user_id=user_id,
            amount_stroops=amount_stroops,
            destination_type=destination_type,
            destination_ref=destination_ref,
            destination_memo=destination_memo,
        )
    now = ctx.now_ms()
    with atomic():
        require_active(user_id)
        row = store.Withdrawal.create(
            id=ids.new_id(ids.WITHDRAWAL),
            user_id=user_id,
            amount=amount_stroops,
            currency="USD",
            destination_type=destination_type,
            destination_ref=destination_ref,
            destination_memo=destination_memo,
            status=WITHDRAWAL.initial,
            description=description,
            metadata=metadata or {},
            created_at=now,
            updated_at=now,
        )
        journal.post(
            transfers.withdrawal_held(withdrawal_id=row.id, user_id=user_id, amount=amount_stroops),
            now_ms=now,
        )
        announce(ctx, _event("withdrawal.created", row))
        operation = None
        if commit or destination_type == "CRYPTO":
            operation = commit_held(ctx, row)
        shown = show.withdrawal(row, operation_row=operation)
        audit.record(
            ctx, action="withdrawal.create", resource_type="withdrawal", resource_id=row.id,
            after=shown,
        )  # fmt: skip
        return shown


def commit_held(ctx: Context, row: store.Withdrawal) -> operations_store.Operation:
    """Have held money paid out. Inside the caller's transaction. Raises: INVALID_STATE."""
    row.status = WITHDRAWAL.check(row.status, "WITHDRAWAL_COMMITTED", resource_id=row.id)
    row.updated_at = ctx.now_ms()
    row.version += 1
    row.save()
    on_chain = row.destination_type == "CRYPTO"
    operation = operations.start(
        ctx,
        kind=operations.WITHDRAWAL_CHAIN if on_chain else operations.WITHDRAWAL_AIRTM,
        subject_type="withdrawal",
        subject_id=row.id,
        params={"user_id": row.user_id},
    )
    announce(ctx, _event("withdrawal.committed", row))
    return operation


def get_withdrawal(ctx: Context, withdrawal_id: str) -> dict[str, Any]:
    """Raises: WITHDRAWAL_NOT_FOUND."""
    with connection():
        row = store.get(withdrawal_id)
        if row is None:
            raise NotFound(code="WITHDRAWAL_NOT_FOUND", withdrawal_id=withdrawal_id)
        shown = show.withdrawal(row, operation_row=operations_store.latest_for(row.id))
    return {**shown, "operation": turns.shown(ctx.app, shown["operation"])}


def list_withdrawals(
    ctx: Context,
    *,
    limit: int = 20,
    cursor: str | None = None,
    **filters: str,
) -> Page:
    """Newest first. Filters: user_id, status, airtm_payout_id, stellar_tx_hash."""
    with connection():
        rows = store.listed(limit=limit, cursor=cursor, **filters)
        found = operations_store.latest_for_all([row.id for row in rows.rows])
        items = [show.withdrawal(row, operation_row=found.get(row.id)) for row in rows.rows]
        return Page(items, rows.next_cursor)


def apply_paid_on_chain(
    ctx: Context, withdrawal_id: str, *, moved_stroops: int, tx_hash: str
) -> None:
    """The payment is on chain. Inside the caller's transaction.

    Raises: ValueError when another amount moved; nothing is then posted.
    """
    row = _locked(withdrawal_id)
    if moved_stroops != row.amount:
        raise ValueError(f"payment {tx_hash} moved {moved_stroops}, not {row.amount} stroops")
    row.stellar_tx_hash = tx_hash
    row.fee, row.net_amount = 0, row.amount
    journal.post(
        transfers.withdrawal_paid_on_chain(
            withdrawal_id=row.id, user_id=row.user_id, amount=row.amount
        ),
        now_ms=ctx.now_ms(),
    )
    change(ctx, row, "WITHDRAWAL_COMPLETED")


def apply_payout_result(ctx: Context, withdrawal_id: str, payout: Payout) -> str | None:
    """Bring a withdrawal to what Airtm reports; None, or why nothing changed. Commits.

    The hold ends only with COMPLETED (paid), or with FAILED or CANCELED (returned).
    """
    with atomic():
        row = store.get_for_update(withdrawal_id)
        if row is None:
            return "no such withdrawal"
        reason = settle(ctx, row, payout)
        row.next_check_at = _next_check(ctx, row)
        row.checks += 1
        row.save()
        return reason


def settle(ctx: Context, row: store.Withdrawal, payout: Payout) -> str | None:
    """The same for a locked row, inside the caller's transaction."""
    row.airtm_payout_id = row.airtm_payout_id or payout.provider_id
    target = STATES.get(payout.status)
    if target is None:
        if payout.status is PayoutStatus.UNCLEAR:
            log.error("withdrawal.status_unclear", withdrawal_id=row.id, raw=payout.raw_status)
        return f"status {payout.raw_status} is not final; the hold stays"
    if target == row.status:
        return "already there"
    if target not in WITHDRAWAL.allowed(row.status):
        return f"a late {target} cannot follow {row.status}"
    if target == "WITHDRAWAL_COMPLETED":
        if payout.amount_stroops != row.amount:
            return late_money.note_payout_amount(ctx, row, payout)
        row.fee, row.net_amount = payout.fee_stroops, payout.net_stroops
        # Before the accounts, as the deposit reader locks them too; two pay-outs of one user that
        # end at once then start one sweep.
        users_store.wallet_of_for_update(row.user_id)
        journal.post(
            transfers.withdrawal_paid_by_airtm(
                withdrawal_id=row.id, user_id=row.user_id, amount=row.amount
            ),
            now_ms=ctx.now_ms(),
        )
        sweep_excess(ctx, row.user_id)
    elif target in {"WITHDRAWAL_FAILED", "WITHDRAWAL_CANCELED"}:
        row.failure_reason = payout.reason or payout.raw_status
        return_hold(ctx, row)
    change(ctx, row, target)
    return None


def fail(ctx: Context, withdrawal_id: str, *, reason: str) -> None:
    """Definitely refused and nothing left: the hold ends. Inside the caller's transaction."""
    row = _locked(withdrawal_id)
    row.failure_reason = reason
    return_hold(ctx, row)
    change(ctx, row, "WITHDRAWAL_FAILED")


def return_hold(ctx: Context, row: store.Withdrawal) -> None:
    """Give held money back to the user's available balance."""
    posted = journal.post(
        transfers.withdrawal_returned(withdrawal_id=row.id, user_id=row.user_id, amount=row.amount),
        now_ms=ctx.now_ms(),
    )
    announce(
        ctx,
        balance_event(
            "balance.released", row.user_id, row.amount, posted.transfer_id, "withdrawal", row.id
        ),
    )


def change(ctx: Context, row: store.Withdrawal, target: str) -> None:
    """Move a locked withdrawal along its state table and save it. Raises: INVALID_STATE."""
    before = row.status
    row.status = WITHDRAWAL.check(before, target, resource_id=row.id)
    row.updated_at = ctx.now_ms()
    row.version += 1
    row.save()
    name = target.removeprefix("WITHDRAWAL_").lower()
    audit.record(
        ctx, action=f"withdrawal.{name}", resource_type="withdrawal", resource_id=row.id,
        before={"status": before}, after=show.withdrawal(row),
    )  # fmt: skip
    announce(ctx, _event(f"withdrawal.{name}", row))


def postpone_check(ctx: Context, withdrawal_id: str) -> None:
    """Airtm could not be asked; ask again later. Commits."""
    with atomic():
        row = _locked(withdrawal_id)
        row.next_check_at = _next_check(ctx, row)
        row.checks += 1
        row.save()


def _next_check(ctx: Context, row: store.Withdrawal) -> int | None:
    if row.status in WITHDRAWAL.terminal or row.destination_type != "AIRTM_BALANCE":
        return None
    return ctx.now_ms() + CHECK_DELAYS_MS[min(row.checks, len(CHECK_DELAYS_MS) - 1)]


def _event(event_type: str, row: store.Withdrawal) -> NewEvent:
    return NewEvent(event_type, row.id, {"withdrawal": show.withdrawal(row)}, (row.user_id,))


def _locked(withdrawal_id: str) -> store.Withdrawal:
    row = store.get_for_update(withdrawal_id)
    if row is None:
        raise NotFound(code="WITHDRAWAL_NOT_FOUND", withdrawal_id=withdrawal_id)
    return row


def note_payout(ctx: Context, withdrawal_id: str, *, payout_id: str) -> None:
    """Airtm has registered the pay-out. Inside the caller's transaction."""
    row = _locked(withdrawal_id)
    row.airtm_payout_id = payout_id
    row.updated_at = ctx.now_ms()
    row.save(only=["airtm_payout_id", "updated_at"])

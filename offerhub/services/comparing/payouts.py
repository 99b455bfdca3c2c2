"""Withdrawals against Airtm's list of pay-outs, by our reference; and what Airtm gave back."""

from functools import partial
from typing import Any

from offerhub.domain.differences import Difference
from offerhub.domain.withdrawals import WITHDRAWAL
from offerhub.ledger import journal, transfers
from offerhub.ports.errors import ProviderFailure
from offerhub.ports.payments import Payout, PayoutListing
from offerhub.services import withdrawal_returns, withdrawals
from offerhub.services.comparing import second_looks
from offerhub.services.comparing.findings import GRACE_MS, Found, Section
from offerhub.services.comparing.lagging import AIRTM_LAG_MS
from offerhub.services.context import Context
from offerhub.store import comparisons
from offerhub.store import withdrawals as store
from offerhub.store.database import connection

WITHOUT_CODE = "-"


def compare(ctx: Context, listing: PayoutListing) -> Section:
    """Every pay-out that is listed; those that seem to differ are asked about once more, alone.

    Not inside a transaction. listing: as read before; our rows are read after it.
    """
    section = Section("pay-outs")
    with connection():
        rows = comparisons.payouts_by_id()
    suspects: dict[str, Payout | None] = {}
    for payout in listing.items:
        section.checked += 1
        if payout.code == WITHOUT_CODE:
            section.found.append(_unknown(payout))
        elif _judge(ctx, rows.get(payout.code), payout) is not None:
            suspects[payout.code] = payout
    registered = {row.id for row in rows.values() if row.airtm_payout_id}
    if listing.complete:
        listed = {payout.code for payout in listing.items}
        suspects |= dict.fromkeys(registered - listed)
        section.total = section.checked + len(registered - listed)
    else:
        section.total = max(section.checked, len(rows))
        section.notes.append(f"Airtm lists more than the {section.checked} that were read")
    second_looks.take(
        section, suspects, find=ctx.app.payments.find_payout, read=store.get,
        judge=partial(_judge_again, ctx), moving=_MOVING,
    )  # fmt: skip
    return section


def returned(ctx: Context) -> Section:
    """Pay-outs that came back: credited if they were not, or shown if nobody knows whose it is.

    Not inside a transaction.
    """
    section = Section("returned pay-outs")
    try:
        withdrawal_returns.read(ctx)
        listed = ctx.app.payments.returned_payouts()
    except ProviderFailure as failure:
        section.failed("returned pay-outs", failure)
        return section
    section.checked = section.total = len(listed)
    with connection():
        for one in listed:
            if journal.was_posted(transfers.returned_reference(one.provider_id)):
                continue
            section.found.append(
                Found(
                    Difference.RETURN_UNMATCHED,
                    "payout",
                    one.payout_id or one.provider_id,
                    "airtm",
                    theirs=one.amount_stroops,
                    detail={"airtm_deposit_id": one.provider_id},
                )
            )
    return section


_LAGGING = frozenset({Difference.PAYOUT_MISSING, Difference.PAYOUT_STATE})
_MOVING = Found(Difference.PAYOUT_BEHIND, "withdrawal", "", "airtm")


def _judge_again(ctx: Context, row: store.Withdrawal | None, payout: Payout | None) -> Found | None:
    """The same for a second look: what Airtm need not show yet is no difference."""
    found = _judge(ctx, row, payout)
    if found is None or row is None or found.kind not in _LAGGING:
        return found
    return _MOVING if ctx.now_ms() - row.updated_at < AIRTM_LAG_MS else found


def _judge(ctx: Context, row: store.Withdrawal | None, payout: Payout | None) -> Found | None:
    """The difference between a row and what Airtm shows; `_MOVING` while it is too young."""
    if row is None:
        return None if payout is None else _unknown(payout)
    if payout is None:
        return _found(Difference.PAYOUT_MISSING, row, payout)
    if payout.amount_stroops != row.amount:
        return _found(Difference.PAYOUT_AMOUNT, row, payout, theirs=payout.amount_stroops)
    target = withdrawals.STATES.get(payout.status)
    young = ctx.now_ms() - payout.updated_at_ms < GRACE_MS
    if target is None:
        # CREATED, or a status that decides nothing. Registered and unpaid, it may still be paid.
        unpaid = payout.raw_status == "CREATED" and row.status in WITHDRAWAL.terminal
        return _found(Difference.PAYOUT_STATE, row, payout) if unpaid and not young else None
    if target == row.status:
        return None
    if target in WITHDRAWAL.allowed(row.status):
        if young:
            return _MOVING
        return _found(
            Difference.PAYOUT_BEHIND, row, payout, theirs=payout.amount_stroops,
            repair=partial(_apply, ctx, row.id, payout),
        )  # fmt: skip
    if row.status in WITHDRAWAL.terminal:
        return _found(Difference.PAYOUT_STATE, row, payout)
    return _MOVING if young else None  # a step that Airtm passes through and we do not


def _apply(ctx: Context, withdrawal_id: str, payout: Payout) -> bool:
    return withdrawals.apply_payout_result(ctx, withdrawal_id, payout) is None


def _unknown(payout: Payout) -> Found:
    named = payout.provider_id if payout.code == WITHOUT_CODE else payout.code
    return Found(
        Difference.PAYOUT_UNKNOWN, "payout", named, "airtm", theirs=payout.amount_stroops,
        detail={"airtm_payout_id": payout.provider_id, "airtm_status": payout.raw_status},
    )  # fmt: skip


def _found(
    kind: Difference,
    row: store.Withdrawal,
    payout: Payout | None,
    *,
    theirs: int | None = None,
    repair: "partial[bool] | None" = None,
) -> Found:
    detail: dict[str, Any] = {
        "status": row.status,
        "airtm_payout_id": row.airtm_payout_id,
        "airtm_status": payout.raw_status if payout else None,
    }
    return Found(
        kind, "withdrawal", row.id, "airtm", ours=row.amount, theirs=theirs, detail=detail,
        user_ids=(row.user_id,), repair=repair,
    )  # fmt: skip

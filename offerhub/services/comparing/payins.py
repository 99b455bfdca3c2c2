"""Top-ups against Airtm's list of pay-ins, by our reference: existence, amount, state."""

from collections.abc import Mapping
from functools import partial

from offerhub.domain.differences import Difference
from offerhub.domain.topups import RANK
from offerhub.ledger import journal, transfers
from offerhub.ports.payments import Payin, PayinListing
from offerhub.services import topups
from offerhub.services.comparing import second_looks
from offerhub.services.comparing.findings import GRACE_MS, Found, Section
from offerhub.services.comparing.lagging import AIRTM_LAG_MS
from offerhub.services.context import Context
from offerhub.store import comparisons
from offerhub.store import topups as store
from offerhub.store.database import connection

FINAL = ("TOPUP_SUCCEEDED", "TOPUP_FAILED", "TOPUP_CANCELED")


def compare(ctx: Context, listing: PayinListing) -> Section:
    """Every pay-in that is listed; those that seem to differ are asked about once more, alone.

    Not inside a transaction. listing: as read before; our rows are read after it, so that each
    pay-in of ours is known by now.
    """
    section = Section("pay-ins")
    with connection():
        rows = comparisons.topups_by_id()
    suspects: dict[str, Payin | None] = {}
    for payin in listing.items:
        section.checked += 1
        if _judge(ctx, rows.get(payin.code), payin) is not None:
            suspects[payin.code] = payin
    listed = {payin.code for payin in listing.items}
    if listing.complete:
        suspects |= {
            row.id: None for row in rows.values() if row.airtm_payin_id and row.id not in listed
        }
        section.total = len(listed | {row.id for row in rows.values() if row.airtm_payin_id})
    else:
        section.total = len(rows)
        section.notes.append(f"Airtm lists more than the {section.checked} that were read")
    second_looks.take(
        section, suspects, find=ctx.app.payments.find_payin, read=store.get,
        judge=partial(_judge_again, ctx), moving=_MOVING,
    )  # fmt: skip
    return section


_LAGGING = frozenset({Difference.PAYIN_MISSING, Difference.PAYIN_STATE})
_MOVING = Found(Difference.PAYIN_BEHIND, "topup", "", "airtm")


def _judge_again(ctx: Context, row: store.TopUp | None, payin: Payin | None) -> Found | None:
    """The same for a second look: what Airtm need not show yet is no difference."""
    found = _judge(ctx, row, payin)
    if found is None or row is None or found.kind not in _LAGGING:
        return found
    return _MOVING if ctx.now_ms() - row.updated_at < AIRTM_LAG_MS else found


def _judge(ctx: Context, row: store.TopUp | None, payin: Payin | None) -> Found | None:
    """The difference between a row and what Airtm shows; `_MOVING` while it is too young."""
    if payin is None:
        if row is None:
            return None
        return _found(Difference.PAYIN_MISSING, row, payin, ours=row.amount)
    if row is None:
        return Found(
            Difference.PAYIN_UNKNOWN, "payin", payin.code, "airtm", theirs=payin.amount_stroops,
            detail={"airtm_payin_id": payin.provider_id, "status": payin.raw_status},
        )  # fmt: skip
    if payin.amount_stroops != row.amount:
        return _found(
            Difference.PAYIN_AMOUNT, row, payin, ours=row.amount, theirs=payin.amount_stroops
        )
    target = topups.STATES.get(payin.status)
    if target is None or target == row.status:
        if target == "TOPUP_SUCCEEDED" and row.net_amount != payin.net_stroops:
            return _found(
                Difference.PAYIN_AMOUNT, row, payin, ours=row.net_amount, theirs=payin.net_stroops
            )
        return None
    late = row.status == "TOPUP_CANCELED" and target == "TOPUP_SUCCEEDED"
    if RANK[target] > RANK[row.status] or late:
        if ctx.now_ms() - payin.updated_at_ms < GRACE_MS:
            return _MOVING
        return _found(
            Difference.PAYIN_BEHIND, row, payin, ours=row.amount, theirs=payin.net_stroops,
            repair=partial(_apply, ctx, row.id, payin),
        )  # fmt: skip
    if row.status in FINAL:
        if target == "TOPUP_SUCCEEDED" and _is_held(row.id):
            return None  # told when it was booked, and among the dead letters since
        return _found(Difference.PAYIN_STATE, row, payin, ours=row.amount)
    return _MOVING


def _is_held(topup_id: str) -> bool:
    with connection():
        return journal.was_posted(transfers.held_reference(topup_id))


def _apply(ctx: Context, topup_id: str, payin: Payin) -> bool:
    return topups.apply_payin_result(ctx, topup_id, payin) is None


def _found(
    kind: Difference,
    row: store.TopUp,
    payin: Payin | None,
    *,
    ours: int | None = None,
    theirs: int | None = None,
    repair: "partial[bool] | None" = None,
) -> Found:
    detail: Mapping[str, object] = {
        "status": row.status,
        "airtm_payin_id": row.airtm_payin_id,
        "airtm_status": payin.raw_status if payin else None,
    }
    return Found(
        kind, "topup", row.id, "airtm", ours=ours, theirs=theirs, detail=dict(detail),
        user_ids=(row.user_id,), repair=repair,
    )  # fmt: skip

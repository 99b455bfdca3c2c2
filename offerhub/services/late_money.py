"""What Airtm did against its earlier word, or ours: booked where it is, shown, not guessed.

Airtm calls a FAILED pay-in final, so no rule leads from there to a credit. If it is paid all the
same, the money is in the enterprise account and somebody's: the platform holds it among its
adjustments until an operator credits the user (an adjustment), and closes the difference.
Source: docs/decisions, "Money that comes after its top-up has failed is held".
"""

from offerhub.domain.differences import Difference
from offerhub.ledger import journal, transfers
from offerhub.ports.payments import Payin, Payout
from offerhub.services import discrepancies
from offerhub.services.context import Context
from offerhub.store import topups as topups_store
from offerhub.store import withdrawals as withdrawals_store


def hold_topup(ctx: Context, row: topups_store.TopUp, payin: Payin) -> str:
    """Book a late success, once. Inside the caller's transaction; why nothing was credited."""
    if not journal.was_posted(transfers.held_reference(row.id)):
        journal.post(
            transfers.topup_held(topup_id=row.id, amount=payin.net_stroops), now_ms=ctx.now_ms()
        )
        _tell(ctx, Difference.PAYIN_STATE, row, ours=0, theirs=payin.net_stroops,
              provider_id=payin.provider_id, state=row.status)  # fmt: skip
    return f"paid after {row.status}; held among the adjustments for the operator"


def note_payin_amount(ctx: Context, row: topups_store.TopUp, payin: Payin) -> str:
    """The pay-in is of another amount than the top-up. Inside the caller's transaction."""
    _tell(ctx, Difference.PAYIN_AMOUNT, row, ours=row.amount, theirs=payin.amount_stroops,
          provider_id=payin.provider_id, state=row.status)  # fmt: skip
    return "the amount differs from the top-up's; held for the operator"


def note_payout_amount(ctx: Context, row: withdrawals_store.Withdrawal, payout: Payout) -> str:
    """Airtm paid another amount out than was asked for. Inside the caller's transaction.

    The hold stays, and so does what the books say of Airtm: the difference is what to look into.
    """
    _tell(ctx, Difference.PAYOUT_AMOUNT, row, ours=row.amount, theirs=payout.amount_stroops,
          provider_id=payout.provider_id, state=row.status)  # fmt: skip
    return "Airtm took another amount; held for the operator"


def _tell(
    ctx: Context,
    kind: Difference,
    row: topups_store.TopUp | withdrawals_store.Withdrawal,
    *,
    ours: int,
    theirs: int,
    provider_id: str,
    state: str,
) -> None:
    discrepancies.record(
        ctx, kind=kind.value, subject=row.id, ours=ours, theirs=theirs,
        subject_type="topup" if isinstance(row, topups_store.TopUp) else "withdrawal",
        detail={"account": "airtm.treasury", "place": "airtm", "provider_id": provider_id,
                "state": state, "user_id": row.user_id},
        user_ids=(row.user_id,),
    )  # fmt: skip

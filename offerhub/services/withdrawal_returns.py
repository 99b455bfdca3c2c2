"""Pay-outs that Airtm completed and that came back: the money is the user's again.

Airtm reports one as a deposit into our own account and leaves the pay-out COMPLETED; so does the
withdrawal. Each is credited once, by its own transfer. One that cannot be matched is alarmed at
every look, and shows as a difference of the Airtm rail.
Source: Airtm Enterprise API, "Deposits", type `refunded`.
"""

import structlog

from offerhub.ledger import journal, transfers
from offerhub.ports.errors import ProviderFailure
from offerhub.ports.payments import ReturnedPayout
from offerhub.services import audit
from offerhub.services.announcements import announce
from offerhub.services.context import Context
from offerhub.services.orders import balance_event
from offerhub.store import leases
from offerhub.store import withdrawals as store
from offerhub.store.database import atomic, connection

log = structlog.get_logger(__name__)

LOOK_EVERY_MS = 300_000
LOOKED_AT = "airtm_returns.looked_at"


def read_due(ctx: Context) -> int:
    """Look at Airtm, at most every LOOK_EVERY_MS; how many were credited. Commits each."""
    now = ctx.now_ms()
    with atomic():
        last = leases.flag(LOOKED_AT)
        # A last look in the future was before the clock was set back.
        if isinstance(last, int) and 0 <= now - last < LOOK_EVERY_MS:
            return 0
        leases.set_flag(LOOKED_AT, now, now=now)
    try:
        return read(ctx)
    except ProviderFailure as failure:
        log.warning("withdrawal.returns_postponed", error=failure.message)
        return 0


def read(ctx: Context) -> int:
    """Credit what has come back and is not credited yet; how many. Commits each.

    Raises: provider failures.
    """
    return sum(_credit(ctx, returned) for returned in ctx.app.payments.returned_payouts())


def _credit(ctx: Context, returned: ReturnedPayout) -> int:
    with connection():
        if journal.was_posted(transfers.returned_reference(returned.provider_id)):
            return 0
        found = store.find_by_payout(returned.payout_id) if returned.payout_id else None
    if found is None:
        log.error("withdrawal.return_unmatched", provider_id=returned.provider_id)
        return 0
    with atomic():
        row = store.get_for_update(found.id)
        if row is None or journal.was_posted(transfers.returned_reference(returned.provider_id)):
            return 0
        # A pay-out comes back once: a second return of the same is for an operator to look at.
        again = bool(journal.references(row.id, kind=transfers.CAME_BACK))
        too_much = returned.amount_stroops > row.amount
        if row.status != "WITHDRAWAL_COMPLETED" or again or too_much:
            log.error(
                "withdrawal.return_contradicts", withdrawal_id=row.id, status=row.status,
                provider_id=returned.provider_id,
            )  # fmt: skip
            return 0
        posted = journal.post(
            transfers.withdrawal_came_back(
                deposit_id=returned.provider_id,
                withdrawal_id=row.id,
                user_id=row.user_id,
                amount=returned.amount_stroops,
            ),
            now_ms=ctx.now_ms(),
        )
        audit.record(
            ctx, action="withdrawal.came_back", resource_type="withdrawal", resource_id=row.id,
            after={
                "status": row.status,
                "amount_stroops": returned.amount_stroops,
                "airtm_deposit_id": returned.provider_id,
            },
        )  # fmt: skip
        announce(
            ctx,
            balance_event(
                "balance.credited", row.user_id, returned.amount_stroops, posted.transfer_id,
                "withdrawal", row.id,
            ),
        )  # fmt: skip
        return 1

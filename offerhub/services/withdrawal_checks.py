"""Asking Airtm about pay-outs under way, since not everything is announced."""

import structlog

from offerhub.ports.errors import ProviderFailure, Unavailable
from offerhub.services import withdrawals
from offerhub.services.context import Context
from offerhub.store import withdrawals as store
from offerhub.store.database import connection
from offerhub.store.failures import is_passing, is_unavailable

log = structlog.get_logger(__name__)


def check_due(ctx: Context, *, limit: int = 20) -> int:
    """Ask Airtm about pay-outs under way that are due; how many were asked. Commits each."""
    with connection():
        rows = store.due_for_check(now=ctx.now_ms(), limit=limit)
    for row in rows:
        try:
            payout = ctx.app.payments.find_payout(row.id)
            if payout is None:
                raise Unavailable(f"Airtm does not know the pay-out of {row.id}", provider="airtm")
            withdrawals.apply_payout_result(ctx, row.id, payout)
        except ProviderFailure as failure:
            log.warning("withdrawal.check_postponed", withdrawal_id=row.id, error=failure.message)
            withdrawals.postpone_check(ctx, row.id)
        except Exception as error:
            if is_unavailable(error) and not is_passing(error):
                raise
            log.exception("withdrawal.check_failed", withdrawal_id=row.id)
            withdrawals.postpone_check(ctx, row.id)
    return len(rows)

"""Purging rows past their published retention."""

import structlog

from offerhub.services import idempotency
from offerhub.services.context import Context
from offerhub.store import idempotency as store
from offerhub.store.database import atomic

log = structlog.get_logger(__name__)

BATCH = 500


def purge(ctx: Context) -> int:
    """Delete idempotent answers past their retention; how many. Commits per batch.

    An answer about a withdrawal that has not ended is kept until it has.
    """
    total = 0
    while True:
        with atomic():
            count, seen = store.purge(now=ctx.now_ms(), limit=BATCH, needed=idempotency.is_needed)
        total += count
        if seen < BATCH:
            break
    if total:
        log.info("housekeeping.purged", idempotent_answers=total)
    return total

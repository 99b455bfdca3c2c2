"""Purging rows past their published retention."""

import structlog

from offerhub.services.context import Context
from offerhub.store import idempotency
from offerhub.store.database import atomic

log = structlog.get_logger(__name__)

BATCH = 500


def purge(ctx: Context) -> int:
    """Delete idempotent answers past their retention; how many. Commits per batch."""
    total = 0
    while True:
        with atomic():
            count = idempotency.purge(now=ctx.now_ms(), limit=BATCH)
        total += count
        if count < BATCH:
            break
    if total:
        log.info("housekeeping.purged", idempotent_answers=total)
    return total

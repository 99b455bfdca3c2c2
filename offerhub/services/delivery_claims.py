"""Claims on deliveries: kept for as long as they are worked on, and over soon after a death.

A claim moves a delivery's next attempt a little ahead; a thread moves it on while receivers take
their time. So what a killed worker had taken waits for seconds, and what a slow one still holds is
not sent twice. Not here: what an attempt is (`deliveries`).
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import structlog

from offerhub.services.context import Context
from offerhub.store import deliveries as store
from offerhub.store.database import atomic

log = structlog.get_logger(__name__)

# With a sweep every three seconds, what a dead worker had taken is sent within eight.
LEASE_MS: Final = 5_000
RENEW_S: Final = 1.2


class Claims:
    """Deliveries that this process may attempt. `done` lets one go, whatever became of it."""

    def __init__(self, ctx: Context, endpoint_id: str, *, limit: int) -> None:
        """Takes up to `limit` due ones of the endpoint. Commits."""
        self._ctx = ctx
        self._lock = threading.Lock()
        now = ctx.app.lease_now()
        with atomic():
            self.rows = store.claim_due(endpoint_id, now=now, lease_ms=LEASE_MS, limit=limit)
        self._until = self.rows[0].next_attempt_at if self.rows else 0
        self._left = {row.id for row in self.rows}

    def done(self, row: store.WebhookDelivery) -> None:
        with self._lock:
            self._left.discard(row.id)

    def renew(self) -> None:
        """Keep what is left. What was recorded, put off or replayed meanwhile stays so. Commits."""
        with self._lock:
            left, until = sorted(self._left), self._ctx.app.lease_now() + LEASE_MS
        if left:
            with atomic():
                renewed = store.renew(left, leased_until=self._until, until=until)
            self._until = renewed or self._until


@contextmanager
def claimed(ctx: Context, endpoint_id: str, *, limit: int) -> Iterator[Claims]:
    """Due deliveries of one endpoint, kept while the block runs. Commits; not in a transaction."""
    claims = Claims(ctx, endpoint_id, limit=limit)
    if not claims.rows:
        yield claims
        return
    done = threading.Event()

    def keep() -> None:
        while not done.wait(RENEW_S):
            try:
                claims.renew()
            except Exception:
                # The database may be away for a moment; the lease lasts a few seconds longer.
                log.exception("deliveries.renew_failed")

    keeper = threading.Thread(target=keep, name="claim-keeper", daemon=True)
    keeper.start()
    try:
        yield claims
    finally:
        done.set()
        keeper.join()

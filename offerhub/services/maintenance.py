"""Maintenance mode: mutations are told to wait, everything else goes on. Survives restarts."""

import threading
import time
from typing import Any

from offerhub.domain.errors import OfferHubError
from offerhub.services import audit
from offerhub.services.announcements import NewEvent, announce
from offerhub.services.context import Context
from offerhub.services.representations import timestamp
from offerhub.store import leases as store
from offerhub.store.database import atomic, connection

FLAG = "maintenance"
DEFAULT_MESSAGE = "The service is being maintained; please try again later."
DEFAULT_RETRY_AFTER_S = 60
CACHE_S = 1.0

_OFF: dict[str, Any] = {
    "enabled": False, "message": None, "retry_after_s": None, "since": None, "by": None,
}  # fmt: skip


def current(ctx: Context) -> dict[str, Any]:
    """Whether maintenance is on, why, since when and by whom."""
    with connection():
        return _read()


def switch(
    ctx: Context, *, enabled: bool, message: str | None = None, retry_after_s: int | None = None
) -> dict[str, Any]:
    """Turn maintenance on or off. Every process notices within a second. Commits."""
    now = ctx.now_ms()
    with atomic():
        before = _read()
        after = dict(_OFF)
        if enabled:
            after = {
                "enabled": True,
                "message": message or DEFAULT_MESSAGE,
                "retry_after_s": retry_after_s or DEFAULT_RETRY_AFTER_S,
                "since": before["since"] if before["enabled"] else timestamp(now),
                "by": ctx.actor.id,
            }
        store.set_flag(FLAG, after, now=now)
        audit.record(
            ctx, action="maintenance.switch", resource_type="maintenance", resource_id=None,
            before=before, after=after,
        )  # fmt: skip
        if before["enabled"] != enabled:
            name = "maintenance.enabled" if enabled else "maintenance.disabled"
            announce(ctx, NewEvent(name, ctx.app.policy.marketplace_id, after))
        return after


class Gate:
    """Asked before every mutation; looks at the database at most once a second."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, Any] = _OFF
        self._looked_at_s = -CACHE_S

    def check(self) -> None:
        """Raises: MAINTENANCE with the operator's message and when to come back."""
        with self._lock:
            now_s = time.monotonic()
            if now_s - self._looked_at_s >= CACHE_S:
                with connection():
                    self._known = _read()
                self._looked_at_s = now_s
            known = self._known
        if known["enabled"]:
            raise OfferHubError(
                known["message"], code="MAINTENANCE", retry_after_s=known["retry_after_s"]
            )


def _read() -> dict[str, Any]:
    found = store.flag(FLAG)
    return {**_OFF, **found} if isinstance(found, dict) else dict(_OFF)

"""What this operator may do right now, and why not. Pure.

The key's scopes decide which actions exist; the lock decides whether they may be used.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from offerhub_tui.link import Freshness

RELOCK_AFTER = timedelta(minutes=10)


@dataclass(frozen=True)
class Session:
    """Who is at the console. Without an answer from the appliance nothing is allowed."""

    environment: str = ""
    marketplace_id: str = ""
    key_name: str = ""
    scopes: tuple[str, ...] = ()
    unlocked: bool = False
    used_at: datetime | None = None

    @property
    def known(self) -> bool:
        return bool(self.environment)

    @property
    def is_production(self) -> bool:
        return self.environment == "production"

    def holds(self, scope: str) -> bool:
        """Whether the key has the scope; admin implies all."""
        return scope in self.scopes or "admin" in self.scopes

    @property
    def can_change_anything(self) -> bool:
        return any(self.holds(scope) for scope in ("write", "support", "admin"))

    def touched(self, now: datetime) -> "Session":
        """The same session after a key press."""
        return replace(self, used_at=now)

    def relocked_if_idle(self, now: datetime) -> "Session":
        """Read-only again after ten minutes without a key press."""
        idle = self.used_at is not None and now - self.used_at >= RELOCK_AFTER
        return replace(self, unlocked=False) if self.unlocked and idle else self

    def why_not(self, scope: str, freshness: Freshness) -> str | None:
        """Why a change that needs `scope` cannot be made now; None when it can."""
        if not self.known:
            return "the appliance has not answered yet"
        if not self.holds(scope):
            return f"needs scope {scope}"
        if not self.unlocked:
            return "the session is read-only (! unlocks it)"
        if freshness is not Freshness.LIVE:
            return f"not while {freshness.value}: what you see may be old"
        return None

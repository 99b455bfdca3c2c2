"""How fresh what is on the screen is: LIVE, STALE or OFFLINE, in words. Pure; time is passed in.

A heartbeat proves the link, not the data: the time of the data is shown apart.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

FIRST_INTERVAL_S = 15.0
SHORTEST_INTERVAL_S = 5.0
SHORTEST_GAP_S = 1.0
MISSED_HEARTBEATS = 2
POLL_S = 5.0
POLL_COUNTS_S = 3 * POLL_S


class Kind(StrEnum):
    """What the event stream just told about the link."""

    CONNECTED = "connected"
    HEARTBEAT = "heartbeat"
    EVENT = "event"
    DOWN = "down"
    RESET = "reset"


class Freshness(StrEnum):
    CONNECTING = "CONNECTING"
    LIVE = "LIVE"
    STALE = "STALE"
    OFFLINE = "OFFLINE"


@dataclass(frozen=True)
class Signal:
    """One such message, with the time at which it arrived here.

    `pause_s` and `attempt` belong to DOWN: the next try and how many failed in a row.
    """

    kind: Kind
    at: datetime
    reason: str = ""
    pause_s: float = 0.0
    attempt: int = 0


@dataclass(frozen=True)
class Link:
    """The link as it is known; each signal makes a new one."""

    connected: bool = False
    last_sign_at: datetime | None = None
    last_beat_at: datetime | None = None
    interval_s: float = FIRST_INTERVAL_S
    down_since: datetime | None = None
    retry_at: datetime | None = None
    reason: str = ""
    attempt: int = 0
    read_at: datetime | None = None

    def after(self, signal: Signal) -> "Link":
        """The link after a signal."""
        if signal.kind is Kind.DOWN:
            return replace(
                self,
                connected=False,
                last_beat_at=None,
                down_since=self.down_since or signal.at,
                retry_at=signal.at + timedelta(seconds=signal.pause_s),
                reason=signal.reason,
                attempt=signal.attempt,
                # What was read over the link that broke says nothing about now.
                read_at=None if self.connected else self.read_at,
            )
        link = replace(
            self,
            connected=True,
            last_sign_at=signal.at,
            down_since=None,
            retry_at=None,
            reason="",
            attempt=0,
        )
        if signal.kind is Kind.HEARTBEAT:
            return replace(link, last_beat_at=signal.at, interval_s=self._interval_s(signal.at))
        return link

    def after_read(self, at: datetime) -> "Link":
        """The link after a successful read, which counts while there is no stream."""
        return replace(self, read_at=at)

    def after_unreachable(self) -> "Link":
        """The link after a read that found nobody."""
        return replace(self, read_at=None)

    def _interval_s(self, beat_at: datetime) -> float:
        """Seconds between heartbeats, learned from the last two, within the contract's bounds."""
        if self.last_beat_at is None:
            return self.interval_s
        gap_s = (beat_at - self.last_beat_at).total_seconds()
        if gap_s < SHORTEST_GAP_S:  # a heartbeat may come as a comment and as an event
            return self.interval_s
        return min(FIRST_INTERVAL_S, max(SHORTEST_INTERVAL_S, gap_s))

    def freshness(self, now: datetime) -> Freshness:
        """LIVE within two heartbeats of a sign of life; STALE when silent, or while polling."""
        if self.connected and self.last_sign_at is not None:
            silent_s = (now - self.last_sign_at).total_seconds()
            live = silent_s < MISSED_HEARTBEATS * self.interval_s
            return Freshness.LIVE if live else Freshness.STALE
        if self.down_since is None:
            return Freshness.CONNECTING
        read_s = POLL_COUNTS_S
        if self.read_at is not None:
            read_s = (now - self.read_at).total_seconds()
        return Freshness.STALE if read_s < POLL_COUNTS_S else Freshness.OFFLINE

    @property
    def polling(self) -> bool:
        """Whether reads must be made by the clock, because no stream tells of changes."""
        return not self.connected and self.down_since is not None

    def words(self, now: datetime) -> str:
        """The state in words, such as `OFFLINE since 12:03 · retry in 7s (attempt 3)`."""
        state = self.freshness(now)
        if state is Freshness.CONNECTING:
            return "CONNECTING"
        if state is Freshness.LIVE:
            return "LIVE"
        if state is Freshness.STALE:
            since = self.last_sign_at if self.connected else self.read_at
            age_s = 0 if since is None else int((now - since).total_seconds())
            if self.connected:
                return f"STALE {age_s}s · no heartbeat"
            return f"STALE {age_s}s · no event stream, polling every {POLL_S:.0f}s"
        since_text = f"{self.down_since:%H:%M}" if self.down_since else "?"
        return f"OFFLINE since {since_text}{self._countdown(now)}"

    def _countdown(self, now: datetime) -> str:
        if self.retry_at is None:
            return ""
        left_s = max(0, round((self.retry_at - now).total_seconds()))
        when = f"retry in {left_s}s" if left_s else "retrying"
        return f" · {when} (attempt {self.attempt + 1})"

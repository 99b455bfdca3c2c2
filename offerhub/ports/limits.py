"""Outbound limits that all processes share, and for whom a call is made.

Whoever works for an operation or a sweep says so once, by `calls_for`; the limiter, deep inside an
adapter, then knows whose turn it is. Calls of nobody in particular rank as `Urgency.NEW`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol


class Urgency(IntEnum):
    """Who goes first when calls are scarce; the lower the earlier."""

    UNDER_WAY = 0  # an intent is written down: to be sent, or its outcome to be looked up
    MONEY = 1  # the next step of a release, refund, dispute, funding or withdrawal
    NEW = 2  # a new escrow, a wallet, a person who waits for an answer
    BACKGROUND = 3  # polling, watching, reconciliation, health


@dataclass(frozen=True, slots=True)
class Turn:
    """name: keeps a place in the queue, None for no place. since_ms: the older goes first."""

    name: str | None
    urgency: Urgency
    since_ms: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """How a limit is used: seconds until each of the next `len(free_in_s)` calls may be made.

    waiting: how many that were refused keep a place. Beyond the list it repeats every window.
    kept: calls of each window that are kept for each of the lesser urgencies, if they want them.
    """

    free_in_s: tuple[float, ...]
    window_s: float
    waiting: int
    kept: int = 0

    def wait_s(self, ahead: int) -> float:
        """Seconds until the call that has `ahead` others before it."""
        rounds, place = divmod(ahead, len(self.free_in_s))
        return self.free_in_s[place] + rounds * self.window_s


_NOBODY = Turn(None, Urgency.NEW, 0)
_turn: ContextVar[Turn] = ContextVar("outbound_turn", default=_NOBODY)


def current_turn() -> Turn:
    """For whom this thread or greenlet calls now."""
    return _turn.get()


@contextmanager
def calls_for(name: str | None, urgency: Urgency, *, since_ms: int = 0) -> Iterator[None]:
    """Calls inside rank as told. Nested, the inner one counts."""
    token = _turn.set(Turn(name, urgency, since_ms))
    try:
        yield
    finally:
        _turn.reset(token)


class OutboundLimiter(Protocol):
    def acquire(self, provider: str) -> None:
        """Take one call's permit, or raise `ports.errors.RateLimited` with `retry_after_s`."""
        ...


class OutboundOutlook(Protocol):
    def outlook(self, provider: str) -> Outlook | None:
        """How the provider's limit is used; None while that is not known. Books nothing."""
        ...

"""Outbound limits that all processes share, kept in Redis; a stricter one of our own without it.

A permit is a booked time slot: slot k is never earlier than slot k-limit plus the window, so no
window of the provider's ever holds more than its limit. While calls are scarce, who is refused
keeps a place in a queue, ordered by urgency (`ports.limits`) and then by age, and nobody behind
them gets a slot that they will need. A tenth of each window is kept for each of the two lesser
urgencies, if they want it, so that nothing waits for ever.
Not here: limits on our own API; the order while Redis is away, when only the limit holds.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

import redis

from offerhub.ports.errors import RateLimited
from offerhub.ports.limits import Outlook, current_turn
from offerhub.providers.limit_script import BOOK_SLOT, OUTLOOK

_REDIS_TIMEOUT_S: Final = 0.5
_SHARE: Final = 10  # one slot in so many is for each of the lesser urgencies
_MOST_WINDOWS: Final = 4  # who is refused asks again after so many at most: others may be gone


class RedisLimiter:
    """`ports.limits.OutboundLimiter` over one Redis, safe between threads, greenlets and processes.

    client: one with a short socket timeout and no retries of its own, as `from_url` makes it;
    otherwise a Redis that hangs makes every call hang first.
    limits: provider -> (calls, per seconds).
    processes: how many share a limit while Redis is away; each then keeps to its part.
    longest_wait_s: a slot further away than this is refused with RateLimited.
    margin_s: added to the window, since calls do not all travel equally fast.
    place_grace_s: how long after its time a place in the queue is kept for whoever has it.
    """

    def __init__(
        self,
        client: "redis.Redis",
        limits: Mapping[str, tuple[int, float]],
        *,
        processes: int = 6,
        longest_wait_s: float = 1.0,
        margin_s: float = 0.05,
        retry_redis_after_s: float = 2.0,
        place_grace_s: float = 5.0,
        key_prefix: str = "offerhub:outbound:",
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if any(calls < 1 or per_s <= 0 for calls, per_s in limits.values()):
            raise ValueError("a limit is at least one call per a positive number of seconds")
        self._limits = {name: (calls, per_s + margin_s) for name, (calls, per_s) in limits.items()}
        self._book_in_redis = client.register_script(BOOK_SLOT)
        self._outlook_of_redis = client.register_script(OUTLOOK)
        self._place_grace_s = place_grace_s
        self._longest_wait_s = longest_wait_s
        self._retry_redis_after_s = retry_redis_after_s
        self._key_prefix = key_prefix
        self._sleep = sleep
        self._monotonic = monotonic
        self._stand_ins = {
            name: _StandIn(max(1, calls // processes), window_s, longest_wait_s)
            for name, (calls, window_s) in self._limits.items()
        }
        self._redis_away_until_s = float("-inf")

    @classmethod
    def from_url(
        cls, redis_url: str, limits: Mapping[str, tuple[int, float]], *, processes: int = 6
    ) -> "RedisLimiter":
        """A limiter with connections of its own that give up on a missing Redis quickly."""
        client = redis.Redis.from_url(
            redis_url,
            socket_connect_timeout=_REDIS_TIMEOUT_S,
            socket_timeout=_REDIS_TIMEOUT_S,
            retry=None,
        )
        return cls(client, limits, processes=processes)

    def acquire(self, provider: str) -> None:
        """Take a permit, sleeping up to `longest_wait_s` for it, for whom `calls_for` says.

        Raises: RateLimited with `retry_after_s`; KeyError for a provider without a limit.
        """
        stand_in = self._stand_ins[provider]
        now_s = self._monotonic()
        wait_s = self._shared_wait_s(provider) if now_s >= self._redis_away_until_s else None
        if wait_s is None:
            wait_s = self._checked(provider, stand_in.book(now_s, alone=True))
        else:
            if stand_in.still_counts(now_s):
                # Redis does not know of the calls of the last window, and other processes may
                # have made some too: until they have passed, both limits hold.
                own_s = self._checked(provider, stand_in.book(now_s, alone=False))
                wait_s = max(wait_s, own_s)
        if wait_s > 0:
            self._sleep(wait_s)

    def outlook(self, provider: str) -> Outlook | None:
        """When the next calls may be made; None while Redis is away. Books nothing."""
        if self._monotonic() < self._redis_away_until_s:
            return None
        calls, window_s = self._limits[provider]
        try:
            waiting, waits_us = self._outlook_of_redis(
                keys=self._keys(provider), args=[calls, round(window_s * 1e6)]
            )
        except redis.RedisError:
            self._redis_away_until_s = self._monotonic() + self._retry_redis_after_s
            return None
        free_in_s = tuple(int(us) / 1e6 for us in waits_us)
        return Outlook(free_in_s, window_s, int(waiting), kept=_kept(calls))

    def _shared_wait_s(self, provider: str) -> float | None:
        """Seconds until the booked slot; None without Redis. Raises: RateLimited."""
        calls, window_s = self._limits[provider]
        turn = current_turn()
        try:
            booked, wait_us = self._book_in_redis(
                keys=self._keys(provider),
                args=[
                    calls,
                    round(window_s * 1e6),
                    round(self._longest_wait_s * 1e6),
                    turn.name or "",
                    int(turn.urgency),
                    turn.since_ms,
                    _kept(calls),
                    round(self._place_grace_s * 1e6),
                    round(_MOST_WINDOWS * window_s * 1e6),
                ],
            )
        except redis.RedisError:
            self._redis_away_until_s = self._monotonic() + self._retry_redis_after_s
            return None
        if not booked:
            raise self._refused(provider, int(wait_us) / 1e6)
        return int(wait_us) / 1e6

    def _keys(self, provider: str) -> list[str]:
        slots = self._key_prefix + provider
        return [slots, f"{slots}:places", f"{slots}:kept_until"]

    def _refused(self, provider: str, wait_s: float) -> RateLimited:
        return RateLimited(
            f"our own limit of calls to {provider} is used up",
            provider=provider,
            retry_after_s=wait_s,
        )

    def _checked(self, provider: str, wait_s: float) -> float:
        if wait_s > self._longest_wait_s:
            raise self._refused(provider, wait_s)
        return wait_s


def _kept(calls: int) -> int:
    """How many of a window's calls are for each of the lesser urgencies."""
    return max(1, calls // _SHARE)


class _StandIn:
    """The limit of this process alone, for as long as Redis is away and one window longer."""

    def __init__(self, calls: int, window_s: float, longest_wait_s: float) -> None:
        self._window_s = window_s
        self._longest_wait_s = longest_wait_s
        self._slots: deque[float] = deque(maxlen=calls)
        self._last_alone_s = float("-inf")
        self._lock = threading.Lock()

    def book(self, now_s: float, *, alone: bool) -> float:
        """Seconds until the booked slot; nothing is booked when that is above the longest wait."""
        with self._lock:
            slot_s = now_s
            if len(self._slots) == self._slots.maxlen:
                slot_s = max(now_s, self._slots[0] + self._window_s)
            if slot_s - now_s <= self._longest_wait_s:
                self._slots.append(slot_s)
                if alone:
                    self._last_alone_s = slot_s
            return slot_s - now_s

    def still_counts(self, now_s: float) -> bool:
        """Whether a call made without Redis lies within the last window."""
        return self._last_alone_s + self._window_s > now_s

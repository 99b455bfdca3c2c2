"""Outbound limits that all processes share, kept in Redis; a stricter one of our own without it.

A permit is a booked time slot: slot k is never earlier than slot k-limit plus the window, so no
window of the provider's ever holds more than its limit, and who asks first calls first.
Not here: limits on our own API.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

import redis

from offerhub.ports.errors import RateLimited

# Slots are microseconds of Redis's own clock, the newest first, at most `limit` of them.
# When that clock is set back, slots lie further ahead than any booking can: all move back with it,
# so that nobody waits for a time that is hours away.
_BOOK_SLOT: Final = """
local limit, window, longest = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local newest = tonumber(redis.call('LINDEX', KEYS[1], 0))
if newest and newest > now + longest then
  local slots = redis.call('LRANGE', KEYS[1], 0, -1)
  redis.call('DEL', KEYS[1])
  for _, slot in ipairs(slots) do
    redis.call('RPUSH', KEYS[1], string.format('%.0f', tonumber(slot) - (newest - now)))
  end
end
local slot = now
local bound = tonumber(redis.call('LINDEX', KEYS[1], limit - 1))
if bound and bound + window > now then slot = bound + window end
if slot - now > longest then return {0, slot - now} end
redis.call('LPUSH', KEYS[1], string.format('%.0f', slot))
redis.call('LTRIM', KEYS[1], 0, limit - 1)
redis.call('PEXPIRE', KEYS[1], math.ceil((window + longest) / 1000))
return {1, slot - now}
"""


_REDIS_TIMEOUT_S: Final = 0.5


class RedisLimiter:
    """`ports.limits.OutboundLimiter` over one Redis, safe between threads, greenlets and processes.

    client: one with a short socket timeout and no retries of its own, as `from_url` makes it;
    otherwise a Redis that hangs makes every call hang first.
    limits: provider -> (calls, per seconds).
    processes: how many share a limit while Redis is away; each then keeps to its part.
    longest_wait_s: a slot further away than this is refused with RateLimited.
    margin_s: added to the window, since calls do not all travel equally fast.
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
        key_prefix: str = "offerhub:outbound:",
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if any(calls < 1 or per_s <= 0 for calls, per_s in limits.values()):
            raise ValueError("a limit is at least one call per a positive number of seconds")
        self._limits = {name: (calls, per_s + margin_s) for name, (calls, per_s) in limits.items()}
        self._book_in_redis = client.register_script(_BOOK_SLOT)
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
        """Take a permit, sleeping up to `longest_wait_s` for it.

        Raises: RateLimited with `retry_after_s`; KeyError for a provider without a limit.
        """
        stand_in = self._stand_ins[provider]
        now_s = self._monotonic()
        wait_s = self._shared_wait_s(provider) if now_s >= self._redis_away_until_s else None
        if wait_s is None:
            wait_s = self._checked(provider, stand_in.book(now_s, alone=True))
        else:
            self._checked(provider, wait_s)
            if stand_in.still_counts(now_s):
                # Redis does not know of the calls of the last window, and other processes may
                # have made some too: until they have passed, both limits hold.
                own_s = self._checked(provider, stand_in.book(now_s, alone=False))
                wait_s = max(wait_s, own_s)
        if wait_s > 0:
            self._sleep(wait_s)

    def _shared_wait_s(self, provider: str) -> float | None:
        """Seconds until the booked slot, above the longest wait if refused; None without Redis."""
        calls, window_s = self._limits[provider]
        try:
            _booked, wait_us = self._book_in_redis(
                keys=[self._key_prefix + provider],
                args=[calls, round(window_s * 1e6), round(self._longest_wait_s * 1e6)],
            )
        except redis.RedisError:
            self._redis_away_until_s = self._monotonic() + self._retry_redis_after_s
            return None
        return int(wait_us) / 1e6

    def _checked(self, provider: str, wait_s: float) -> float:
        if wait_s > self._longest_wait_s:
            raise RateLimited(
                f"our own limit of calls to {provider} is used up",
                provider=provider,
                retry_after_s=wait_s,
            )
        return wait_s


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

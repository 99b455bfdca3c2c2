"""Rate limits: so many requests in any 60 seconds, counted in Redis by one atomic script.

A window is cut into slots of half a second; a request counts until its whole slot has left the
window. So no sliding window ever sees more than the limit, whatever happens at its edges, and the
memory per subject is bounded by the number of slots and not by the limit. Time is Redis's own.
While Redis is away each process counts for itself, with half the limit.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from offerhub.api.redis_gate import RedisGate
from offerhub.domain.errors import OfferHubError

WINDOW_MS: Final = 60_000
SLOT_MS: Final = 500
_SLOTS: Final = WINDOW_MS // SLOT_MS
_MAX_LOCAL_SUBJECTS: Final = 10_000

# Returns: allowed (1/0), requests counted, milliseconds until the oldest slot leaves the window.
# `f` is the oldest slot that may hold requests, `n` the sum of all slots.
_SCRIPT: Final = """
local limit, cost = tonumber(ARGV[1]), tonumber(ARGV[2])
local slot_ms, slots = tonumber(ARGV[3]), tonumber(ARGV[4])
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local slot = math.floor(now / slot_ms)
local head = redis.call('HMGET', KEYS[1], 'f', 'n')
local first, n = tonumber(head[1]) or slot, tonumber(head[2]) or 0
if n == 0 or slot - first > 2 * slots or first > slot then
  if first > slot or slot - first > 2 * slots then redis.call('DEL', KEYS[1]); n = 0 end
  first = slot
end
while first < slot - slots do
  local gone = tonumber(redis.call('HGET', KEYS[1], first))
  if gone then n = n - gone; redis.call('HDEL', KEYS[1], first) end
  first = first + 1
end
while n > 0 and first < slot and redis.call('HEXISTS', KEYS[1], first) == 0 do first = first + 1 end
local allowed = 0
if n + cost <= limit then
  allowed = 1
  if cost > 0 then
    n = n + cost
    redis.call('HINCRBY', KEYS[1], slot, cost)
  end
end
redis.call('HSET', KEYS[1], 'f', first, 'n', n)
redis.call('PEXPIRE', KEYS[1], (slots + 2) * slot_ms)
local reset = 0
if n > 0 then reset = (first + slots + 1) * slot_ms - now end
return {allowed, n, reset}
"""


class RateLimited(OfferHubError):
    code = "RATE_LIMITED"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request may pass, and what is left. `reset_s`: until more becomes free."""

    allowed: bool
    limit: int
    remaining: int
    reset_s: int


class RateLimiter:
    """Counts requests per subject, such as `key:key_…` or `address:203.0.113.7`."""

    def __init__(self, gate: RedisGate, *, marketplace_id: str) -> None:
        self._gate = gate
        self._prefix = f"offerhub:{marketplace_id}:limit:"
        self._script = gate.client.register_script(_SCRIPT) if gate.client is not None else None
        self._local = LocalLimiter()

    def take(self, subject: str, *, limit: int, cost: int = 1) -> Verdict:
        """Count one request of `subject`; `cost=0` only looks."""

        def ask(client: Any) -> Verdict:
            if self._script is None:
                raise OSError("no Redis")
            allowed, counted, reset_ms = self._script(
                keys=[self._prefix + subject], args=[limit, cost, SLOT_MS, _SLOTS], client=client
            )
            return _verdict(bool(allowed), limit, int(counted), int(reset_ms))

        return self._gate.call(
            ask, away=lambda: self._local.take(subject, limit=max(1, limit // 2), cost=cost)
        )


class LocalLimiter:
    """The stand-in of one process: the same rule over a list of the requests' times."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._times: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def take(self, subject: str, *, limit: int, cost: int = 1) -> Verdict:
        now = self._monotonic()
        with self._lock:
            if len(self._times) > _MAX_LOCAL_SUBJECTS and subject not in self._times:
                self._forget_idle(now)
            times = self._times.setdefault(subject, deque())
            while times and times[0] <= now - WINDOW_MS / 1000:
                times.popleft()
            allowed = len(times) + cost <= limit
            if allowed:
                times.extend([now] * cost)
            reset_ms = (times[0] - now) * 1000 + WINDOW_MS if times else 0.0
            return _verdict(allowed, limit, len(times), int(reset_ms))

    def _forget_idle(self, now: float) -> None:
        for subject, times in list(self._times.items()):
            if not times or times[-1] <= now - WINDOW_MS / 1000:
                del self._times[subject]


def _verdict(allowed: bool, limit: int, counted: int, reset_ms: int) -> Verdict:
    return Verdict(allowed, limit, max(0, limit - counted), max(0, -(-reset_ms // 1000)))

"""How many event streams one key or token may hold open at once, over all processes.

A seat is kept by renewing it; one whose process died is free again a few seconds later.
"""

import threading
import time
from typing import Any, Final

from offerhub.api.redis_gate import RedisGate

SEAT_MS: Final = 15_000

# KEYS[1]: a sorted set of seats by expiry. ARGV: seat, most seats, life in ms. Returns 1 or 0.
_TAKE: Final = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local mine = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not mine and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), ARGV[1])
redis.call('PEXPIRE', KEYS[1], tonumber(ARGV[3]))
return 1
"""


class StreamSeats:
    """While Redis is away each process counts its own streams."""

    def __init__(self, gate: RedisGate, *, marketplace_id: str) -> None:
        self._gate = gate
        self._prefix = f"offerhub:{marketplace_id}:streams:"
        self._take = gate.client.register_script(_TAKE) if gate.client is not None else None
        self._local: dict[str, dict[str, float]] = {}
        self._lock = threading.Lock()

    def take(self, owner: str, seat: str, *, most: int) -> bool:
        """Take a seat, or renew one; false when all `most` are taken."""

        def ask(client: Any) -> bool:
            if self._take is None:
                raise OSError("no Redis")
            args = [seat, most, SEAT_MS]
            return bool(self._take(keys=[self._prefix + owner], args=args, client=client))

        mine = self._take_locally(owner, seat, most=most)
        return self._gate.call(ask, away=lambda: mine) and mine

    def give_up(self, owner: str, seat: str) -> None:
        with self._lock:
            seats = self._local.get(owner, {})
            seats.pop(seat, None)
            if not seats:
                self._local.pop(owner, None)
        self._gate.call(lambda client: client.zrem(self._prefix + owner, seat), away=lambda: None)

    def _take_locally(self, owner: str, seat: str, *, most: int) -> bool:
        now = time.monotonic()
        with self._lock:
            seats = self._local.setdefault(owner, {})
            for other, until in list(seats.items()):
                if until <= now:
                    del seats[other]
            if seat not in seats and len(seats) >= most:
                return False
            seats[seat] = now + SEAT_MS / 1000
            return True

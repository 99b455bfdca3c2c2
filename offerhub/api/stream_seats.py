"""How many event streams may be open at once, over all processes: of one key or token, and in all.

A seat is kept by renewing it; one whose process died is free again a few seconds later.
"""

import threading
import time
from enum import Enum
from typing import Any, Final

from offerhub.api.redis_gate import RedisGate

SEAT_MS: Final = 15_000
DEFAULT_MOST_IN_ALL: Final = 1_000


class Seat(Enum):
    """What came of asking for one."""

    TAKEN = 0
    OWNER_HAS_ALL_OF_ITS_OWN = 1
    NONE_LEFT = 2


# KEYS: sorted sets of seats by expiry, of the owner and of all. ARGV: seat, most of the owner, life
# in ms, most in all (-1: not counted among them). Returns a value of `Seat`.
_TAKE: Final = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local counted = tonumber(ARGV[4]) >= 0
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 1 end
  if counted then
    redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
    if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[4]) then return 2 end
  end
end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), ARGV[1])
redis.call('PEXPIRE', KEYS[1], tonumber(ARGV[3]))
if counted then
  redis.call('ZADD', KEYS[2], now + tonumber(ARGV[3]), ARGV[1])
  redis.call('PEXPIRE', KEYS[2], tonumber(ARGV[3]))
end
return 0
"""
_ALL: Final = "all"  # of everybody; an owner's name has a colon


class StreamSeats:
    """While Redis is away each process counts its own streams, by the same numbers."""

    def __init__(
        self, gate: RedisGate, *, marketplace_id: str, most_in_all: int = DEFAULT_MOST_IN_ALL
    ) -> None:
        self._gate = gate
        self.most_in_all = most_in_all
        self._prefix = f"offerhub:{marketplace_id}:streams:"
        self._take = gate.client.register_script(_TAKE) if gate.client is not None else None
        self._local: dict[str, dict[str, float]] = {_ALL: {}}
        self._lock = threading.Lock()

    def take(self, owner: str, seat: str, *, most: int, counted: bool = True) -> Seat:
        """Take a seat, or renew one. counted: among the seats that there are in all."""

        def ask(client: Any) -> Seat:
            if self._take is None:
                raise OSError("no Redis")
            keys = [self._prefix + owner, self._prefix + _ALL]
            args = [seat, most, SEAT_MS, self.most_in_all if counted else -1]
            return Seat(self._take(keys=keys, args=args, client=client))

        here = self._take_locally(owner, seat, most=most, counted=counted)
        if here is not Seat.TAKEN:
            return here
        everywhere = self._gate.call(ask, away=lambda: here)
        if everywhere is not Seat.TAKEN:
            self._give_up_locally(owner, seat)
        return everywhere

    def give_up(self, owner: str, seat: str) -> None:
        self._give_up_locally(owner, seat)

        def ask(client: Any) -> None:
            with client.pipeline(transaction=False) as both:
                both.zrem(self._prefix + owner, seat)
                both.zrem(self._prefix + _ALL, seat)
                both.execute()

        self._gate.call(ask, away=lambda: None)

    def _give_up_locally(self, owner: str, seat: str) -> None:
        with self._lock:
            self._local[_ALL].pop(seat, None)
            seats = self._local.get(owner, {})
            seats.pop(seat, None)
            if not seats:
                self._local.pop(owner, None)

    def _take_locally(self, owner: str, seat: str, *, most: int, counted: bool) -> Seat:
        now = time.monotonic()
        with self._lock:
            seats, everybodys = self._local.setdefault(owner, {}), self._local[_ALL]
            if seat not in seats:
                if _none_free(seats, most=most, now=now):
                    return Seat.OWNER_HAS_ALL_OF_ITS_OWN
                if counted and _none_free(everybodys, most=self.most_in_all, now=now):
                    return Seat.NONE_LEFT
            seats[seat] = now + SEAT_MS / 1000
            if counted:
                everybodys[seat] = seats[seat]
            return Seat.TAKEN


def _none_free(seats: dict[str, float], *, most: int, now: float) -> bool:
    """Whether `most` are taken, when those that were not renewed are given up."""
    if len(seats) < most:
        return False
    for other, until in list(seats.items()):
        if until <= now:
            del seats[other]
    return len(seats) >= most

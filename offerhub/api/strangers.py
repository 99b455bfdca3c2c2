"""Networks whose credentials were refused too often, kept away from the database for a while.

The count itself is in Redis (`budgets`); this is what one process remembers of its verdicts, so
that guessing costs neither a question to Redis nor one to the database. Whoever shares such a
network and has used good credentials lately is let through, and then judged as always.
"""

import hashlib
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

MAX_REMEMBERED: Final = 10_000


class Strangers:
    """One process's memory; times are monotonic seconds."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._held_until: OrderedDict[str, float] = OrderedDict()
        self._good: OrderedDict[bytes, None] = OrderedDict()
        self._lock = threading.Lock()

    def held_off_s(self, network: str, credentials: str) -> int:
        """Whole seconds until these credentials may be tried from this network; 0 is now."""
        until = self._held_until.get(network)
        if until is None:
            return 0
        left_s = until - self._monotonic()
        if left_s <= 0:
            with self._lock:
                self._held_until.pop(network, None)
        elif _digest(credentials) not in self._good:
            return math.ceil(left_s)
        return 0

    def hold_off(self, network: str, seconds: int) -> None:
        with self._lock:
            self._held_until[network] = self._monotonic() + seconds
            self._held_until.move_to_end(network)
            while len(self._held_until) > MAX_REMEMBERED:
                self._held_until.popitem(last=False)

    def remember(self, credentials: str) -> None:
        """Note credentials that were just found good. Only their digest is kept."""
        digest = _digest(credentials)
        with self._lock:
            self._good[digest] = None
            self._good.move_to_end(digest)
            while len(self._good) > MAX_REMEMBERED:
                self._good.popitem(last=False)


def _digest(credentials: str) -> bytes:
    return hashlib.sha256(credentials.encode("utf-8", "replace")).digest()

"""Airtm's limit of ten calls in any second for one key."""

import threading
import time
from collections import deque
from collections.abc import Callable

from offerhub.sandbox.airtm.errors import AirtmError

CALLS_PER_SECOND = 10


class RateLimit:
    """A sliding window of one second; a refused call does not count."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._recent: deque[float] = deque()

    def count_one(self) -> None:
        """Raises: AirtmError 429 for the eleventh call within a second."""
        with self._lock:
            now_s = self._monotonic()
            while self._recent and self._recent[0] <= now_s - 1:
                self._recent.popleft()
            if len(self._recent) >= CALLS_PER_SECOND:
                raise AirtmError("429", "Too many requests.")
            self._recent.append(now_s)

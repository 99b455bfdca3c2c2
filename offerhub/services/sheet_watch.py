"""The balance sheet as a process last saw it, for health and metrics: it costs every entry's read.

Not here: the check of every invariant, which the clock does (`book_check`).
"""

import threading
import time
from collections.abc import Callable
from typing import Final

from offerhub.services import solvency

TTL_S: Final = 300.0


class SheetWatch:
    """Keeps the last look of one process; several threads that ask wait for one look."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: tuple[float, int, dict[str, int]] | None = None

    def look(self) -> tuple[int, dict[str, int]]:
        """The sheet's difference, and what each rail is short of; stroops, at most TTL_S old.

        Not inside a transaction.
        """
        with self._lock:
            now_s = self._monotonic()
            if self._known is None or now_s - self._known[0] >= TTL_S:
                self._known = (now_s, *solvency.at_a_glance())
            return self._known[1], self._known[2]

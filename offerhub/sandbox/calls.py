"""The journal of provider calls, so that a test can count what reached a provider.

In memory, and bounded.
"""

import threading
import time
from collections import deque
from dataclasses import asdict, dataclass
from itertools import count
from typing import Any

MOST_KEPT = 20_000


@dataclass
class Call:
    """One request. status None: no answer was sent, or not yet."""

    seq: int
    provider: str
    method: str
    path: str
    query: str
    at_ms: int
    fault: str | None = None
    status: int | None = None
    effect_status: int | None = None


class CallJournal:
    """The latest calls in order of arrival; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: deque[Call] = deque(maxlen=MOST_KEPT)
        self._numbers = count(1)

    def begin(self, *, provider: str, method: str, path: str, query: str) -> Call:
        """Note a call as it arrives, before anything can go wrong with it."""
        with self._lock:
            call = Call(
                seq=next(self._numbers),
                provider=provider,
                method=method,
                path=path,
                query=query,
                at_ms=time.time_ns() // 1_000_000,
            )
            self._calls.append(call)
        return call

    def list(self, *, since: int = 0, **wanted: str | None) -> list[dict[str, Any]]:
        """Calls with a higher seq than `since` whose members equal `wanted`; None means any."""
        with self._lock:
            documents = [asdict(call) for call in self._calls if call.seq > since]
        return [
            document
            for document in documents
            if all(value is None or document[name] == value for name, value in wanted.items())
        ]

    def clear(self) -> None:
        with self._lock:
            self._calls.clear()

"""Threads that read: a few for what the operator waits for, one at a measured pace for the rest.

Each request is under way at most once. The threads are daemons: leaving never waits for them.
"""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable

from offerhub_tui.messages import Topic
from offerhub_tui.pace import Pace

Request = tuple[Topic, str | None]
"""A topic, and the cursor of the page that is wanted."""

FAST_THREADS = 3
SLOW_TOPICS = frozenset({"balance"})
SLOW_BURST = 40
SLOW_PER_S = 0.6
"""The API allows 100 calls a minute; the small reads take at most a third of that for long."""


class Readers:
    """`read` does one request and must not raise."""

    def __init__(self, read: Callable[[Topic, str | None], None]) -> None:
        self._read = read
        self._closed = threading.Event()
        self._fast: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._slow: deque[Request] = deque()
        self._slow_ready = threading.Semaphore(0)
        self._asked: set[Request] = set()
        self._lock = threading.Lock()

    def start(self) -> None:
        for target in (self._serve_slow, *[self._serve_fast] * FAST_THREADS):
            threading.Thread(target=target, name="offerhub-tui-read", daemon=True).start()

    def close(self) -> None:
        """Wake every thread, so that it ends."""
        self._closed.set()
        for _ in range(FAST_THREADS):
            self._fast.put(None)
        self._slow_ready.release()

    @property
    def pending(self) -> int:
        """How many requests have not been answered yet."""
        with self._lock:
            return len(self._asked)

    def ask(self, topic: Topic, cursor: str | None) -> bool:
        """Queue a request. False when it is under way already."""
        request = (topic, cursor)
        slow = topic[0] in SLOW_TOPICS
        with self._lock:
            if request in self._asked or self._closed.is_set():
                return False
            self._asked.add(request)
            if slow:
                self._slow.append(request)
        if slow:
            self._slow_ready.release()
        else:
            self._fast.put(request)
        return True

    def forget_slow(self) -> list[Topic]:
        """Drop the small reads that nobody looks at any more; returns what they were for."""
        with self._lock:
            dropped = list(self._slow)
            self._asked.difference_update(dropped)
            self._slow.clear()
        return [topic for topic, _ in dropped]

    def _serve_fast(self) -> None:
        while not self._closed.is_set():
            request = self._fast.get()
            if request is not None:
                self._serve(request)

    def _serve_slow(self) -> None:
        pace = Pace(burst=SLOW_BURST, per_s=SLOW_PER_S)
        while not self._closed.is_set():
            self._slow_ready.acquire()
            with self._lock:
                request = self._slow.popleft() if self._slow else None
            if request is not None and not self._closed.wait(pace.wait_s(time.monotonic())):
                self._serve(request)

    def _serve(self, request: Request) -> None:
        self._read(*request)
        with self._lock:
            self._asked.discard(request)

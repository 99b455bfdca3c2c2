"""Reading the stream: pages by position, and waiting for more without a query per reader.

Positions are gap-free; at least once, in order, over everything that is retained.
"""

import threading
import time
from collections import deque
from typing import Any, Final

from offerhub.domain.events import expand
from offerhub.store import events as store
from offerhub.store.database import connection

POLL_S = 0.2
RECENT: Final = 2_000  # events that a process keeps at hand for its readers
AT_ONCE: Final = 4

# How many streams of a process ask the database or Redis at once; the others wait for their turn.
# A thousand that do it in one moment would take all connections of the pool, from each other and
# from requests.
turn = threading.BoundedSemaphore(AT_ONCE)


def page(
    after_sequence: int,
    *,
    limit: int,
    types: list[str] | None = None,
    user_id: str | None = None,
    resource_types: list[str] | None = None,
) -> list[store.Event]:
    """Events beyond a position, in order.

    types: patterns such as `order.*`. Raises: ValueError for a pattern that can never match.
    """
    wanted = expand(types) if types else None
    with connection():
        return store.after(
            after_sequence,
            limit=limit,
            types=wanted,
            user_id=user_id,
            aggregate_types=resource_types,
        )


def head_sequence() -> int:
    with connection():
        return store.head_sequence()


def oldest_sequence() -> int:
    with connection():
        return store.oldest_sequence()


class Tail:
    """One look at the stream's head for all waiting readers of a process.

    The thread runs only while somebody waits. A database that cannot be reached makes readers
    wait on; it is asked again.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._head = 0
        self._waiters = 0
        self._running = False
        self._recent: deque[store.Event] = deque(maxlen=RECENT)  # without a gap, up to the head

    def wait_for_newer(self, sequence: int, timeout_s: float) -> int:
        """The head, once it is beyond `sequence` or the time is over."""
        deadline = time.monotonic() + timeout_s
        with self._condition:
            self._waiters += 1
            if not self._running:
                self._running = True
                threading.Thread(target=self._watch, name="stream-tail", daemon=True).start()
            try:
                while self._head <= sequence:
                    left_s = deadline - time.monotonic()
                    if left_s <= 0:
                        break
                    self._condition.wait(left_s)
                return self._head
            finally:
                self._waiters -= 1

    def recent(self, after_sequence: int, up_to: int) -> list[store.Event] | None:
        """All events between two positions, if they are at hand; a thousand readers then cost the
        database what one does."""
        with self._condition:
            if not self._recent or self._head < up_to:
                return None
            first = self._recent[0].sequence or 0
            if after_sequence < first - 1:
                return None
            newer = len(self._recent) - max(0, after_sequence - first + 1)
            return [self._recent[-n] for n in range(max(0, newer), 0, -1)]

    def _watch(self) -> None:
        while True:
            head, rows = self._read()
            with self._condition:
                if head > self._head:
                    if not rows or (rows[0].sequence or 0) != self._head + 1:
                        self._recent.clear()
                    self._recent.extend(rows)
                    self._head = head
                    self._condition.notify_all()
                if self._waiters == 0:
                    self._running = False
                    return
            time.sleep(POLL_S)

    def _read(self) -> tuple[int, list[store.Event]]:
        """The head, and the events since the last look, if they are few enough to be kept."""
        try:
            with connection():
                head = store.head_sequence()
                if not self._head < head <= self._head + RECENT:
                    return head, []
                rows = store.after(self._head, limit=RECENT, up_to=head)
            whole = len(rows) == head - self._head
            return head, rows if whole else []
        except Exception as exc:  # noqa: BLE001 - readers outlive a restart of the database
            self.last_error: Any = exc
            return 0, []


_tail = Tail()


def newer(
    after_sequence: int,
    *,
    up_to: int,
    limit: int,
    types: list[str] | None = None,
    user_id: str | None = None,
    resource_types: list[str] | None = None,
) -> list[store.Event]:
    """As `page`, for a reader that is near the head: without the database where that is possible.

    up_to: a position that the caller knows to be placed.
    """
    rows = _tail.recent(after_sequence, up_to)
    if rows is None:
        with turn:
            return page(
                after_sequence,
                limit=limit,
                types=types,
                user_id=user_id,
                resource_types=resource_types,
            )
    wanted = expand(types) if types else None
    kept = [
        row
        for row in rows
        if (wanted is None or row.type in wanted)
        and (resource_types is None or row.aggregate_type in resource_types)
        and (user_id is None or user_id in (row.user_1, row.user_2))
    ]
    return kept[:limit]


def wait_for_newer(sequence: int, timeout_s: float) -> int:
    """The head of the stream, once it is beyond `sequence` or `timeout_s` has passed."""
    return _tail.wait_for_newer(sequence, timeout_s)

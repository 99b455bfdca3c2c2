"""Reading the stream: pages by position, and waiting for more without a query per reader.

Positions are gap-free; at least once, in order, over everything that is retained.
"""

import threading
import time
from typing import Any

from offerhub.domain.events import expand
from offerhub.store import events as store
from offerhub.store.database import connection

POLL_S = 0.2


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

    def _watch(self) -> None:
        while True:
            head = self._read()
            with self._condition:
                if head > self._head:
                    self._head = head
                    self._condition.notify_all()
                if self._waiters == 0:
                    self._running = False
                    return
            time.sleep(POLL_S)

    def _read(self) -> int:
        try:
            return head_sequence()
        except Exception as exc:  # noqa: BLE001 - readers outlive a restart of the database
            self.last_error: Any = exc
            return 0


_tail = Tail()


def wait_for_newer(sequence: int, timeout_s: float) -> int:
    """The head of the stream, once it is beyond `sequence` or `timeout_s` has passed."""
    return _tail.wait_for_newer(sequence, timeout_s)

"""What monitoring wants to know of the deployment, in numbers; `GET /metrics` shows them.

Looked at in the database at most every few seconds, the balance sheet every few minutes: it reads
every entry of the books.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from offerhub.ledger import checks
from offerhub.services import history
from offerhub.services.context import App
from offerhub.store import differences
from offerhub.store import figures as store
from offerhub.store import operations as operations_store
from offerhub.store.database import connection, snapshot

TTL_S: Final = 5.0
SHEET_TTL_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class Figures:
    """By status where there are several; `books_difference_stroops` is zero when all is well."""

    operations: dict[str, int]
    oldest_pending_s: float
    inbox: dict[str, int]
    deliveries: dict[str, int]
    unsequenced_events: int
    unsealed_audit_records: int
    books_difference_stroops: int
    waiting_for_xlm: int
    broken_history: int


class Observer:
    """Keeps the last figures of one process."""

    def __init__(self, app: App, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: tuple[float, Figures] | None = None
        self._difference: tuple[float, int] | None = None

    def figures(self) -> Figures:
        """The figures, at most TTL_S old."""
        with self._lock:
            now_s = self._monotonic()
            if self._known is None or now_s - self._known[0] >= TTL_S:
                self._known = (now_s, self._look())
            return self._known[1]

    def _look(self) -> Figures:
        difference = self._books_difference()
        with connection():
            oldest = store.oldest_pending_at()
            return Figures(
                operations=store.operations(),
                oldest_pending_s=0.0
                if oldest is None
                else max(0.0, (self._app.now_ms() - oldest) / 1000),
                inbox=store.inbox(),
                deliveries=store.deliveries(),
                unsequenced_events=store.unsequenced_events(),
                unsealed_audit_records=store.unsealed_audit_records(),
                books_difference_stroops=difference,
                waiting_for_xlm=operations_store.waiting_for_xlm(),
                broken_history=differences.count_open(subject_id=history.SUBJECT),
            )

    def _books_difference(self) -> int:
        now_s = self._monotonic()
        if self._difference is None or now_s - self._difference[0] >= SHEET_TTL_S:
            with snapshot():
                self._difference = (now_s, checks.sheet().difference_stroops)
        return self._difference[1]

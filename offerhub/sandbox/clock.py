"""The sandbox's wall clock, which control may push forward.

It drives Airtm's long waits (a pay-in lapses after 15 days). Webhook timestamps and the ledger
clock stay on real time, because the receiver and the signer compare them with their own.
"""

import threading
import time
from datetime import UTC, datetime

from offerhub.sandbox.store import SandboxStore

SCHEMA = """
CREATE TABLE IF NOT EXISTS sandbox_clock (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    offset_ms INTEGER NOT NULL
);
INSERT OR IGNORE INTO sandbox_clock (id, offset_ms) VALUES (1, 0);
"""


class SandboxClock:
    """Real time plus an offset that survives a restart."""

    def __init__(self, store: SandboxStore) -> None:
        store.install(SCHEMA)
        self._store = store
        self._lock = threading.Lock()
        row = store.one("SELECT offset_ms FROM sandbox_clock WHERE id = 1")
        self._offset_ms: int = row["offset_ms"] if row else 0

    def now_ms(self) -> int:
        """Milliseconds since the Unix epoch, on the sandbox's clock."""
        return time.time_ns() // 1_000_000 + self._offset_ms

    def advance(self, *, seconds: int) -> None:
        """Move the clock forward for good. Raises: ValueError when asked to go back."""
        if seconds < 0:
            raise ValueError("the sandbox clock only moves forward")
        with self._lock, self._store.transaction():
            self._offset_ms += seconds * 1000
            self._store.execute(
                "UPDATE sandbox_clock SET offset_ms = ? WHERE id = 1", (self._offset_ms,)
            )


def iso(at_ms: int) -> str:
    """UTC with milliseconds and a Z, as Airtm writes times."""
    moment = datetime.fromtimestamp(at_ms // 1000, tz=UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"

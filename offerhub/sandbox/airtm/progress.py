"""Airtm's own progress: whatever is due by the sandbox clock takes its next step.

What is due is in the store, so a restart goes on where the last process stopped.
"""

import logging
import threading

from offerhub.sandbox.airtm import payins, payouts, treasury
from offerhub.sandbox.airtm.world import AirtmWorld

TICK_S = 0.03
BATCH = 100

log = logging.getLogger(__name__)


def advance_due(world: AirtmWorld) -> int:
    """Advance everything that is due, each in its own transaction; returns how many there were."""
    advanced = 0
    for table in ("airtm_payins", "airtm_payouts", "airtm_withdrawals"):
        due = world.store.query(
            f"SELECT id FROM {table} WHERE due_at <= ? ORDER BY due_at LIMIT ?",  # noqa: S608
            (world.clock.now_ms(), BATCH),
        )
        for row in due:
            _advance(world, table, row["id"])
        advanced += len(due)
    return advanced


def _advance(world: AirtmWorld, table: str, item_id: str) -> None:
    with world.store.transaction():
        row = world.store.one(
            f"SELECT * FROM {table} WHERE id = ? AND due_at <= ?",  # noqa: S608
            (item_id, world.clock.now_ms()),
        )
        if row is None:
            return  # Someone acted on it since the list was read.
        if table == "airtm_withdrawals":
            treasury.complete(world, item_id)
        elif table == "airtm_payouts":
            payouts.advance(world, item_id)
        elif row["status"] == "PROCESSING":
            payins.confirm(world, item_id)
        else:
            payins.cancel(world, item_id)


class Progress:
    """The thread that advances what is due."""

    def __init__(self, world: AirtmWorld) -> None:
        self._world = world
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sandbox-airtm", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                busy = advance_due(self._world) == BATCH
            except Exception:
                # One item that cannot advance must not stop the others for good.
                log.exception("the sandbox could not advance what is due")
                busy = False
            if not busy:
                self._stopping.wait(TICK_S)

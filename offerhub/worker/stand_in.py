"""Working without being rung: for when Redis, or the clock that rings, is away.

What there is to do is in the database, so a worker can find it by itself. A thread looks now and
then whether jobs still come; if none did for a while, it does their work until they come again.
Two that work at once are harmless, since all work is claimed in the database.
"""

import threading
from collections.abc import Callable

import structlog

from offerhub.services.context import App
from offerhub.worker import process
from offerhub.worker.jobs import checks, deliveries, inbox, operations

log = structlog.get_logger(__name__)

LOOK_S = 1.0
FINISH_S = 20.0
# By queue: the bell, its work, and how long its jobs may stay away (two sweeps and a little).
WORK: dict[str, tuple[str, Callable[[App], None], float]] = {
    "critical": ("operations", operations.work, 7.0),
    "webhooks": ("inbox", inbox.work, 7.0),
    "deliveries": ("deliveries", deliveries.work, 7.0),
    "maintenance": ("checks", checks.work, 12.0),
}


class StandIn:
    """The thread of one worker process. It begins at once, for there may be work to resume."""

    def __init__(self, app: App, queue_name: str) -> None:
        self._app = app
        self._bell, self._work, self._patience_s = WORK[queue_name]
        self._stopping = threading.Event()
        self._alone = False
        self._thread = threading.Thread(target=self._run, name="stand-in", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Finish what is being done, within reason."""
        self._stopping.set()
        self._thread.join(FINISH_S)

    def _run(self) -> None:
        while not self._stopping.is_set():
            silent_s = process.silent_s(self._bell)
            if silent_s > self._patience_s:
                self._note(alone=silent_s != float("inf"))
                self._do()
            else:
                self._note(alone=False)
            self._stopping.wait(LOOK_S)

    def _do(self) -> None:
        try:
            self._work(self._app)
        except Exception:
            # The database may be restarting; nothing is lost, the next look tries again.
            log.exception("stand_in.failed", bell=self._bell)

    def _note(self, *, alone: bool) -> None:
        if alone != self._alone:
            self._alone = alone
            log.warning("stand_in.works" if alone else "stand_in.rests", bell=self._bell)

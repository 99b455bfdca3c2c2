"""Performing provider operations until none is due."""

import threading
import time

import structlog

from offerhub.services import engine
from offerhub.services.context import App
from offerhub.worker import process

log = structlog.get_logger(__name__)

THREADS = 6
BUDGET_S = 60.0
LINGER_S = 3.0  # stay while something becomes due within this time
RENEW_S = 1.5


def drain() -> None:
    """The job: perform what is due, and what becomes due meanwhile."""
    with process.job("operations") as app:
        work(app)


def work(app: App) -> None:
    """On a few threads, until nothing is due or the time is up."""
    threads = [
        threading.Thread(target=_work, args=(app,), name=f"operations-{n}") for n in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _work(app: App) -> None:
    end = time.monotonic() + BUDGET_S
    while time.monotonic() < end:
        try:
            if not perform_next(app) and not _due_soon(app):
                return
        except Exception:
            # Nothing is lost: the operation's lease runs out and it is taken up again.
            log.exception("operations.worker_failed")
            time.sleep(1.0)


def perform_next(app: App) -> bool:
    """Claim and perform one operation, its lease kept alive; false when none is due."""
    operation = engine.claim_next(app)
    if operation is None:
        return False
    done = threading.Event()

    def keep() -> None:
        while not done.wait(RENEW_S):
            try:
                if not engine.renew(app, operation):
                    return
            except Exception:
                # The database may be away for a moment; the lease lasts a few seconds longer.
                log.exception("operations.renew_failed", operation_id=operation.id)

    keeper = threading.Thread(target=keep, name="lease-keeper", daemon=True)
    keeper.start()
    try:
        engine.perform(app, operation)
    finally:
        done.set()
        keeper.join()
    return True


def _due_soon(app: App) -> bool:
    """Sleep a little while something becomes due soon; false when the job may end."""
    due_at = engine.next_due_at(app)
    if due_at is None:
        return False
    wait_s = (due_at - app.now_ms()) / 1000
    if wait_s > LINGER_S:
        return False
    time.sleep(min(max(wait_s, 0.05), 0.25))
    return True

"""Purging what is past its retention."""

from offerhub.services import housekeeping
from offerhub.services.context import system_context
from offerhub.worker import process
from offerhub.worker.queues import answered


def sweep() -> None:
    app = process.app()
    if app.redis is not None:
        answered("housekeeping", app.redis)
    housekeeping.purge(system_context(app, name="housekeeping"))

"""Purging what is past its retention."""

from offerhub.services import housekeeping
from offerhub.services.context import system_context
from offerhub.worker import process


def sweep() -> None:
    with process.job("housekeeping") as app:
        housekeeping.purge(system_context(app, name="housekeeping"))

"""Keeping a snapshot of the treasury, hourly."""

from offerhub.services import solvency
from offerhub.services.context import system_context
from offerhub.worker import process


def keep() -> None:
    """The job."""
    with process.job("treasury") as app:
        solvency.take_snapshot(system_context(app, name="treasury"))

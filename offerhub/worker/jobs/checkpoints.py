"""Noting the head of the audit chain outside the database, every few minutes."""

from offerhub.services import checkpoints
from offerhub.services.context import system_context
from offerhub.worker import process


def write() -> None:
    """The job."""
    with process.job("checkpoints") as app:
        checkpoints.write_regularly(system_context(app, name="checkpoints"))

"""Comparing the books with the providers, hourly."""

from offerhub.services import reconciliation
from offerhub.services.context import system_context
from offerhub.worker import process


def run() -> None:
    """The job. Differences are logged as errors, recorded and announced by the service."""
    with process.job("reconciliation") as app:
        reconciliation.run(system_context(app, name="reconciliation"))

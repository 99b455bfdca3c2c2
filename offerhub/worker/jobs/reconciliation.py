"""Comparing the books with the providers, hourly."""

from offerhub.ports.limits import Urgency, calls_for
from offerhub.services import reconciliation
from offerhub.services.context import system_context
from offerhub.worker import process


def run() -> None:
    """The job. Differences are logged as errors, recorded and announced by the service."""
    with process.job("reconciliation") as app, calls_for("reconciliation", Urgency.BACKGROUND):
        reconciliation.run(system_context(app, name="reconciliation"))

"""Asking Airtm about top-ups and withdrawals under way: not everything is announced."""

from offerhub.ports.limits import Urgency, calls_for
from offerhub.services import topups, withdrawal_checks, withdrawal_returns
from offerhub.services.context import App, system_context
from offerhub.worker import process

MAX_ROUNDS = 20


def drain() -> None:
    """The job."""
    with process.job("checks") as app:
        work(app)


def work(app: App) -> None:
    """Bounded; what is left over is found by the next sweep."""
    ctx = system_context(app, name="checks")
    with calls_for("checks", Urgency.BACKGROUND):
        withdrawal_returns.read_due(ctx)
        for _ in range(MAX_ROUNDS):
            if topups.check_due(ctx) + withdrawal_checks.check_due(ctx) == 0:
                return

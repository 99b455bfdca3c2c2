"""Asking Airtm about top-ups and withdrawals under way: not everything is announced."""

from offerhub.services import topups, withdrawals
from offerhub.services.context import system_context
from offerhub.worker import process
from offerhub.worker.queues import answered

MAX_ROUNDS = 20


def drain() -> None:
    """Bounded; what is left over is found by the next sweep."""
    app = process.app()
    if app.redis is not None:
        answered("checks", app.redis)
    ctx = system_context(app, name="checks")
    for _ in range(MAX_ROUNDS):
        if topups.check_due(ctx) + withdrawals.check_due(ctx) == 0:
            return

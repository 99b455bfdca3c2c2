"""Applying stored webhooks until none is due."""

from offerhub.services import inbox
from offerhub.services.context import App, system_context
from offerhub.worker import process

MAX_ROUNDS = 100


def drain() -> None:
    """The job."""
    with process.job("inbox") as app:
        work(app)


def work(app: App) -> None:
    """Bounded; what is left over is found by the next ring or sweep."""
    ctx = system_context(app, name="inbox")
    for _ in range(MAX_ROUNDS):
        if inbox.process_due(ctx) == 0:
            return

"""Applying stored webhooks until none is due."""

from offerhub.services import inbox
from offerhub.services.context import system_context
from offerhub.worker import process
from offerhub.worker.queues import answered

MAX_ROUNDS = 100


def drain() -> None:
    """Bounded; what is left over is found by the next ring or sweep."""
    app = process.app()
    if app.redis is not None:
        answered("inbox", app.redis)
    ctx = system_context(app, name="inbox")
    for _ in range(MAX_ROUNDS):
        if inbox.process_due(ctx) == 0:
            return

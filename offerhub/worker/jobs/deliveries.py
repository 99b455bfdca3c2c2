"""Sending outgoing webhooks: a delivery per event and endpoint, until none is due."""

from offerhub.services import deliveries
from offerhub.services.context import App, system_context
from offerhub.worker import process

MAX_ROUNDS = 100


def drain() -> None:
    """The job."""
    with process.job("deliveries") as app:
        work(app)


def work(app: App) -> None:
    """Bounded; what is left over is found by the next ring or sweep."""
    ctx = system_context(app, name="deliveries")
    deliveries.fan_out(ctx)
    for _ in range(MAX_ROUNDS):
        if deliveries.send_due(ctx) == 0:
            return

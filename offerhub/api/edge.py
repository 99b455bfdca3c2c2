"""The parts of the HTTP edge that live as long as the process."""

from dataclasses import dataclass

from flask import current_app

from offerhub.api.rate_limits import RateLimiter
from offerhub.api.redis_gate import RedisGate
from offerhub.api.stream_seats import StreamSeats
from offerhub.services.api_keys import Credentials, UseRecorder
from offerhub.services.context import App
from offerhub.services.health import HealthMonitor
from offerhub.services.idempotency import AnswerSeal

EXTENSION = "offerhub"


@dataclass(frozen=True, slots=True)
class Edge:
    """`app` is the application proper; the rest serves HTTP alone."""

    app: App
    credentials: Credentials
    seal: AnswerSeal
    gate: RedisGate
    limiter: RateLimiter
    seats: StreamSeats
    uses: UseRecorder
    health: HealthMonitor


def edge() -> Edge:
    """The edge of the Flask application that handles the current request."""
    found: Edge = current_app.extensions[EXTENSION]
    return found

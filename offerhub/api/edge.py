"""The parts of the HTTP edge that live as long as the process."""

import threading
from dataclasses import dataclass, field

from flask import current_app

from offerhub.api.rate_limits import RateLimiter
from offerhub.api.redis_gate import RedisGate
from offerhub.api.strangers import Strangers
from offerhub.api.stream_seats import StreamSeats
from offerhub.services.context import App
from offerhub.services.credentials import Credentials, UseRecorder
from offerhub.services.figures import Observer
from offerhub.services.health import HealthMonitor
from offerhub.services.idempotency import AnswerSeal
from offerhub.services.maintenance import Gate

EXTENSION = "offerhub"


@dataclass(frozen=True, slots=True)
class Edge:
    """`app` is the application proper; the rest serves HTTP alone.

    metrics_token: who may read the metrics; nobody when it is empty.
    `stopping` is set when the process is told to end: streams then end, and clients resume.
    """

    app: App
    credentials: Credentials
    seal: AnswerSeal
    gate: RedisGate
    limiter: RateLimiter
    seats: StreamSeats
    uses: UseRecorder
    health: HealthMonitor
    maintenance: Gate
    observer: Observer
    metrics_token: str = ""
    strangers: Strangers = field(default_factory=Strangers)
    stopping: threading.Event = field(default_factory=threading.Event)


def edge() -> Edge:
    """The edge of the Flask application that handles the current request."""
    found: Edge = current_app.extensions[EXTENSION]
    return found

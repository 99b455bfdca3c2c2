"""The WSGI application of one web process: `offerhub.wsgi:create_app()`, made after the fork."""

import signal
import threading
from contextlib import suppress
from types import FrameType
from typing import Any

from flask import Flask

from offerhub import bootstrap
from offerhub.api.app import create_app as create_api
from offerhub.api.edge import EXTENSION, Edge
from offerhub.services.context import App
from offerhub.worker.queues import RedisDoorbell, connect


def create_app(app: App | None = None, settings: Any = None) -> Flask:
    """The API of this process's deployment, or of the given parts and settings.

    Raises: InvalidSettings.
    """
    found = settings or bootstrap.read_settings()
    parts = app or bootstrap.build_app(
        found, doorbell=RedisDoorbell(connect(found.redis_url)), redis=connect(found.redis_url)
    )
    made = create_api(
        parts,
        master_key=found.master_key.get_secret_value(),
        token_secret=found.token_secret.get_secret_value(),
        trusted_proxies=found.trusted_proxies,
        metrics_token=found.metrics_token.get_secret_value() if found.metrics_token else "",
        event_streams=found.event_streams,
    )
    edge: Edge = made.extensions[EXTENSION]
    _end_streams_with_the_process(edge.stopping)
    return made


def _end_streams_with_the_process(stopping: threading.Event) -> None:
    """Tell streams when the server asks this process to end; it waits for them otherwise."""
    before = signal.getsignal(signal.SIGTERM)
    if not callable(before):
        return  # nobody handles the signal: the process ends at once by itself

    def handle(number: int, frame: FrameType | None) -> None:
        stopping.set()
        before(number, frame)

    with suppress(ValueError):  # outside the main thread there is no server to end
        signal.signal(signal.SIGTERM, handle)

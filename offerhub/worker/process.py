"""The application of a worker process, opened once and shared by its jobs.

It also remembers when each kind of job last ran, for the stand-in that works when none come.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from redis.exceptions import RedisError

from offerhub.services.context import App
from offerhub.worker.queues import answered

log = structlog.get_logger(__name__)

_app: App | None = None
_lock = threading.Lock()
_running: dict[str, int] = {}
_ran_at_s: dict[str, float] = {}


def use(app: App) -> None:
    """Make `app` the one that this process's jobs work with."""
    global _app
    _app = app


def app() -> App:
    """Raises: RuntimeError in a process that is not a worker of ours."""
    if _app is None:
        raise RuntimeError("this process has no application; start it by `offerhub worker`")
    return _app


@contextmanager
def job(name: str) -> Iterator[App]:
    """A job of this kind runs: from now on a ring needs another one. Redis may be away by now."""
    found = app()
    with _lock:
        _running[name] = _running.get(name, 0) + 1
    try:
        if found.redis is not None:
            try:
                answered(name, found.redis)
            except RedisError as error:
                log.warning("redis.away", error=type(error).__name__)
        yield found
    finally:
        with _lock:
            _running[name] -= 1
            _ran_at_s[name] = time.monotonic()


def silent_s(name: str) -> float:
    """Seconds since a job of this kind ran; 0 while one runs, infinite before the first."""
    with _lock:
        if _running.get(name):
            return 0.0
        ran_at_s = _ran_at_s.get(name)
    return float("inf") if ran_at_s is None else time.monotonic() - ran_at_s

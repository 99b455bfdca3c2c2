"""RQ jobs and queues that can carry a wake-up and nothing else, whoever wrote them to Redis.

RQ runs whatever function a job names, JSON or not, its callbacks, and calls web addresses that a
job brings along. A worker holds the keys of all wallets; so here a job may name a function of ours
that takes nothing, and everything else in it is passed over. JSON always: rq-scheduler does not
pass a serializer along.
"""

import re
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

from rq import Queue
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

_WAKE_UP: Final = re.compile(r"(offerhub\.worker\.jobs\.[a-z_]+)\.([a-z_]+)", re.ASCII)


class NotAWakeUp(Exception):
    """A job that asks for something else than a look at the database."""


class JSONJob(Job):
    """A job whose data are JSON, and which runs only what `offerhub.worker.jobs` defines."""

    def __init__(self, id: str | None = None, connection: Any = None, serializer: Any = None):
        super().__init__(id, connection, JSONSerializer)

    @property
    def func(self) -> Callable[[], None]:
        """The function of ours that it names. Raises: NotAWakeUp."""
        named = _WAKE_UP.fullmatch(self.func_name or "")
        if named is None or self.instance is not None or self.args or self.kwargs:
            raise NotAWakeUp(f"{self.func_name!r} is no wake-up")
        found: Callable[[], None] | None = vars(import_module(named[1])).get(named[2])
        if getattr(found, "__module__", None) != named[1] or found is None:
            raise NotAWakeUp(f"{self.func_name!r} is no wake-up")
        return found

    @property
    def success_callback(self) -> None:
        """None of our jobs has any."""

    @property
    def failure_callback(self) -> None:
        """None of our jobs has any."""

    @property
    def stopped_callback(self) -> None:
        """None of our jobs has any."""

    def send_webhooks(self, status: str | JobStatus, *, exc_string: str | None = None) -> None:
        """Nobody is told: addresses from Redis could be any of our own network."""


class JSONQueue(Queue):
    """A queue of such jobs."""

    job_class = JSONJob

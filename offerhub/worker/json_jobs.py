"""RQ jobs and queues that are always JSON: rq-scheduler does not pass a serializer along."""

from typing import Any

from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer


class JSONJob(Job):
    """A job whose data are JSON, whoever makes or fetches it."""

    def __init__(self, id: str | None = None, connection: Any = None, serializer: Any = None):
        super().__init__(id, connection, JSONSerializer)


class JSONQueue(Queue):
    """A queue of such jobs."""

    job_class = JSONJob

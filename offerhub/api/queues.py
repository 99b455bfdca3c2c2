"""How the queues in Redis are doing. They only wake; what must happen is in the database."""

from datetime import UTC, datetime
from typing import Any, Final

from rq import Queue, Worker
from rq.job import Job
from rq.registry import FailedJobRegistry
from rq.serializers import JSONSerializer
from rq.utils import str_to_date

from offerhub.api.redis_gate import RedisGate

NAMES: Final = ("critical", "webhooks", "deliveries", "maintenance")


def describe(gate: RedisGate) -> dict[str, Any]:
    """Waiting jobs, the oldest one's age, workers and failed jobs per queue.

    Unknown (null) while Redis is away.
    """
    found = gate.call(lambda client: [_one(name, client) for name in NAMES], away=lambda: None)
    if found is None:
        return {"redis": "away", "queues": [_unknown(name) for name in NAMES]}
    return {"redis": "available", "queues": found}


def _one(name: str, client: Any) -> dict[str, Any]:
    queue = Queue(name, connection=client, serializer=JSONSerializer)
    return {
        "name": name,
        "waiting": queue.count,
        "oldest_job_s": _oldest_s(queue, client),
        "workers": Worker.count(queue=queue),
        "failed_jobs": FailedJobRegistry(queue=queue).count,
    }


def _oldest_s(queue: Queue, client: Any) -> int:
    """For how long the job waits that is next; 0 when none does, or it is gone meanwhile."""
    head = client.lindex(queue.key, 0)
    since = None if head is None else client.hget(Job.key_for(head.decode()), "enqueued_at")
    if since is None:
        return 0
    waited = datetime.now(UTC) - str_to_date(since).replace(tzinfo=UTC)
    return max(0, round(waited.total_seconds()))


def _unknown(name: str) -> dict[str, Any]:
    return {
        "name": name, "waiting": None, "oldest_job_s": None, "workers": None, "failed_jobs": None,
    }  # fmt: skip

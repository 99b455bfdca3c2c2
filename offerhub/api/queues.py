"""How the queues in Redis are doing. They only wake; what must happen is in the database."""

from typing import Any, Final

from rq import Queue, Worker
from rq.registry import FailedJobRegistry
from rq.serializers import JSONSerializer

from offerhub.api.redis_gate import RedisGate

NAMES: Final = ("critical", "webhooks", "deliveries", "maintenance")


def describe(gate: RedisGate) -> dict[str, Any]:
    """Waiting jobs, workers and failed jobs per queue; unknown (null) while Redis is away."""
    found = gate.call(lambda client: [_one(name, client) for name in NAMES], away=lambda: None)
    if found is None:
        return {"redis": "away", "queues": [_unknown(name) for name in NAMES]}
    return {"redis": "available", "queues": found}


def _one(name: str, client: Any) -> dict[str, Any]:
    queue = Queue(name, connection=client, serializer=JSONSerializer)
    return {
        "name": name,
        "waiting": queue.count,
        "workers": Worker.count(queue=queue),
        "failed_jobs": FailedJobRegistry(queue=queue).count,
    }


def _unknown(name: str) -> dict[str, Any]:
    return {"name": name, "waiting": None, "workers": None, "failed_jobs": None}

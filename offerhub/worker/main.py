"""An RQ worker process: one queue, no forks.

One queue per process, so that RQ moves jobs by LMOVE; no forking, so that a wake-up costs
milliseconds and the application is opened once.
"""

import structlog
from rq import SimpleWorker
from rq.serializers import JSONSerializer

from offerhub.services import platform
from offerhub.services.context import App, system_context
from offerhub.worker import process
from offerhub.worker.queues import QUEUES, connect, queue
from offerhub.worker.waiting import wait_for_redis

log = structlog.get_logger(__name__)

WORKER_TTL_S = 60


def run_worker(app: App, *, redis_url: str, queue_name: str) -> None:
    """Work on one queue until the process is told to stop. Raises: ValueError for another name."""
    if queue_name not in QUEUES:
        raise ValueError(f"unknown queue {queue_name!r}; there are {', '.join(QUEUES)}")
    # Blocking reads wait longer than the doorbell's short time-outs allow.
    redis = wait_for_redis(connect(redis_url, blocking=True))
    process.use(app)
    if queue_name == "critical":
        platform.ensure_set_up(system_context(app, name="start"))
    worker = SimpleWorker(
        [queue(queue_name, redis)],
        connection=redis,
        serializer=JSONSerializer,
        worker_ttl=WORKER_TTL_S,
        default_result_ttl=60,
    )
    log.info("worker.started", queue=queue_name)
    worker.work(logging_level="WARNING", with_scheduler=False)

"""An RQ worker process: one queue, no forks.

One queue per process, so that RQ moves jobs by LMOVE; no forking, so that a wake-up costs
milliseconds and the application is opened once.
"""

import structlog
from rq import SimpleWorker
from rq.serializers import JSONSerializer
from rq.worker_registration import REDIS_WORKER_KEYS, register

from offerhub.services import platform
from offerhub.services.context import App, system_context
from offerhub.worker import process
from offerhub.worker.json_jobs import JSONJob, JSONQueue
from offerhub.worker.queues import QUEUES, connect, queue
from offerhub.worker.stand_in import StandIn
from offerhub.worker.waiting import wait_for_redis

log = structlog.get_logger(__name__)

LISTEN_S = 5  # one blocking read of Redis; between two of them the worker says that it lives
ANSWER_S = 10.0  # how much longer Redis may take; then the process ends, and is started anew
WORKER_TTL_S = 60


def run_worker(app: App, *, redis_url: str, queue_name: str) -> None:
    """Work on one queue until the process is told to stop. Raises: ValueError for another name."""
    if queue_name not in QUEUES:
        raise ValueError(f"unknown queue {queue_name!r}; there are {', '.join(QUEUES)}")
    process.use(app)
    if queue_name == "critical":
        platform.ensure_set_up(system_context(app, name="start"))
    stand_in = StandIn(app, queue_name)
    stand_in.start()
    redis = wait_for_redis(connect(redis_url, timeout_s=LISTEN_S + ANSWER_S))
    worker = HardyWorker(
        [queue(queue_name, redis)],
        connection=redis,
        serializer=JSONSerializer,
        worker_ttl=WORKER_TTL_S,
        default_result_ttl=60,
    )
    log.info("worker.started", queue=queue_name)
    try:
        worker.work(logging_level="WARNING", with_scheduler=False)
    finally:
        stand_in.stop()


class HardyWorker(SimpleWorker):
    """RQ's worker, which comes back soon after Redis does, and is known to a Redis that forgot.

    It runs wake-ups of ours and nothing else (`json_jobs`).
    """

    job_class = JSONJob
    queue_class = JSONQueue
    max_connection_wait_time = 1.0

    @property
    def dequeue_timeout(self) -> int:
        return LISTEN_S

    def heartbeat(self, timeout: int | None = None, pipeline: object = None) -> None:
        super().heartbeat(timeout, pipeline)  # type: ignore[arg-type]
        if pipeline is None and not self.connection.sismember(REDIS_WORKER_KEYS, self.key):
            self.connection.hset(self.key, mapping=self.serialize())
            register(self)

"""The clock: rq-scheduler rings the doorbells, so that nothing waits for a lost wake-up.

Jobs have fixed ids and are registered anew at every start; those it does not know are deleted.
One scheduler is active at a time (rq-scheduler's own lock); others stand by.
"""

from datetime import UTC, datetime

import structlog
from rq_scheduler import Scheduler

from offerhub.worker.json_jobs import JSONJob, JSONQueue
from offerhub.worker.queues import BELLS, connect
from offerhub.worker.waiting import wait_for_redis

log = structlog.get_logger(__name__)

TICK_S = 1
INTERVALS_S = {"operations": 3, "inbox": 3, "checks": 5, "housekeeping": 3600}


def run_scheduler(*, redis_url: str) -> None:
    """Register the sweeps and run the clock until the process is told to stop."""
    redis = wait_for_redis(connect(redis_url))
    scheduler = Scheduler(
        queue_name="maintenance",
        connection=redis,
        interval=TICK_S,
        job_class=JSONJob,
        queue_class=JSONQueue,
    )
    register(scheduler)
    log.info("scheduler.started", sweeps=sorted(INTERVALS_S))
    scheduler.run()


def register(scheduler: Scheduler) -> None:
    """Replace the schedule by ours."""
    for job in list(scheduler.get_jobs()):
        scheduler.cancel(job)
    for name, interval_s in INTERVALS_S.items():
        bell = BELLS[name]
        scheduler.schedule(
            scheduled_time=datetime.now(UTC),
            func=bell.function,
            interval=interval_s,
            repeat=None,
            id=f"sweep-{name}",
            queue_name=bell.queue,
            timeout=bell.timeout_s,
        )

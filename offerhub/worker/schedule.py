"""The clock: rq-scheduler rings the doorbells, so that nothing waits for a lost wake-up.

Jobs have fixed ids and are registered anew at every start; those it does not know are deleted.
One scheduler is active at a time (rq-scheduler's own lock); others stand by.
"""

import os
import secrets
import socket
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from rq_scheduler import Scheduler

from offerhub.worker.json_jobs import JSONJob, JSONQueue
from offerhub.worker.queues import BELLS, connect
from offerhub.worker.waiting import wait_for_redis

log = structlog.get_logger(__name__)

TICK_S = 1
ANSWER_S = 5.0  # then the process ends, and is started anew
INTERVALS_S = {
    "operations": 3, "inbox": 3, "deliveries": 3, "checks": 5, "housekeeping": 3600,
    "books": 3600, "reconciliation": 3600, "treasury": 3600, "checkpoints": 300,
}  # fmt: skip
# How long after a start the first one is; the others begin at once. A start has enough to do.
FIRST_AFTER_S = {"books": 60, "reconciliation": 300, "treasury": 120, "checkpoints": 10}


def run_scheduler(*, redis_url: str) -> None:
    """Register the sweeps and run the clock until the process is told to stop."""
    redis = wait_for_redis(connect(redis_url, timeout_s=ANSWER_S))
    scheduler = Clock(
        queue_name="maintenance",
        connection=redis,
        interval=TICK_S,
        job_class=JSONJob,
        queue_class=JSONQueue,
        name=f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}",
    )
    register(scheduler)
    log.info("scheduler.started", sweeps=sorted(INTERVALS_S))
    scheduler.run()


def register(scheduler: Scheduler) -> None:
    """Replace the schedule by ours."""
    for job in list(scheduler.get_jobs()):
        scheduler.cancel(job)
    for name in INTERVALS_S:
        plan(scheduler, name)


def plan(scheduler: Scheduler, name: str) -> None:
    """Have one sweep run from now on, or from a little later."""
    bell = BELLS[name]
    scheduler.schedule(
        scheduled_time=datetime.now(UTC) + timedelta(seconds=FIRST_AFTER_S.get(name, 0)),
        func=bell.function,
        interval=INTERVALS_S[name],
        repeat=None,
        id=f"sweep-{name}",
        queue_name=bell.queue,
        timeout=bell.timeout_s,
    )


class Clock(Scheduler):
    """rq-scheduler's clock, which notices that Redis has forgotten the schedule, or the clock."""

    def enqueue_jobs(self) -> Any:
        names = list(INTERVALS_S)
        planned = self.connection.zmscore(
            self.scheduled_jobs_key, [f"sweep-{name}" for name in names]
        )
        missing = [name for name, at in zip(names, planned, strict=True) if at is None]
        if missing:
            log.warning("scheduler.planned_again", sweeps=missing)
        for name in missing:
            plan(self, name)
        return super().enqueue_jobs()

    def heartbeat(self) -> None:
        self.connection.hsetnx(self.key, "birth", str(time.time()))
        super().heartbeat()

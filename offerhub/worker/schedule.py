"""The clock's table, and its schedule in Redis: which sweep runs when.

The schedule is rq-scheduler's, with fixed ids; whatever else is in it is deleted. It is changed
under a fence alone: a mark in Redis that names the one scheduler which holds the lease. Not here:
who that is, and the process around it (`worker.scheduler`).
"""

import time
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from redis import Redis, WatchError
from rq_scheduler import Scheduler

from offerhub.worker.json_jobs import JSONJob, JSONQueue
from offerhub.worker.queues import BELLS

log = structlog.get_logger(__name__)

FENCE: Final = "offerhub:scheduler:fence"
INTERVALS_S = {
    "operations": 3, "inbox": 3, "deliveries": 3, "checks": 5, "housekeeping": 3600,
    "books": 3600, "reconciliation": 3600, "treasury": 3600, "checkpoints": 300,
}  # fmt: skip
# How long after a start the first one is; the others begin at once. A start has enough to do.
FIRST_AFTER_S = {"books": 60, "reconciliation": 300, "treasury": 120, "checkpoints": 10}


class Fenced(Exception):
    """Another scheduler has put its mark, or Redis has forgotten ours: ask for the lease again."""


class Schedule(Scheduler):
    """rq-scheduler's schedule in this Redis. `mark` is who changes it; see `ring_due`."""

    def __init__(self, redis: Redis) -> None:
        super().__init__(
            queue_name="maintenance", connection=redis, job_class=JSONJob, queue_class=JSONQueue
        )
        self.mark = b""

    def register(self) -> None:
        """Replace whatever is planned by our table. What was planned sooner stays as soon."""
        ids = {f"sweep-{name}" for name in INTERVALS_S}
        planned = self.connection.zrange(self.scheduled_jobs_key, 0, -1)
        for unknown in {one.decode() for one in planned} - ids:
            self.cancel(unknown)
        for name in INTERVALS_S:
            self.plan(name)

    def plan(self, name: str) -> None:
        """Have one sweep run from now on, or from a little later."""
        bell, id_ = BELLS[name], f"sweep-{name}"
        first_s = time.time() + FIRST_AFTER_S.get(name, 0)
        already_s = self.connection.zscore(self.scheduled_jobs_key, id_)
        self.schedule(
            scheduled_time=datetime.fromtimestamp(min(first_s, already_s or first_s), UTC),
            func=bell.function,
            interval=INTERVALS_S[name],
            repeat=None,
            id=id_,
            queue_name=bell.queue,
            timeout=bell.timeout_s,
        )

    def ring_due(self) -> int:
        """Ring for every sweep whose time has come; how many. Raises: Fenced, RedisError."""
        self._plan_what_is_missing()
        rung = 0
        for job in self.get_jobs_to_queue():
            if "interval" not in job.meta:
                self.cancel(job)  # nothing of ours
                continue
            self._ring(job)
            rung += 1
        return rung

    def get_queue_for_job(self, job: Any) -> JSONQueue:
        """One of ours: rq-scheduler would import whatever class a job names."""
        return JSONQueue(job.origin, connection=self.connection)

    def _plan_what_is_missing(self) -> None:
        """Also what is planned for later than it ever is: the clock was set back since."""
        names, now_s = list(INTERVALS_S), time.time()
        planned = self.connection.zmscore(
            self.scheduled_jobs_key, [f"sweep-{name}" for name in names]
        )
        missing = [
            name
            for name, at_s in zip(names, planned, strict=True)
            if at_s is None or at_s > now_s + _longest_s(name)
        ]
        if missing:
            log.warning("scheduler.planned_again", sweeps=missing)
        for name in missing:
            self.plan(name)

    def _ring(self, job: Any) -> None:
        """Queue the sweep and plan its next time, both or, past the fence, neither.

        One that still waits in its queue is not queued again: a worker that comes back after an
        hour looks once, and the age of the oldest job is how long nobody looked.
        """
        queue = self.get_queue_for_job(job)
        with self.connection.pipeline() as pipe:
            pipe.watch(FENCE)
            if pipe.get(FENCE) != self.mark:
                raise Fenced
            waits = pipe.lpos(queue.key, job.id) is not None
            pipe.multi()
            if not waits:
                queue.enqueue_job(job, pipeline=pipe)
            next_s = time.time() + int(job.meta["interval"])
            pipe.zadd(self.scheduled_jobs_key, {job.id: next_s})
            try:
                pipe.execute()
            except WatchError:
                raise Fenced from None


def _longest_s(name: str) -> float:
    """How far ahead a sweep is planned at most; the schedule keeps whole seconds."""
    return max(INTERVALS_S[name], FIRST_AFTER_S.get(name, 0)) + 1.0

"""The queues, and the doorbell: RQ as a wake-up, never as a record.

What must happen is a row in the database; a job only says "look". A lost job costs the time until
the next sweep, a few seconds.
"""

import threading
import time
from dataclasses import dataclass
from typing import Any

import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer

from offerhub.worker.json_jobs import JSONQueue

log = structlog.get_logger(__name__)

PENDING_S = 5  # a ring within this time of an unanswered one adds no further job
QUIET_S = 2.0  # how long a failed Redis is left alone, so that requests never wait for it in a row
CONNECT_TIMEOUT_S = 0.5
TIMEOUT_S = 0.75
RELAY_PAUSE_S = 0.05  # a busy process rings the relay this often, not with every request
RELAY_LIST = "offerhub:bell:relay"


@dataclass(frozen=True, slots=True)
class Bell:
    """Which job a ring enqueues, where, and how long it may run."""

    queue: str
    function: str
    timeout_s: int
    why: str


QUEUES = ("critical", "webhooks", "deliveries", "maintenance")
BELLS = {
    "operations": Bell("critical", "offerhub.worker.jobs.operations.drain", 120, "money moves"),
    "inbox": Bell("webhooks", "offerhub.worker.jobs.inbox.drain", 120, "webhooks are applied"),
    "deliveries": Bell(
        "deliveries", "offerhub.worker.jobs.deliveries.drain", 300, "marketplaces are told"
    ),
    "checks": Bell("maintenance", "offerhub.worker.jobs.checks.drain", 300, "providers are asked"),
    "housekeeping": Bell(
        "maintenance", "offerhub.worker.jobs.housekeeping.sweep", 300, "old rows are purged"
    ),
    "books": Bell("maintenance", "offerhub.worker.jobs.books.check", 900, "invariants are checked"),
    "reconciliation": Bell(
        "maintenance", "offerhub.worker.jobs.reconciliation.run", 3000, "providers are compared"
    ),
    "treasury": Bell(
        "maintenance", "offerhub.worker.jobs.treasury.keep", 300, "the treasury is kept in view"
    ),
    "checkpoints": Bell(
        "maintenance", "offerhub.worker.jobs.checkpoints.write", 60, "the audit chain is noted"
    ),
}


def connect(url: str, *, timeout_s: float = TIMEOUT_S) -> Redis:
    """A client that gives up soon and does not try again by itself: nobody waits for Redis."""
    return Redis.from_url(
        url,
        socket_connect_timeout=min(timeout_s, CONNECT_TIMEOUT_S),
        socket_timeout=timeout_s,
        health_check_interval=30,
        retry=None,
    )


def queue(name: str, redis: Redis) -> Queue:
    """Of jobs that can be nothing but wake-ups, so that writing to Redis is not running code."""
    return JSONQueue(name, connection=redis, serializer=JSONSerializer)


class RedisDoorbell:
    """`ports.doorbell.Doorbell` over RQ."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._quiet_until = 0.0
        self._lock = threading.Lock()
        self._relay_next = 0.0
        self._relay_due = False

    def ring(self, name: str) -> None:
        if time.monotonic() < self._quiet_until:
            return
        try:
            if name == "relay":
                self._ring_relay()
            elif self._redis.set(f"offerhub:bell:{name}", "1", nx=True, ex=PENDING_S):
                enqueue(BELLS[name], self._redis)
        except RedisError as exc:
            self._quiet_until = time.monotonic() + QUIET_S
            log.warning("doorbell.away", bell=name, error=type(exc).__name__)

    def _ring_relay(self) -> None:
        """At once after a pause; in a busy time one ring at the pause's end stands for all."""
        with self._lock:
            wait_s = self._relay_next - time.monotonic()
            if self._relay_due:
                return
            if wait_s > 0:
                self._relay_due = True
                later = threading.Timer(wait_s, self._ring_due)
                later.daemon = True
                later.start()
                return
            self._relay_next = time.monotonic() + RELAY_PAUSE_S
        _push(self._redis)

    def _ring_due(self) -> None:
        with self._lock:
            self._relay_due = False
            self._relay_next = time.monotonic() + RELAY_PAUSE_S
        try:
            _push(self._redis)
        except RedisError as exc:
            log.warning("doorbell.away", bell="relay", error=type(exc).__name__)


def _push(redis: Redis) -> None:
    """One ring is enough, however many there were: the relay takes all that it finds."""
    pipeline = redis.pipeline(transaction=False)
    pipeline.lpush(RELAY_LIST, "1")
    pipeline.ltrim(RELAY_LIST, 0, 0)
    pipeline.execute()


def answered(name: str, redis: Redis) -> None:
    """The job has begun: whatever is rung from now on needs another one."""
    try:
        redis.delete(f"offerhub:bell:{name}")
    except RedisError as exc:
        # The mark expires by itself; until then a sweep does the ringing.
        log.warning("doorbell.away", bell=name, error=type(exc).__name__)


def enqueue(bell: Bell, redis: Redis) -> Any:
    return queue(bell.queue, redis).enqueue(
        bell.function, job_timeout=bell.timeout_s, result_ttl=60, failure_ttl=86_400
    )

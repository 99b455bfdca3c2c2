"""The scheduler process: rings the sweeps, so that nothing waits for a lost wake-up.

One is active by its lease in the database, which no loss of Redis takes away; others stand by and
take over when it stops renewing. Its rings go to Redis, where the lease's lock does not reach. So
the active one puts its mark there, and rings only while the mark stands: a scheduler that was
paused past its lease rings nothing.
"""

import os
import secrets
import signal
import socket
import threading
from typing import Final

import structlog
from redis import Redis, WatchError
from redis.exceptions import RedisError

from offerhub.bootstrap import SystemClock
from offerhub.ports.clock import epoch_ms
from offerhub.services import leases
from offerhub.store.errors import AnyFailure
from offerhub.worker.queues import connect
from offerhub.worker.schedule import FENCE, INTERVALS_S, Fenced, Schedule

log = structlog.get_logger(__name__)

LEASE: Final = "scheduler"
LEASE_TTL_MS: Final = 5_000
TICK_S: Final = 1.0
ANSWER_S: Final = (
    4.0  # how long Redis may take; then another, that reaches it, shall have the lease
)


def run_scheduler(*, redis_url: str) -> None:
    """Ring until the process is told to stop; then give the lease up. The store must be open."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    log.info("scheduler.started", holder=holder, sweeps=sorted(INTERVALS_S))
    Loop(holder, connect(redis_url, timeout_s=ANSWER_S)).run(stopping)


class Loop:
    """Lease, mark, ring; a tick later again."""

    def __init__(self, holder: str, redis: Redis) -> None:
        self.holder = holder
        self.redis = redis
        self.schedule = Schedule(redis)
        self.clock = SystemClock()
        self.active = False

    def run(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            try:
                self.turn()
            except Fenced:
                log.warning("scheduler.fenced", holder=self.holder)
            except RedisError as error:
                # Who cannot ring must not keep others from it.
                log.warning("redis.away", error=type(error).__name__)
                self._give_up()
            except Exception:
                # The database may be restarting; the schedule is in Redis, and workers look anyway.
                log.exception("scheduler.failed")
            stopping.wait(TICK_S)
        self._give_up()

    def turn(self) -> bool:
        """One tick; whether this scheduler is the active one. Raises: Fenced, RedisError."""
        self.active = self._be_the_one()
        if self.active:
            self.schedule.ring_due()
        return self.active

    def _be_the_one(self) -> bool:
        """Have the lease and the mark.

        The mark is watched before the lease is asked for. So whoever puts a mark afterwards had the
        lease later than we, and ours is refused: even a pause right here changes nothing.
        """
        with self.redis.pipeline() as pipe:
            pipe.watch(FENCE)
            token = leases.take_token(
                LEASE, holder=self.holder, ttl_ms=LEASE_TTL_MS, own_ms=epoch_ms(self.clock.now())
            )
            if token is None:
                return False
            mark = f"{token}:{self.holder}".encode()
            if pipe.get(FENCE) == mark == self.schedule.mark:
                return True
            pipe.multi()
            pipe.set(FENCE, mark)
            try:
                pipe.execute()
            except WatchError:
                raise Fenced from None
        self.schedule.mark = mark
        log.info("scheduler.active", holder=self.holder, token=token)
        self.schedule.register()
        return True

    def _give_up(self) -> None:
        self.active = False
        try:
            leases.give_up(LEASE, holder=self.holder)
        except AnyFailure as error:
            log.warning("scheduler.lease_not_given_up", error=type(error).__name__)

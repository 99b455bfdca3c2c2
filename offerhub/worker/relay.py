"""The relay process: gives events their place on the stream and seals the audit chain.

One is active by its lease; others stand by and take over when it stops renewing.
"""

import os
import signal
import socket
import threading
import time

import structlog
from redis import Redis
from redis.exceptions import RedisError

from offerhub.bootstrap import SystemClock
from offerhub.domain.ids import new_id
from offerhub.events import relay
from offerhub.ports.clock import epoch_ms
from offerhub.worker.queues import RELAY_LIST, RedisDoorbell, connect

log = structlog.get_logger(__name__)

IDLE_S = 0.25
STANDBY_S = 1.0
DEAF_S = 5.0
SEAL_EVERY_S = 0.5


def run_relay(*, redis_url: str) -> None:
    """Sequence and seal until the process is told to stop; then give the lease up.

    The store must be open.
    """
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    holder = f"{socket.gethostname()}:{os.getpid()}:{new_id('req')[-8:]}"
    log.info("relay.started", holder=holder)
    Loop(holder, connect(redis_url)).run(stopping)


class Loop:
    """Lease, sequence, seal; wait for the bell."""

    def __init__(self, holder: str, redis: Redis | None) -> None:
        self.holder = holder
        self.redis = redis
        self.doorbell = RedisDoorbell(redis) if redis is not None else None
        self.clock = SystemClock()
        self.sealed_at = 0.0
        self.floor = 0
        self.active = False
        self.deaf_until = 0.0

    def run(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            try:
                busy = self.turn()
            except relay.LeaseLost:
                log.warning("relay.lease_lost", holder=self.holder)
                busy = False
            except Exception:
                # The database may be restarting; nothing is lost, the rows wait.
                log.exception("relay.failed")
                time.sleep(STANDBY_S)
                continue
            if not busy:
                self._wait(stopping)
        relay.give_up(holder=self.holder)

    def turn(self) -> bool:
        """One round; whether there was work and may be more. Raises: LeaseLost."""
        now_ms = relay.lease_clock_ms(epoch_ms(self.clock.now()))
        token = relay.take_lease(holder=self.holder, now_ms=now_ms)
        if token is None:
            self.active = False
            return False
        if not self.active:
            self.active, self.floor = True, 0
            log.info("relay.active", holder=self.holder, token=token)
        placed = relay.sequence_events(holder=self.holder, token=token)
        sealed = 0
        if placed == 0 or time.monotonic() - self.sealed_at > SEAL_EVERY_S:
            self.sealed_at = time.monotonic()
            sealed, newest = relay.seal_audit(
                holder=self.holder, token=token, after_position=self.floor
            )
            if sealed == 0 or newest > self.floor + 2 * relay.LATE_POSITIONS:
                self.floor = max(self.floor, newest - relay.LATE_POSITIONS)
        if placed and self.doorbell is not None:
            self.doorbell.ring("deliveries")
        return placed + sealed > 0

    def _wait(self, stopping: threading.Event) -> None:
        """Until somebody rings, or a little while."""
        if not self.active:
            stopping.wait(STANDBY_S)
            return
        if self.redis is not None and time.monotonic() >= self.deaf_until:
            try:
                self.redis.brpop([RELAY_LIST], timeout=IDLE_S)
            except RedisError:
                # A Redis that hangs must not hold up every round.
                self.deaf_until = time.monotonic() + DEAF_S
            return
        stopping.wait(IDLE_S)

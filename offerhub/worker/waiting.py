"""Waiting for Redis at a process's start."""

import time

import structlog
from redis import Redis
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

RETRY_S = 1.0


def wait_for_redis(redis: Redis) -> Redis:
    """Return once Redis answers; says so while it does not."""
    while True:
        try:
            redis.ping()
        except RedisError as exc:
            log.warning("redis.away", error=type(exc).__name__)
            time.sleep(RETRY_S)
        else:
            return redis

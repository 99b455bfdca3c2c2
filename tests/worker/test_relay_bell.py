"""Ringing the relay: at once when it is quiet, together when it is busy, and never lost."""

import time
from typing import Any

from redis import Redis

from offerhub.worker.queues import RELAY_LIST, RELAY_PAUSE_S, RedisDoorbell, connect


class CountingRedis:
    """Counts the conversations with a Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.conversations = 0

    def __getattr__(self, name: str) -> Any:
        self.conversations += 1
        return getattr(self._redis, name)


def wait_until_rung(redis: Redis) -> None:
    end = time.monotonic() + 5
    while not redis.llen(RELAY_LIST):
        assert time.monotonic() < end, "nobody rang"
        time.sleep(0.005)


def test_a_ring_after_quiet_is_heard_at_once(redis_url: str) -> None:
    redis = connect(redis_url)
    RedisDoorbell(redis).ring("relay")
    assert redis.llen(RELAY_LIST) == 1


def test_many_rings_are_one_and_cost_hardly_any_conversations(redis_url: str) -> None:
    redis = connect(redis_url)
    counting = CountingRedis(redis)
    bell = RedisDoorbell(counting)  # type: ignore[arg-type]
    for _ in range(1000):
        bell.ring("relay")
    time.sleep(3 * RELAY_PAUSE_S)
    assert redis.llen(RELAY_LIST) == 1
    assert counting.conversations <= 5


def test_what_is_rung_after_the_relay_has_looked_is_heard_too(redis_url: str) -> None:
    redis = connect(redis_url)
    bell = RedisDoorbell(redis)
    for _ in range(5):
        bell.ring("relay")
        wait_until_rung(redis)
        redis.delete(RELAY_LIST)  # the relay looks
        bell.ring("relay")  # and something else has been committed since
        wait_until_rung(redis)
        redis.delete(RELAY_LIST)

"""The clock: one scheduler rings, by a lease that Redis cannot lose; a late one rings nothing."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from redis import Redis
from redis.client import Pipeline

from offerhub.services import lease_holders
from offerhub.store import leases
from offerhub.store.database import atomic
from offerhub.worker.queues import BELLS, connect, queue
from offerhub.worker.schedule import FENCE, FIRST_AFTER_S, INTERVALS_S, Fenced
from offerhub.worker.scheduler import LEASE, LEASE_TTL_MS, TICK_S, Loop
from tests.fixtures.valkey import ValkeyServer

PLANNED = "rq:scheduler:scheduled_jobs"


def shown() -> dict[str, Any]:
    """The scheduler's lease as operators see it."""
    found = lease_holders.of_database(own_ms=time.time_ns() // 1_000_000)
    return next(one for one in found if one["name"] == LEASE)


def let_it_end() -> None:
    """As if the holder had been paused past its lease."""
    with atomic():
        leases.Lease.update(expires_at=0).where(leases.Lease.name == LEASE).execute()


def waiting(redis: Redis) -> dict[str, list[str]]:
    """Ids of waiting jobs by queue."""
    return {bell.queue: queue(bell.queue, redis).job_ids for bell in BELLS.values()}


def taken(redis: Redis) -> None:
    """As if workers had taken all jobs."""
    redis.delete(*(queue(bell.queue, redis).key for bell in BELLS.values()))


def all_due(redis: Redis) -> None:
    redis.zadd(PLANNED, {f"sweep-{name}": 1 for name in INTERVALS_S})


class Pausing:
    """A Redis that does something else first when the mark is watched, or read, for the first time.

    Before it is watched, and between the lease's answer and its reading: wherever a scheduler can
    be stopped on its way to the mark.
    """

    def __init__(self, redis: Redis, step: str, meanwhile: Callable[[], object]) -> None:
        self._redis = redis
        self._step = step
        self._meanwhile: list[Callable[[], object]] = [meanwhile]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._redis, name)

    def pipeline(self) -> Pipeline:
        pipe = self._redis.pipeline()
        real = getattr(pipe, self._step)

        def paused(key: str) -> Any:
            if self._meanwhile:
                self._meanwhile.pop()()
            return real(key)

        setattr(pipe, self._step, paused)
        return pipe


def test_the_active_one_plans_every_sweep_and_rings_those_that_are_due(
    database: str, redis_url: str
) -> None:
    redis = connect(redis_url)
    assert Loop("a", redis).turn()
    assert redis.zcard(PLANNED) == len(INTERVALS_S)
    rung = {job for jobs in waiting(redis).values() for job in jobs}
    assert rung == {f"sweep-{name}" for name in set(INTERVALS_S) - set(FIRST_AFTER_S)}
    assert waiting(redis)["critical"] == ["sweep-operations"]
    later_s = redis.zscore(PLANNED, "sweep-operations")
    assert later_s is not None
    assert 0 < later_s - time.time() <= INTERVALS_S["operations"]


@pytest.mark.proves("F11")
def test_a_second_one_stands_by_and_takes_over_when_the_first_gives_up_or_ends(
    database: str, redis_url: str
) -> None:
    first, second = (Loop(name, connect(redis_url)) for name in ("a", "b"))
    assert first.turn()
    assert not second.turn()
    held = shown()
    assert (held["holder"], held["standbys"]) == ("a", 1)
    first._give_up()
    assert second.turn()
    assert (shown()["holder"], shown()["standbys"]) == ("b", 0)
    assert shown()["fencing_token"] == held["fencing_token"] + 1
    assert not first.turn()
    let_it_end()
    assert first.turn()
    assert shown()["fencing_token"] == held["fencing_token"] + 2


@pytest.mark.proves("F11")
def test_one_that_was_paused_past_its_lease_rings_nothing(database: str, redis_url: str) -> None:
    redis = connect(redis_url)
    paused, awake = Loop("a", redis), Loop("b", connect(redis_url))
    assert paused.turn()
    let_it_end()
    assert awake.turn()
    taken(redis)
    all_due(redis)
    with pytest.raises(Fenced):
        paused.schedule.ring_due()  # it wakes in the middle of a tick
    assert not any(waiting(redis).values())
    assert redis.zscore(PLANNED, "sweep-inbox") == 1
    assert not paused.turn()
    assert awake.schedule.ring_due() == len(INTERVALS_S)


@pytest.mark.proves("F11")
@pytest.mark.parametrize("step", ["watch", "get"])
def test_one_that_was_paused_on_its_way_to_the_mark_does_not_put_it(
    database: str, redis_url: str, step: str
) -> None:
    """The moment that no look at the lease can close: it had the lease when it looked."""
    redis = connect(redis_url)
    awake = Loop("b", redis)

    def taken_over() -> None:
        let_it_end()
        assert awake.turn()

    paused = Loop("a", Pausing(connect(redis_url), step, taken_over))  # type: ignore[arg-type]
    with suppress(Fenced):
        assert not paused.turn()
    assert redis.get(FENCE) == awake.schedule.mark
    assert not paused.turn()
    assert awake.turn()


def test_a_redis_that_forgot_everything_changes_nothing_about_who_rings(
    database: str, redis_url: str
) -> None:
    redis = connect(redis_url)
    active, standby = Loop("a", redis), Loop("b", connect(redis_url))
    assert active.turn()
    token = shown()["fencing_token"]
    for _ in range(3):
        redis.flushall()
        assert not standby.turn()
        with pytest.raises(Fenced):
            active.schedule.ring_due()
        assert active.turn()
        assert redis.zcard(PLANNED) == len(INTERVALS_S)
        assert "sweep-operations" in waiting(redis)["critical"]
    assert (shown()["holder"], shown()["fencing_token"]) == ("a", token)


def test_a_mark_of_another_history_locks_nobody_out(database: str, redis_url: str) -> None:
    """As after a restore: the database counts tokens anew, Redis still has a high one."""
    redis = connect(redis_url)
    redis.set(FENCE, "57:somebody")
    assert Loop("a", redis).turn()


def test_a_sweep_that_still_waits_is_not_queued_again(database: str, redis_url: str) -> None:
    redis = connect(redis_url)
    loop = Loop("a", redis)
    assert loop.turn()
    for _ in range(5):
        all_due(redis)
        assert loop.schedule.ring_due() == len(INTERVALS_S)
    for name, bell in BELLS.items():
        assert waiting(redis)[bell.queue].count(f"sweep-{name}") == 1
    taken(redis)
    all_due(redis)
    loop.schedule.ring_due()
    assert waiting(redis)["critical"] == ["sweep-operations"]


def test_whoever_takes_over_puts_nothing_off_and_deletes_what_it_does_not_know(
    database: str, redis_url: str
) -> None:
    redis = connect(redis_url)
    assert Loop("a", redis).turn()
    soon_s = int(time.time()) + 7
    redis.zadd(PLANNED, {"sweep-reconciliation": soon_s, "sweep-books": soon_s + 3000, "odd": 1})
    let_it_end()
    assert Loop("b", redis).turn()
    assert redis.zscore(PLANNED, "sweep-reconciliation") == soon_s
    books_s = redis.zscore(PLANNED, "sweep-books")
    assert books_s is not None
    assert books_s <= time.time() + FIRST_AFTER_S["books"]
    assert redis.zscore(PLANNED, "odd") is None


@pytest.mark.timeout(60)
def test_whoever_cannot_reach_redis_leaves_the_lease_to_others(
    database: str, own_redis: ValkeyServer
) -> None:
    loop, stopping = Loop("a", connect(own_redis.url, timeout_s=0.5)), threading.Event()
    thread = threading.Thread(target=loop.run, args=(stopping,))
    thread.start()
    try:
        _until(lambda: shown()["state"] == "HELD")
        own_redis.kill()
        _until(lambda: shown()["state"] == "FREE", within_s=LEASE_TTL_MS / 1000 - TICK_S)
        own_redis.start()
        _until(lambda: shown()["state"] == "HELD")
    finally:
        stopping.set()
        thread.join(20)
    assert shown()["state"] == "FREE"


def _until(true: Callable[[], bool], *, within_s: float = 10.0) -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)

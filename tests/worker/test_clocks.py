"""The clock's table under clocks of its own: other zones, and a wall clock that was set back."""

import time
from collections.abc import Iterator

import pytest
from redis import Redis

from offerhub.worker.queues import BELLS, connect, queue
from offerhub.worker.schedule import FIRST_AFTER_S, INTERVALS_S
from offerhub.worker.scheduler import Loop

pytestmark = pytest.mark.proves("F16")

PLANNED = "rq:scheduler:scheduled_jobs"
DAY_S = 86_400.0


@pytest.fixture(
    params=["Europe/Berlin", pytest.param("Pacific/Kiritimati", marks=pytest.mark.full)]
)
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The process lives there."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


def rung(redis: Redis) -> list[str]:
    """Sweeps that wait to be done, and are then done."""
    queues = [queue(name, redis) for name in {bell.queue for bell in BELLS.values()}]
    names = sorted(job for one in queues for job in one.job_ids)
    redis.delete(*(one.key for one in queues))
    return names


def in_s(redis: Redis) -> dict[str, float]:
    """In how many seconds each sweep is due."""
    planned = redis.zrange(PLANNED, 0, -1, withscores=True)
    return {name.decode().removeprefix("sweep-"): at - time.time() for name, at in planned}


def test_sweeps_come_after_their_seconds_in_every_zone_and_once(
    database: str, redis_url: str, zone: str
) -> None:
    redis = connect(redis_url)
    clock = Loop("a", redis)
    assert clock.turn()
    assert set(rung(redis)) == {f"sweep-{n}" for n in set(INTERVALS_S) - set(FIRST_AFTER_S)}
    for name, seconds in in_s(redis).items():
        expected = FIRST_AFTER_S.get(name, INTERVALS_S[name])
        assert expected - 10 < seconds <= expected, name
    redis.zadd(PLANNED, {"sweep-books": time.time() - 1})
    assert clock.turn()
    assert "sweep-books" in rung(redis)
    assert INTERVALS_S["books"] - 10 < in_s(redis)["books"] <= INTERVALS_S["books"]


@pytest.mark.parametrize("back_s", [pytest.param(60.0, marks=pytest.mark.full), DAY_S])
def test_a_clock_that_was_set_back_holds_no_sweep_up(
    database: str, redis_url: str, back_s: float
) -> None:
    redis = connect(redis_url)
    clock = Loop("a", redis)
    assert clock.turn()
    rung(redis)
    before = dict(redis.zrange(PLANNED, 0, -1, withscores=True))
    redis.zadd(PLANNED, {name: at + back_s for name, at in before.items()})
    assert clock.turn()
    for name, seconds in in_s(redis).items():
        assert seconds <= max(INTERVALS_S[name], FIRST_AFTER_S.get(name, 0)) + 1, name
    redis.zadd(PLANNED, {"sweep-operations": 1})
    assert clock.turn()
    assert "sweep-operations" in rung(redis)

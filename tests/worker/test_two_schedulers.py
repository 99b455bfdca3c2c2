"""Two scheduler processes: one is stopped, or killed, and the other one rings soon after."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from redis import Redis

from offerhub.sandbox.chain.actors import actor_keypair
from offerhub.services import lease_holders
from offerhub.store.database import connect_to, proxy
from offerhub.worker.schedule import INTERVALS_S
from offerhub.worker.scheduler import LEASE
from tests.fixtures.ports import free_port
from tests.fixtures.processes import Launch, Process
from tests.services.world import environment

TAKEOVER_S = 10.0
PLANNED = "rq:scheduler:scheduled_jobs"
ENGINES = ["sqlite", pytest.param("postgres", marks=pytest.mark.full)]


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    found = str(request.getfixturevalue(f"{request.param}_url"))
    connect_to(found)
    yield found
    proxy.obj.close_all()


def shown() -> dict[str, Any]:
    found = lease_holders.of_database(own_ms=time.time_ns() // 1_000_000)
    return next(one for one in found if one["name"] == LEASE)


def until(true: Callable[[], object], what: str) -> float:
    """How long it took, in seconds."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() < began + 60, f"never: {what}"
        time.sleep(0.05)
    return time.monotonic() - began


def taken_over(before: dict[str, Any]) -> Callable[[], bool]:
    return lambda: bool(shown()["fencing_token"] > before["fencing_token"])


def rung_again(redis: Redis) -> Callable[[], bool]:
    """Whether the quickest sweep was planned once more since now."""
    before = redis.zscore(PLANNED, "sweep-operations") or 0

    def rung() -> bool:
        return (redis.zscore(PLANNED, "sweep-operations") or 0) > before

    return rung


def settings_of(url: str, redis_url: str) -> dict[str, str]:
    return environment(
        database_url=url, redis_url=redis_url, sandbox_host=f"127.0.0.1:{free_port()}"
    ) | {"STELLAR_USDC_ISSUER": actor_keypair("usdc issuer").public_key}


def started(launch: Launch, environ: dict[str, str], *, name: str) -> Process:
    return launch(sys.executable, "-m", "offerhub.cli", "scheduler", name=name, env=environ)


@pytest.fixture
def two(url: str, redis_url: str, launch: Launch) -> tuple[Process, Process]:
    """Both run; one is active and the other one stands by."""
    environ = settings_of(url, redis_url)
    both = started(launch, environ, name="one"), started(launch, environ, name="two")
    until(lambda: shown()["holder"] and shown()["standbys"] == 1, "one active, one standing by")
    return both


def of(held: dict[str, Any], both: tuple[Process, Process]) -> Process:
    """The process that has the lease."""
    return next(one for one in both if one.pid == int(held["holder"].split(":")[1]))


@pytest.mark.proves("F11")
@pytest.mark.timeout(120)
def test_a_standby_rings_soon_after_the_active_one_is_stopped_whatever_redis_forgets(
    two: tuple[Process, Process], redis_url: str, figure: Callable[[str, float], None]
) -> None:
    redis, first = Redis.from_url(redis_url), shown()
    until(lambda: redis.zcard(PLANNED) == len(INTERVALS_S), "the schedule")
    stopped = of(first, two)
    redis.flushall()
    stopped.send_signal(signal.SIGSTOP)
    try:
        took_s = until(taken_over(first), "a takeover")
        took_s += until(lambda: redis.zcard(PLANNED) == len(INTERVALS_S), "the schedule again")
        took_s += until(rung_again(redis), "a ring")
    finally:
        stopped.send_signal(signal.SIGCONT)
    figure("scheduler_takeover_s", took_s)
    assert took_s < TAKEOVER_S
    second = shown()
    assert second["holder"] != first["holder"]
    until(lambda: shown()["standbys"] == 1, "the woken one to stand by")
    assert shown()["fencing_token"] == second["fencing_token"]
    of(second, two).send_signal(signal.SIGTERM)
    assert of(second, two).wait() == 0
    took_s = until(lambda: shown()["holder"] == first["holder"], "the woken one's turn")
    assert took_s < TAKEOVER_S / 2, "the lease was given up, so nobody had to wait for its end"


@pytest.mark.full
@pytest.mark.proves("F11")
@pytest.mark.timeout(300)
def test_a_standby_rings_soon_after_the_active_one_is_killed_again_and_again(
    two: tuple[Process, Process],
    url: str,
    redis_url: str,
    launch: Launch,
    figure: Callable[[str, float], None],
) -> None:
    redis, both = Redis.from_url(redis_url), two
    for _ in range(5):
        before = shown()
        dead = of(before, both)
        os.kill(dead.pid, signal.SIGKILL)
        took_s = until(taken_over(before), "a takeover")
        took_s += until(rung_again(redis), "a ring")
        figure("scheduler_takeover_s", took_s)
        assert took_s < TAKEOVER_S
        dead.wait()
        alive = next(one for one in both if one is not dead)
        both = (alive, started(launch, settings_of(url, redis_url), name="next"))
        until(lambda: shown()["standbys"] == 1, "another standby")

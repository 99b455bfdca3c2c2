"""The shared outbound limit: never more than allowed in any window, never a lock-out."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import redis

from offerhub.ports.errors import RateLimited
from offerhub.ports.limits import Urgency, calls_for
from offerhub.providers.limiter import RedisLimiter
from tests.fixtures.ports import free_port
from tests.fixtures.valkey import ValkeyServer

KEY = "offerhub:outbound:acme"


def quick(url: str) -> "redis.Redis":
    return redis.Redis.from_url(url, socket_timeout=0.3, socket_connect_timeout=0.3, retry=None)


def limiter(url: str, calls: int, per_s: float, **options: Any) -> RedisLimiter:
    return RedisLimiter(quick(url), {"acme": (calls, per_s)}, **options)


def most_in_a_window(times_s: list[float], window_s: float) -> int:
    ordered = sorted(times_s)
    return max(
        sum(1 for other in ordered if start <= other < start + window_s) for start in ordered
    )


def permits_until_refused(take: Callable[[], None], most: int = 100) -> int:
    for taken in range(most):
        try:
            take()
        except RateLimited:
            return taken
    return most


def test_permits_up_to_the_limit_do_not_wait(redis_url: str) -> None:
    slept: list[float] = []
    shared = limiter(redis_url, 5, 60.0, sleep=slept.append)
    for _ in range(5):
        shared.acquire("acme")
    assert slept == []


def test_a_distant_slot_is_refused_and_says_when_to_come_back(redis_url: str) -> None:
    shared = limiter(redis_url, 5, 60.0)
    for _ in range(5):
        shared.acquire("acme")
    with pytest.raises(RateLimited) as caught:
        shared.acquire("acme")
    assert caught.value.provider == "acme"
    assert 55 < (caught.value.retry_after_s or 0) <= 60.1


def test_a_refusal_takes_no_slot(redis_url: str) -> None:
    shared = limiter(redis_url, 2, 60.0)
    shared.acquire("acme")
    shared.acquire("acme")
    waits = []
    for _ in range(20):
        with pytest.raises(RateLimited) as caught:
            shared.acquire("acme")
        waits.append(caught.value.retry_after_s or 0)
    assert max(waits) <= 60.1


def test_a_near_slot_is_waited_for(redis_url: str) -> None:
    slept: list[float] = []
    shared = limiter(redis_url, 1, 0.5, sleep=slept.append)
    shared.acquire("acme")
    shared.acquire("acme")
    assert len(slept) == 1
    assert 0.3 < slept[0] <= 0.56


def test_providers_have_limits_of_their_own(redis_url: str) -> None:
    shared = RedisLimiter(quick(redis_url), {"acme": (1, 60.0), "other": (1, 60.0)})
    shared.acquire("acme")
    shared.acquire("other")
    with pytest.raises(RateLimited):
        shared.acquire("acme")


def test_a_provider_without_a_limit_is_a_mistake(redis_url: str) -> None:
    with pytest.raises(KeyError):
        limiter(redis_url, 1, 1.0).acquire("unheard of")


@pytest.mark.parametrize("limit", [(0, 1.0), (1, 0.0), (-1, 1.0)])
def test_a_limit_that_allows_nothing_is_refused(redis_url: str, limit: tuple[int, float]) -> None:
    with pytest.raises(ValueError, match="at least one call"):
        RedisLimiter(quick(redis_url), {"acme": limit})


def _call_for(url: str, for_s: float, out: Any) -> None:
    shared = limiter(url, 10, 0.5)
    ends_s = time.monotonic() + for_s
    times = []
    while time.monotonic() < ends_s:
        try:
            shared.acquire("acme")
        except RateLimited:
            time.sleep(0.02)
        else:
            times.append(time.monotonic())
    out.put(times)


@pytest.mark.proves("F15")
def test_no_window_of_several_processes_holds_more_than_the_limit(redis_url: str) -> None:
    context = multiprocessing.get_context("fork")
    out = context.Queue()
    workers = [
        context.Process(target=_call_for, args=(redis_url, 2.0, out), daemon=True) for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    times = [moment for _ in workers for moment in out.get(timeout=20)]
    for worker in workers:
        worker.join(timeout=20)
    assert most_in_a_window(times, 0.5) <= 10 + 1  # one for a sleep that overshoots
    assert len(times) >= 30, "the limit is used, not only kept"


def test_threads_share_the_limit(redis_url: str) -> None:
    shared = limiter(redis_url, 3, 60.0)
    taken: list[int] = []

    def take() -> None:
        try:
            shared.acquire("acme")
        except RateLimited:
            return
        taken.append(1)

    threads = [threading.Thread(target=take) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 3


def test_state_expires_by_itself(redis_url: str) -> None:
    limiter(redis_url, 3, 0.5).acquire("acme")
    assert 0 < quick(redis_url).pttl(KEY) <= 1600


@pytest.mark.proves("F15")
def test_an_emptied_redis_does_no_harm(redis_url: str) -> None:
    shared = limiter(redis_url, 3, 60.0)
    shared.acquire("acme")
    quick(redis_url).flushall()
    quick(redis_url).script_flush()
    assert permits_until_refused(lambda: shared.acquire("acme")) == 3


@pytest.mark.proves("F15", "F16")
def test_a_clock_set_back_locks_nobody_out_for_longer_than_a_window(redis_url: str) -> None:
    shared = limiter(redis_url, 3, 10.0)
    hours_ahead_us = int((time.time() + 7200) * 1e6)
    quick(redis_url).rpush(KEY, *[hours_ahead_us - age for age in (0, 1_000_000, 9_500_000)])
    slept: list[float] = []
    shared._sleep = slept.append
    shared.acquire("acme")
    assert slept
    assert slept[0] <= 0.56, "the oldest of three was 9.5 s before the newest"
    with pytest.raises(RateLimited) as caught:
        shared.acquire("acme")
    assert (caught.value.retry_after_s or 0) <= 10.1


def test_without_redis_each_process_keeps_to_its_part() -> None:
    alone = limiter(f"redis://127.0.0.1:{free_port()}/0", 12, 60.0, processes=4)
    assert permits_until_refused(lambda: alone.acquire("acme")) == 3


def test_without_redis_even_a_small_limit_lets_one_call_through() -> None:
    alone = limiter(f"redis://127.0.0.1:{free_port()}/0", 2, 60.0, processes=6)
    assert permits_until_refused(lambda: alone.acquire("acme")) == 1


def test_without_redis_a_window_later_there_are_permits_again() -> None:
    alone = limiter(f"redis://127.0.0.1:{free_port()}/0", 2, 0.3, processes=1)
    times = []
    for _ in range(6):
        alone.acquire("acme")
        times.append(time.monotonic())
    assert most_in_a_window(times, 0.3) <= 2


def test_a_lost_redis_is_not_asked_again_at_once(own_redis: ValkeyServer) -> None:
    shared = limiter(own_redis.url, 100, 1.0, processes=1, retry_redis_after_s=60.0)
    own_redis.stop()
    shared.acquire("acme")
    own_redis.start()
    shared.acquire("acme")
    assert quick(own_redis.url).llen(KEY) == 0


@pytest.mark.proves("F15")
def test_redis_takes_over_again_and_both_limits_hold_for_one_window(
    own_redis: ValkeyServer,
) -> None:
    now_s = [1000.0]
    shared = limiter(
        own_redis.url,
        8,
        60.0,
        processes=4,
        retry_redis_after_s=2.0,
        monotonic=lambda: now_s[0],
        sleep=lambda _s: None,
    )
    own_redis.kill()
    assert permits_until_refused(lambda: shared.acquire("acme")) == 2
    own_redis.start()
    now_s[0] += 3
    with pytest.raises(RateLimited):
        shared.acquire("acme")  # Redis would allow it; our own calls are not over yet
    now_s[0] += 61
    quick(own_redis.url).flushall()
    assert permits_until_refused(lambda: shared.acquire("acme")) == 8


def test_a_redis_that_hangs_is_left_after_its_timeout(own_redis: ValkeyServer) -> None:
    shared = limiter(own_redis.url, 4, 60.0, processes=2)
    shared.acquire("acme")
    pid = int(quick(own_redis.url).info("server")["process_id"])
    os.kill(pid, signal.SIGSTOP)
    try:
        started_s = time.monotonic()
        assert permits_until_refused(lambda: shared.acquire("acme")) == 2
        assert time.monotonic() - started_s < 2.0
    finally:
        os.kill(pid, signal.SIGCONT)


def test_from_url_gives_up_on_a_missing_redis_quickly() -> None:
    started_s = time.monotonic()
    RedisLimiter.from_url(f"redis://127.0.0.1:{free_port()}/0", {"acme": (5, 1.0)}).acquire("acme")
    assert time.monotonic() - started_s < 1.0


def refused_as(shared: RedisLimiter, name: str, urgency: Urgency, since_ms: int = 0) -> float:
    """Seconds after which to ask again; fails when the call is let through."""
    with calls_for(name, urgency, since_ms=since_ms), pytest.raises(RateLimited) as caught:
        shared.acquire("acme")
    return caught.value.retry_after_s or 0


def let_through(shared: RedisLimiter, name: str, urgency: Urgency, since_ms: int = 0) -> bool:
    with calls_for(name, urgency, since_ms=since_ms):
        try:
            shared.acquire("acme")
        except RateLimited:
            return False
    return True


@pytest.mark.proves("F25")
def test_freed_slots_are_kept_for_the_more_urgent_and_then_the_older(redis_url: str) -> None:
    shared = limiter(redis_url, 2, 1.2, longest_wait_s=0.0, margin_s=0.0)
    shared.acquire("acme")
    shared.acquire("acme")
    refused_as(shared, "sweep", Urgency.BACKGROUND)
    for name, urgency, since_ms in (
        ("poll", Urgency.BACKGROUND, 1), ("young", Urgency.MONEY, 9), ("old", Urgency.MONEY, 5),
        ("doubt", Urgency.UNDER_WAY, 99),
    ):  # fmt: skip
        refused_as(shared, name, urgency, since_ms)
    time.sleep(1.25)
    assert not let_through(shared, "sweep", Urgency.BACKGROUND)
    assert not let_through(shared, "young", Urgency.MONEY, 9)
    assert let_through(shared, "poll", Urgency.BACKGROUND, 1)  # has the share of its kind
    assert let_through(shared, "doubt", Urgency.UNDER_WAY, 99)
    assert not let_through(shared, "old", Urgency.MONEY, 5)


@pytest.mark.proves("F25")
def test_a_share_of_each_window_is_for_background_whatever_is_urgent(redis_url: str) -> None:
    shared = limiter(redis_url, 10, 1.2, longest_wait_s=0.0, margin_s=0.0)
    for number in range(10):
        assert let_through(shared, f"m{number}", Urgency.MONEY, number)
    for number in range(30):
        refused_as(shared, f"m{number}", Urgency.MONEY, number)
    refused_as(shared, "poll", Urgency.BACKGROUND, 99)
    time.sleep(1.25)
    passed = [let_through(shared, f"m{number}", Urgency.MONEY, number) for number in range(30)]
    assert sum(passed) == 9
    assert passed[:9] == [True] * 9
    assert let_through(shared, "poll", Urgency.BACKGROUND, 99)


@pytest.mark.proves("F25")
def test_a_place_whose_owner_does_not_come_back_is_given_up(redis_url: str) -> None:
    shared = limiter(redis_url, 1, 0.4, longest_wait_s=0.0, margin_s=0.0, place_grace_s=0.2)
    shared.acquire("acme")
    refused_as(shared, "dead", Urgency.UNDER_WAY)
    time.sleep(0.45)
    assert not let_through(shared, "alive", Urgency.MONEY)
    time.sleep(0.3)
    assert let_through(shared, "alive", Urgency.MONEY)


def test_the_outlook_counts_those_who_wait_and_books_nothing(redis_url: str) -> None:
    shared = limiter(redis_url, 2, 60.0, margin_s=0.0)
    assert shared.outlook("acme").free_in_s == (0.0, 0.0)  # type: ignore[union-attr]
    shared.acquire("acme")
    shared.acquire("acme")
    refused_as(shared, "one", Urgency.MONEY)
    seen = shared.outlook("acme")
    assert seen is not None
    assert seen.waiting == 1
    assert 59 < seen.wait_s(0) <= seen.wait_s(1) <= 60
    assert 119 < seen.wait_s(2) <= 120

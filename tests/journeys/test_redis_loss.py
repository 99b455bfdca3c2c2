"""Redis hangs, is away, comes back empty: money routes answer, work goes on, nothing is lost."""

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from redis import Redis

from offerhub.cli.appliance import valkey
from offerhub.settings import paths
from offerhub.worker.schedule import INTERVALS_S
from tests.journeys.market import Market, People, until
from tests.journeys.steps import STEPS, Steps

SLOWEST_S = 3.0  # bound of a single request; three time-outs of Redis and a busy machine
MEDIAN_S = 0.5
KNOWN_AGAIN_S = 30.0


def timed_requests(market: Market, people: People, *, lasting_s: float) -> list[float]:
    """How long reads and money routes take, one after another, for so long."""
    client, taken_s = market.client, []
    end = time.monotonic() + lasting_s

    def money() -> None:
        order = client.orders.create(
            buyer_id=people.buyer, seller_id=people.seller, amount="1.00", title="In the dark"
        )
        client.orders.reserve(order.id)
        client.orders.cancel(order.id)

    requests: list[tuple[int, Callable[[], object]]] = [
        (1, lambda: client.users.balance(people.buyer)),
        (3, money),
        (1, lambda: client.orders.list(limit=5)),
    ]
    while time.monotonic() < end:
        for count, request in requests:
            began = time.monotonic()
            request()
            taken_s.append((time.monotonic() - began) / count)
    return sorted(taken_s)


@contextmanager
def hanging(market: Market) -> Iterator[None]:
    pid = until(lambda: market.pid("valkey"), "valkey")
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def stopped_and_emptied(market: Market) -> Iterator[None]:
    market.control("stop", "valkey")
    try:
        yield
    finally:
        shutil.rmtree(paths.valkey_data(market.home))
        paths.make_private(paths.valkey_data(market.home))
        market.control("start", "valkey")
        until(lambda: valkey.answers(market.settings), "valkey to answer")


def all_known(market: Market) -> bool:
    """Whether Redis and every process are healthy; other tests may have left work for operators."""
    health = market.client.health()
    parts = ("database", "redis", "worker", "scheduler", "relay", "deposits")
    return all(health.component_status(name) == "healthy" for name in parts)


def wait_until_known_again(market: Market, *, began: float) -> float:
    """Seconds since `began` until the schedule stands and Redis knows all processes again."""
    with Redis.from_url(market.settings.redis_url) as redis:
        until(
            lambda: redis.zcard("rq:scheduler:scheduled_jobs") == len(INTERVALS_S),
            "the schedule", patience_s=KNOWN_AGAIN_S,
        )  # fmt: skip
    until(lambda: all_known(market), "health", patience_s=KNOWN_AGAIN_S)
    return time.monotonic() - began


@pytest.mark.parametrize(
    "outage", [pytest.param(hanging, marks=pytest.mark.full), stopped_and_emptied]
)
def test_an_order_completes_and_requests_answer_while_redis_is_away(
    market: Market, people: People, outage: Callable[[Market], object]
) -> None:
    with outage(market):
        taken_s = timed_requests(market, people, lasting_s=3)
        began = time.monotonic()
        Steps(market, people).do(*STEPS)
        order_s = time.monotonic() - began
        taken_s += timed_requests(market, people, lasting_s=2)
    back_at = time.monotonic()
    taken_s.sort()
    median_s, slowest_s = taken_s[len(taken_s) // 2], taken_s[-1]
    known_s = wait_until_known_again(market, began=back_at)
    print(
        f"{outage.__name__}: {len(taken_s)} requests, median {median_s:.3f} s, slowest"
        f" {slowest_s:.2f} s; whole order {order_s:.1f} s; all known again after {known_s:.1f} s"
    )
    Steps(market, people).do("escrow")
    market.books_match()
    assert slowest_s < SLOWEST_S
    assert median_s < MEDIAN_S


def test_what_redis_forgets_in_an_instant_is_made_again(market: Market, people: People) -> None:
    steps = Steps(market, people)
    steps.begin("escrow", uuid4().hex)
    with Redis.from_url(market.settings.redis_url) as redis:
        redis.flushall()
    flushed_at = time.monotonic()
    known_s = wait_until_known_again(market, began=flushed_at)
    steps.end("escrow")
    print(f"after FLUSHALL: schedule, workers and clock are known again after {known_s:.1f} s")
    steps.do("fund", "release")
    market.books_match()


@pytest.mark.full
@pytest.mark.timeout(900)
def test_orders_complete_while_redis_forgets_everything_every_second(
    market: Market, people: People
) -> None:
    for _ in range(10):
        steps = Steps(market, people)
        for step in STEPS:
            with Redis.from_url(market.settings.redis_url) as redis:
                redis.flushall()
            steps.do(step)
    wait_until_known_again(market, began=time.monotonic())
    market.books_match()

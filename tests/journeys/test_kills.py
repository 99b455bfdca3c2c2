"""kill -9 of every process while an order is on its way: it completes by itself, and once."""

import random
import threading
import time
from uuid import uuid4

import pytest

from tests.journeys.market import Market, People
from tests.journeys.steps import STEPS, Steps

RECOVERY_S = 15.0
LONGEST_PAUSE_S = 0.3  # most steps take a little longer than this
PROCESSES = (
    "api", "worker-critical", "worker-webhooks", "worker-deliveries", "worker-maintenance",
    "relay", "deposits", "scheduler", "sandbox", "valkey",
)  # fmt: skip
# Who dies in which step: the worker where money moves, the rest while they are needed. The
# storm below and the long tests kill all of them.
CASES = [
    ("worker-critical", "fund"),
    pytest.param("worker-critical", "release", marks=pytest.mark.full),
    ("sandbox", "fund"),
    ("valkey", "release"),
    ("api", "escrow"),
]


def interrupted(market: Market, steps: Steps, step: str, victim: str, *, pause_s: float) -> float:
    """Begin a step, kill a process a moment later; how long the step then took to its end.

    In seconds since the API answers, which is at once unless it was the one that was killed.
    """
    key = uuid4().hex
    first = steps.begin(step, key)
    time.sleep(pause_s)
    killed_at = time.monotonic()
    dead = market.kill(victim)
    again = steps.begin(step, key)
    assert again == first, "the retry was answered otherwise than the first request"
    if victim == "api":  # orphans of the old one still answer for a moment
        market.wait_restarted(victim, dead)
        market.client.me()
    answered_at = time.monotonic()
    steps.end(step)
    ended_at = time.monotonic()
    market.wait_restarted(victim, dead)
    print(
        f"kill -9 of {victim} during {step}: answered after {answered_at - killed_at:.2f} s,"
        f" done after {ended_at - killed_at:.2f} s"
    )
    return ended_at - answered_at


@pytest.mark.parametrize(("victim", "step"), CASES)
def test_an_order_completes_by_itself_when_a_process_is_killed(
    market: Market, people: People, victim: str, step: str
) -> None:
    chance = random.Random(f"{victim} {step}")
    steps = Steps(market, people)
    steps.do(*STEPS[: STEPS.index(step)])
    pause_s = chance.uniform(0.0, LONGEST_PAUSE_S)
    took_s = interrupted(market, steps, step, victim, pause_s=pause_s)
    steps.do(*STEPS[STEPS.index(step) + 1 :])
    market.books_match()
    assert took_s < RECOVERY_S


@pytest.mark.full
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("victim", PROCESSES)
def test_an_order_completes_when_a_process_is_killed_in_each_of_its_steps(
    market: Market, people: People, victim: str
) -> None:
    chance = random.Random(victim)
    slowest_s = 0.0
    for _ in range(3):
        steps = Steps(market, people)
        for step in STEPS:
            pause_s = chance.uniform(0.0, LONGEST_PAUSE_S)
            took_s = interrupted(market, steps, step, victim, pause_s=pause_s)
            slowest_s = max(slowest_s, took_s)
    market.books_match()
    assert slowest_s < RECOVERY_S


def storm(market: Market, people: People, *, orders: int, lasting_s: float, seed: int) -> None:
    """Many orders at once, while now and then some process is killed; all end, all is right."""
    chance = random.Random(seed)
    over = threading.Event()
    killed: list[str] = []

    def kill_now_and_then() -> None:
        end = time.monotonic() + lasting_s
        doomed: list[str] = []
        while time.monotonic() < end and not over.wait(chance.uniform(0.3, 1.5)):
            doomed = doomed or chance.sample(PROCESSES, len(PROCESSES))  # each in its turn
            name = doomed.pop()
            if market.pid(name) is not None:
                market.kill(name)
                killed.append(name)

    way = [Steps(market, people) for _ in range(orders)]
    failures: list[Exception] = []

    def run(steps: Steps) -> None:
        try:
            steps.do(*STEPS)
        except Exception as error:  # noqa: BLE001 - shown by the test itself, below
            failures.append(error)

    threads = [threading.Thread(target=run, args=(steps,)) for steps in way]
    killer = threading.Thread(target=kill_now_and_then)
    for thread in [*threads, killer]:
        thread.start()
    for thread in threads:
        thread.join()
    over.set()
    killer.join()
    print(f"{orders} orders over {len(killed)} kills: {', '.join(killed)}")
    assert not failures, failures
    assert killed
    market.books_match()


def test_orders_side_by_side_complete_in_a_storm_of_kills(market: Market, people: People) -> None:
    storm(market, people, orders=4, lasting_s=12, seed=1)


@pytest.mark.full
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(2, 8))
def test_many_orders_complete_in_long_storms_of_kills(
    market: Market, people: People, seed: int
) -> None:
    storm(market, people, orders=12, lasting_s=60, seed=seed)

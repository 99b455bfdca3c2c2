"""Transactions that lose against each other are repeated: no client sees a deadlock."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from offerhub.services import idempotency
from offerhub.services.idempotency import Answer
from offerhub.store.database import atomic, close, connect_to, connection, execute
from offerhub.store.leases import flag, set_flag
from tests.fixtures.proof import Figure

ROUNDS = 2


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[str]:
    connect_to(postgres_url)
    yield postgres_url
    close()


@pytest.mark.proves("P9")
def test_requests_that_deadlock_with_each_other_are_all_answered(
    postgres: str, figure: Figure
) -> None:
    """Two requests lock two rows in opposite orders; Postgres ends one, and it is done again."""
    names = ("left", "right")
    with atomic():
        for name in names:
            set_flag(name, 0, now=0)
    tries = [0]

    def request(first: str, second: str, together: threading.Barrier) -> Answer:
        met = [False]

        def work() -> Answer:
            tries[0] += 1
            _add_one(first)
            if not met[0]:
                met[0] = True
                together.wait(10)
            _add_one(second)
            return Answer(200, b"done")

        app: Any = None  # only kept answers ask the application for anything
        return idempotency.perform(app, None, work, refusal=lambda error: None)

    with ThreadPoolExecutor(2) as pool:
        for _ in range(ROUNDS):
            together = threading.Barrier(2)
            asked = [pool.submit(request, *pair, together) for pair in (names, names[::-1])]
            assert [one.result(30).status for one in asked] == [200, 200]
    with connection():
        assert [flag(name) for name in names] == [2 * ROUNDS] * 2
    assert tries[0] > 2 * ROUNDS, "nothing ever lost"
    figure("deadlocks", tries[0] - 2 * ROUNDS)


def _add_one(name: str) -> None:
    execute("UPDATE flags SET value = ((value::int) + 1)::text WHERE name = ?", (name,))

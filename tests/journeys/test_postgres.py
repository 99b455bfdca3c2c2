"""The same order on Postgres, which is restarted under it, as is a worker."""

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.fixtures.databases import execute
from tests.fixtures.ports import free_port
from tests.fixtures.postgres import PostgresServer
from tests.fixtures.session import data_folder
from tests.journeys.market import Market, close_market, open_market
from tests.journeys.steps import Steps


@pytest.fixture
def postgres() -> Iterator[PostgresServer]:
    """A server that keeps what it has committed, also when it is killed."""
    folder = data_folder() / f"journey-{os.getpid()}"
    server = PostgresServer(folder, durable=True)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def market(postgres: PostgresServer) -> Iterator[Market]:
    """A deployment whose books are in a Postgres of its own."""
    execute(postgres.url(), "CREATE DATABASE {}", "market")
    with tempfile.TemporaryDirectory(prefix="oh-") as folder:
        home = Path(folder) / "market"
        url = postgres.url("market")
        try:
            yield open_market(home, port=free_port(), sandbox_port=free_port(), DATABASE_URL=url)
        finally:
            close_market(home)


def test_an_order_completes_over_restarts_of_postgres_and_of_a_worker(
    market: Market, postgres: PostgresServer
) -> None:
    people = market.people(deposit="100.00")
    steps = Steps(market, people)
    steps.do("escrow")

    key = uuid4().hex
    first = steps.begin("fund", key)
    time.sleep(0.1)
    dead, killed_at = market.kill("worker-critical"), time.monotonic()
    assert steps.begin("fund", key) == first
    steps.end("fund")
    market.wait_restarted("worker-critical", dead)
    print(f"kill -9 of the worker: funded {time.monotonic() - killed_at:.1f} s later")

    for step, end in (("release", postgres.kill), ("withdrawal", postgres.stop)):
        key = uuid4().hex
        first = steps.begin(step, key)
        ended_at = time.monotonic()
        end()
        starting = threading.Timer(1.0, postgres.start)
        starting.start()
        assert steps.begin(step, key) == first, "the retry was answered otherwise"
        starting.join()
        up_at = time.monotonic()
        steps.end(step)
        print(
            f"Postgres away for {up_at - ended_at:.1f} s in the {step}:"
            f" done {time.monotonic() - up_at:.1f} s after it was back"
        )
    market.books_match()

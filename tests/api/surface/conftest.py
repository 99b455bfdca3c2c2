"""One set-up world for each module of tests, with a buyer, a seller, and money.

Tests here only look at what they made themselves. They run on SQLite; `--full` repeats them on
Postgres.
"""

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
import structlog

from offerhub.events import stream
from offerhub.services import engine
from offerhub.worker.jobs.operations import perform_next
from tests.api.caller import Caller, open_api
from tests.api.surface.market import Market, open_market
from tests.fixtures.databases import postgres_copy, sqlite_copy
from tests.fixtures.valkey import ValkeyServer
from tests.services.world import World, open_world

GENEROUS = dict.fromkeys(("api_key", "topups", "withdrawals", "failed_logins"), 1_000_000)


@dataclass(frozen=True)
class _Made:
    world: World
    market: Market


@pytest.fixture(autouse=True)
def plain_logs() -> Iterator[None]:
    """Errors only, without the local variables of every frame."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
    )
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.full)])
def _made(request: pytest.FixtureRequest, _valkey: ValkeyServer) -> Iterator[_Made]:
    sqlite = request.param == "sqlite"
    copy = sqlite_copy() if sqlite else postgres_copy(request.getfixturevalue("_postgres"))
    with copy as url:
        world = open_world(database_url=url, redis_url=_valkey.url)
        try:
            policy = replace(world.app.policy, rate_limits_per_min=GENEROUS)
            world.app = replace(world.app, policy=policy)
            world.set_up()
            yield _Made(world, open_market(open_api(world)))
        finally:
            world.close()


@pytest.fixture
def market(_made: _Made, monkeypatch: pytest.MonkeyPatch) -> Iterator[Market]:
    """The world's market; providers are healthy again afterwards."""
    monkeypatch.setattr(stream, "_tail", stream.Tail())
    _made.world.use()
    yield _made.market
    _made.world.healthy()


@pytest.fixture
def world(market: Market) -> World:
    return market.world


@pytest.fixture
def api(market: Market) -> Caller:
    """Calls with an admin key and without limits worth speaking of."""
    return market.api


@pytest.fixture
def background_worker(market: Market) -> Iterator[None]:
    """Operations are performed on a thread of their own while the test waits for answers."""
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            if not perform_next(market.world.app):
                due_at = engine.next_due_at(market.world.app)
                if due_at is not None:
                    market.world.clock.skip((due_at - market.world.app.now_ms()) / 1000)
                stop.wait(0.02)

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stop.set()
    thread.join()

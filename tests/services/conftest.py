"""The world of service tests, on SQLite and on Postgres.

`world` is a test's own. `shared_world` is one per module and database, for tests that only look
at the users, orders and movements that they made themselves. A module's `OUTBOUND` is the patience
that its world has with the providers.
"""

import logging
from collections.abc import Iterator

import pytest
import structlog

from tests.fixtures.databases import ENGINES, postgres_copy, sqlite_copy
from tests.fixtures.valkey import ValkeyServer
from tests.services.world import QUICK, World, open_world


@pytest.fixture(autouse=True)
def plain_logs() -> Iterator[None]:
    """Errors only, and without the local variables of every frame: thousands of tests log."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
    )
    yield
    structlog.reset_defaults()


@pytest.fixture
def world(database_url: str, redis_url: str) -> Iterator[World]:
    """A set-up application on a fresh database, against a fresh sandbox."""
    made = open_world(database_url=database_url, redis_url=redis_url)
    try:
        made.set_up()
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module", params=ENGINES)
def _module_world(request: pytest.FixtureRequest, _valkey: ValkeyServer) -> Iterator[World]:
    sqlite = request.param == "sqlite"
    copy = sqlite_copy() if sqlite else postgres_copy(request.getfixturevalue("_postgres"))
    with copy as url:
        outbound = getattr(request.module, "OUTBOUND", QUICK)
        made = open_world(database_url=url, redis_url=_valkey.url, outbound=outbound)
        try:
            made.set_up()
            yield made
        finally:
            made.close()


@pytest.fixture
def shared_world(_module_world: World) -> Iterator[World]:
    """The module's world, healthy again afterwards, its books compared with the sandbox's own."""
    made = _module_world.use()
    yield made
    made.healthy()

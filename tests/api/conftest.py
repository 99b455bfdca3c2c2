"""The API of a small world: a real database, a real Valkey, the sandbox as the outside world."""

from collections.abc import Iterator

import pytest

from offerhub.events import stream
from offerhub.store.database import proxy
from tests.api.caller import Caller, open_api
from tests.services.world import World, open_world


@pytest.fixture
def world(database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """An application on a fresh database, against a fresh sandbox; its platform is not set up."""
    # A process remembers how long its stream is; here every test has a stream of its own.
    monkeypatch.setattr(stream, "_tail", stream.Tail())
    made = open_world(database_url=database_url, redis_url=redis_url)
    try:
        yield made
    finally:
        made.sandbox.stop()
        proxy.obj.close_all()


@pytest.fixture
def api(world: World) -> Caller:
    """Calls to the API with an admin key."""
    return open_api(world)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bad input never gets as far as the database: Postgres sees it with `--full` only."""
    for item in items:
        if "tests/api/test_bad_requests.py" in item.nodeid and "postgres" in item.nodeid:
            item.add_marker(pytest.mark.full)

"""The world of service tests, on SQLite and on Postgres."""

from collections.abc import Iterator

import pytest

from offerhub.store.database import proxy
from tests.services.world import World, open_world


@pytest.fixture
def world(database_url: str, redis_url: str) -> Iterator[World]:
    """A set-up application on a fresh database, against a fresh sandbox."""
    made = open_world(database_url=database_url, redis_url=redis_url)
    try:
        made.set_up()
        yield made
    finally:
        made.sandbox.stop()
        proxy.obj.close_all()

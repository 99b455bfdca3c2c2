"""A database with nothing in it, on SQLite and on Postgres, for the processes behind the API."""

from collections.abc import Iterator

import pytest

from offerhub.store.database import connect_to, proxy


@pytest.fixture
def database(database_url: str) -> Iterator[str]:
    connect_to(database_url)
    yield database_url
    proxy.obj.close_all()

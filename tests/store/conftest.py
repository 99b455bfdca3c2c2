"""A migrated database that is this process's own, on SQLite and on Postgres."""

from collections.abc import Iterator

import pytest

from offerhub.store.database import connect_to, proxy


@pytest.fixture
def database(database_url: str) -> Iterator[str]:
    """Its URL; the test runs on both engines."""
    connect_to(database_url)
    yield database_url
    proxy.obj.close_all()


@pytest.fixture
def sqlite(sqlite_url: str) -> Iterator[str]:
    connect_to(sqlite_url)
    yield sqlite_url
    proxy.obj.close_all()


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[str]:
    connect_to(postgres_url)
    yield postgres_url
    proxy.obj.close_all()

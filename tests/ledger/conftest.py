"""A database with empty books, on SQLite and on Postgres."""

from collections.abc import Iterator

import pytest

from offerhub.store.database import connect_to, proxy


@pytest.fixture
def books(database_url: str) -> Iterator[str]:
    """The URL of a migrated database that is this process's own; no account is open yet."""
    connect_to(database_url)
    yield database_url
    proxy.obj.close_all()


@pytest.fixture
def sqlite_books(sqlite_url: str) -> Iterator[str]:
    connect_to(sqlite_url)
    yield sqlite_url
    proxy.obj.close_all()


@pytest.fixture
def postgres_books(postgres_url: str) -> Iterator[str]:
    connect_to(postgres_url)
    yield postgres_url
    proxy.obj.close_all()

"""A database with an empty stream, on SQLite and on Postgres."""

from collections.abc import Iterator

import pytest

from offerhub.store.database import connect_to, proxy


@pytest.fixture
def database(database_url: str) -> Iterator[str]:
    connect_to(database_url)
    yield database_url
    proxy.obj.close_all()


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[str]:
    connect_to(postgres_url)
    yield postgres_url
    proxy.obj.close_all()

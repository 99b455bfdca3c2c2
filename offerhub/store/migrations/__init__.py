"""The schema's history: numbered scripts, applied once each, in order, under a lock.

`playhouse.migrations` runs them, each in a transaction; it has no lock of its own, so two
processes that start together would race: an advisory lock (Postgres) or a lock file beside the
database (SQLite) is held around it.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from peewee import Database
from playhouse.migrations import Runner

from offerhub.store.database import open_database

_ADVISORY_LOCK = 0x0FFE_4B0B
DIRECTORY = Path(__file__).parent / "versions"


def migrate(url: str) -> list[str]:
    """Bring the database at `url` up to date; the names of the scripts that were applied."""
    with _connected(url) as database, _lock(database):
        return list(Runner(database, str(DIRECTORY)).up())


def pending(url: str) -> list[str]:
    """Names of scripts that this database still lacks; empty when it is up to date."""
    with _connected(url) as database:
        status = Runner(database, str(DIRECTORY)).status()
        return [row.name for row in status if row.path is not None and not row.applied]


def unknown(url: str) -> list[str]:
    """Names of scripts that were applied to this database and that this version does not have."""
    with _connected(url) as database:
        return [row.name for row in Runner(database, str(DIRECTORY)).status() if row.path is None]


@contextmanager
def _connected(url: str) -> Iterator[Any]:
    """A database of its own, which leaves no connection behind."""
    database: Any = open_database(url, max_connections=1)
    database.connect()
    try:
        yield database
    finally:
        database.close_all()


@contextmanager
def _lock(database: Database) -> Iterator[None]:
    if hasattr(database, "set_isolation_level"):
        database.execute_sql("SELECT pg_advisory_lock(%s)", (_ADVISORY_LOCK,))
        try:
            yield
        finally:
            database.execute_sql("SELECT pg_advisory_unlock(%s)", (_ADVISORY_LOCK,))
        return
    with open(f"{database.database}.migrate.lock", "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield

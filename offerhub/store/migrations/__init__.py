"""The schema's history: numbered scripts, applied once each, in order, under a lock.

`playhouse.migrations` runs them, each in a transaction; it has no lock of its own, so two
processes that start together would race: an advisory lock (Postgres) or a lock file beside the
database (SQLite) is held around it.
"""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from peewee import Database, OperationalError
from playhouse.migrations import Runner

from offerhub.store.database import open_database
from offerhub.store.failures import is_passing

TRIES = 120
PAUSE_S = 0.5
LOCK_TIMEOUT_MS = 500  # below Postgres's deadlock_timeout: of a script and a request, it yields
_ADVISORY_LOCK = 0x0FFE_4B0B
DIRECTORY = Path(__file__).parent / "versions"


def migrate(url: str) -> list[str]:
    """Bring the database at `url` up to date; the names of the scripts that were applied.

    Requests may go on meanwhile. On Postgres a script that cannot get its locks soon gives up what
    it has done, so that nobody queues behind it for long, and is run again.
    Raises: what the database said, when a script could not be applied TRIES times.
    """
    with _connected(url) as database, _lock(database):
        missing = [row.name for row in _status(database) if row.path and not row.applied]
        for attempt in range(1, TRIES + 1):
            try:
                Runner(database, str(DIRECTORY)).up()
            except OperationalError as error:
                if not is_passing(error) or attempt == TRIES:
                    raise
                time.sleep(PAUSE_S)
            else:
                break
        return missing


def pending(url: str) -> list[str]:
    """Names of scripts that this database still lacks; empty when it is up to date."""
    with _connected(url) as database:
        return [row.name for row in _status(database) if row.path and not row.applied]


def unknown(url: str) -> list[str]:
    """Names of scripts that were applied to this database and that this version does not have."""
    with _connected(url) as database:
        return [row.name for row in _status(database) if row.path is None]


def _status(database: Database) -> list[Any]:
    return list(Runner(database, str(DIRECTORY)).status())


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
        database.execute_sql(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
        try:
            yield
        finally:
            database.execute_sql("SELECT pg_advisory_unlock(%s)", (_ADVISORY_LOCK,))
        return
    with open(f"{database.database}.migrate.lock", "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield

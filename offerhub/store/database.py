"""The one database of a process: SQLite or Postgres behind the same calls.

Not here: tables and queries. A process calls `connect_to` once; tests call it per database.
SQLite runs in WAL with full sync, and every transaction begins IMMEDIATE: a plain BEGIN that reads
first and writes later fails with busy errors as soon as two processes write. Within a process
writers take turns by a lock: SQLite's own waiting would stop all greenlets, the one that it waits
for among them.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import structlog
from peewee import Database, DatabaseProxy, Model, ModelSelect, OperationalError, Query
from playhouse.pool import PooledPostgresqlDatabase, PooledSqliteDatabase

log = structlog.get_logger(__name__)

BUSY_TIMEOUT_S = 30
OLDEST_SQLITE = (3, 37, 0)  # strict tables
POOL_WAIT_S = 20
SNAPSHOT_ASLEEP_S = 60  # a reader may think for longer than a writer: nobody waits for it

proxy = DatabaseProxy()


class SqlitePool(PooledSqliteDatabase):  # type: ignore[misc]
    """The pool, and whose turn it is to write in this process."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.turn = threading.Lock()

    def rollback(self) -> None:
        """Nothing, where SQLite has rolled back by itself: after a full disk or a failed write.

        A ROLLBACK would then fail with an error of its own, in the place of the true one.
        Source: SQLite manual, "Response To Errors Within A Transaction".
        """
        if self.is_closed() or self.connection().in_transaction:
            super().rollback()


Row = TypeVar("Row", bound=Model)


def open_database(url: str, *, max_connections: int = 20) -> Database:
    """A pooled database for `sqlite:///path` or `postgresql://…`; opens no connection yet.

    Raises: ValueError for any other URL; RuntimeError for a SQLite that is too old.
    """
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            raise RuntimeError(f"SQLite 3.37 or newer is needed, not {sqlite3.sqlite_version}")
        path = unquote(parts.path)
        if not path or path == "/":
            raise ValueError("DATABASE_URL for SQLite names a file: sqlite:////path/to/file.db")
        return SqlitePool(
            path.removeprefix("/") if not path.startswith("//") else path[1:],
            max_connections=max_connections,
            stale_timeout=300,
            timeout=POOL_WAIT_S,  # for a connection; Peewee's pool keeps this word for itself
            lock_type="IMMEDIATE",
            check_same_thread=False,
            pragmas={
                "busy_timeout": BUSY_TIMEOUT_S * 1000,
                "journal_mode": "wal",
                "synchronous": "full",
                "foreign_keys": 1,
            },
        )
    if parts.scheme in {"postgresql", "postgres"}:
        from offerhub.store.postgres_pool import PostgresPool  # its driver is an extra

        return PostgresPool(
            url.replace("postgres://", "postgresql://", 1),
            max_connections=max_connections,
            stale_timeout=300,
            timeout=POOL_WAIT_S,
            prefer_psycopg3=True,
        )
    raise ValueError("DATABASE_URL must begin with sqlite:/// or postgresql://")


def connect_to(url: str, *, max_connections: int = 20) -> Database:
    """Make `url` the database of this process (all tables are bound through `proxy`)."""
    database = open_database(url, max_connections=max_connections)
    proxy.initialize(database)
    return database


def close() -> None:
    """Close every connection of this process, which must not be in use."""
    proxy.obj.close_all()


@contextmanager
def atomic() -> Iterator[None]:
    """A transaction, or a part of the one that is open: there are no savepoints.

    On Postgres the server ends the session of one that sleeps inside (`postgres_pool.ASLEEP_S`).
    Whatever leaves the outermost block by an exception rolls all of it back, so nobody inside
    may catch a database error and go on.
    """
    with connection(), _turn_to_write() as end_turn, proxy.transaction():
        if end_turn is not None:
            proxy.after_commit(end_turn)  # before any wake-up, which may take its time
        yield


@contextmanager
def _turn_to_write() -> Iterator[Callable[[], None] | None]:
    """On SQLite, wait until no other thread or greenlet of this process writes.

    Raises: OperationalError when that takes too long.
    """
    if in_transaction() or is_postgres():
        yield None
        return
    turn: threading.Lock = proxy.obj.turn
    if not turn.acquire(timeout=BUSY_TIMEOUT_S):
        raise OperationalError(f"another writer of this process took over {BUSY_TIMEOUT_S} s")
    mine = True

    def end() -> None:
        nonlocal mine
        if mine:
            mine = False
            turn.release()

    try:
        yield end
    finally:
        end()


@contextmanager
def snapshot() -> Iterator[None]:
    """One moment of the database to read from, over as many statements as it takes.

    No writer waits for it, and it refuses to write. Inside an open transaction it is that one,
    which on Postgres shows each statement the newest commits.
    """
    with connection():
        if in_transaction():
            yield
        elif is_postgres():
            with proxy.transaction(isolation_level="REPEATABLE READ READ ONLY"):
                execute(f"SET LOCAL idle_in_transaction_session_timeout = '{SNAPSHOT_ASLEEP_S}s'")
                yield
        else:
            execute("PRAGMA query_only = 1")
            try:
                with proxy.transaction("DEFERRED"):
                    yield
            finally:
                execute("PRAGMA query_only = 0")


@contextmanager
def connection() -> Iterator[None]:
    """A pooled connection for the block; joins one that this thread or greenlet holds already."""
    if not proxy.is_closed():
        yield
        return
    proxy.connect()
    try:
        yield
    finally:
        if not proxy.is_closed():
            proxy.close()


def in_transaction() -> bool:
    return bool(proxy.transaction_depth() > 0)


def after_commit(action: Callable[[], None]) -> None:
    """Run `action` once the open transaction has committed; at once when none is open.

    For wake-ups only: a process that dies in between loses the call. One that fails is logged and
    fails nobody: what it was rung for has been committed, and a sweep finds it.
    """

    def ring() -> None:
        try:
            action()
        except Exception:
            log.exception("after_commit.failed")

    if in_transaction():
        proxy.after_commit(ring)
    else:
        ring()


def is_postgres() -> bool:
    return isinstance(proxy.obj, PooledPostgresqlDatabase)


def for_update(query: "ModelSelect[Row]", *, skip_locked: bool = False) -> "ModelSelect[Row]":
    """Lock the selected rows until the commit. SQLite's writers hold the whole database already."""
    if not is_postgres():
        return query
    return query.for_update(skip_locked=True) if skip_locked else query.for_update()


def execute(query: Query | str, params: tuple[Any, ...] = ()) -> Any:
    """Run one statement; raw SQL uses `?` on both databases."""
    if isinstance(query, str):
        text = query.replace("?", "%s") if is_postgres() else query
        return proxy.execute_sql(text, params)
    return query.execute()

"""Durable state of the sandbox world: one SQLite file, one process, one lock.

Both halves of the sandbox (the chain and the payments site) keep everything that has to survive
a `kill -9` here. Each half installs its own tables with `SandboxStore.install`. This is not the
appliance's database and knows none of its tables.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Params = Sequence[Any] | Mapping[str, Any]


class SandboxStore:
    """A SQLite connection shared by all threads of the sandbox process.

    Every statement runs under one re-entrant lock, so a thread inside `transaction()` sees no
    other thread's half-done work. Never sleep or call the network while holding it.
    """

    def __init__(self, path: str | Path = ":memory:") -> None:
        """path: a database file, created when absent, or ":memory:" for a world without a past."""
        self._lock = threading.RLock()
        self._depth = 0
        self._connection = sqlite3.connect(
            str(path), isolation_level=None, check_same_thread=False, timeout=30
        )
        self._connection.row_factory = sqlite3.Row
        # WAL with NORMAL keeps every committed transaction when the process is killed; only a
        # power cut could lose the last ones, and a sandbox does not need to survive that.
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute("PRAGMA foreign_keys=ON")

    def install(self, schema_sql: str) -> None:
        """Create a half's tables; `schema_sql` must be repeatable (CREATE ... IF NOT EXISTS).

        Call it outside a transaction: SQLite commits an open one before running a script.
        """
        with self._lock:
            if self._depth:
                raise RuntimeError("install() inside a transaction would commit it half-way")
            self._connection.executescript(schema_sql)

    @contextmanager
    def transaction(self) -> Iterator[SandboxStore]:
        """Hold the lock and commit on success, roll back on any exception.

        Nested uses become savepoints: an exception that is caught between two levels undoes
        the inner level only.
        """
        with self._lock:
            begin, commit, rollback = self._statements()
            self._connection.execute(begin)
            self._depth += 1
            try:
                yield self
            except BaseException:
                self._depth -= 1
                for statement in rollback:
                    self._connection.execute(statement)
                raise
            self._depth -= 1
            self._connection.execute(commit)

    def _statements(self) -> tuple[str, str, tuple[str, ...]]:
        if self._depth == 0:
            return "BEGIN IMMEDIATE", "COMMIT", ("ROLLBACK",)
        name = f"level_{self._depth}"
        return f"SAVEPOINT {name}", f"RELEASE {name}", (f"ROLLBACK TO {name}", f"RELEASE {name}")

    def execute(self, sql: str, params: Params = ()) -> int:
        """Run one statement and return the number of rows it changed."""
        with self._lock:
            return self._connection.execute(sql, params).rowcount

    def query(self, sql: str, params: Params = ()) -> list[sqlite3.Row]:
        """All rows of a SELECT; callers bound it with LIMIT where the table can grow."""
        with self._lock:
            return self._connection.execute(sql, params).fetchall()

    def one(self, sql: str, params: Params = ()) -> sqlite3.Row | None:
        """The first row of a SELECT, or None."""
        with self._lock:
            row: sqlite3.Row | None = self._connection.execute(sql, params).fetchone()
            return row

    def close(self) -> None:
        """Close the connection; the object must not be used afterwards."""
        with self._lock:
            self._connection.close()

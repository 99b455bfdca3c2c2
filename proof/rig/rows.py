"""Reading a deployment's database past all its processes, which may be the ones that are down."""

import sqlite3
import threading
from pathlib import Path
from typing import Any, Protocol

import psycopg

Row = tuple[Any, ...]


class Rows(Protocol):
    """Read-only questions; safe to share between threads."""

    def all(self, query: str) -> list[Row]:
        """Raises: Away while the database does not answer."""
        ...

    def one(self, query: str) -> Any:
        """The first column of the only row; None when it is null."""
        ...

    def close(self) -> None: ...


class Away(Exception):
    """The database does not answer now."""


class _Base:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: Any = None

    def all(self, query: str) -> list[Row]:
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._connect()
                return [tuple(row) for row in self._connection.execute(query).fetchall()]
            except (sqlite3.OperationalError, psycopg.Error, OSError) as error:
                self._drop()
                raise Away(str(error)) from error

    def one(self, query: str) -> Any:
        found = self.all(query)
        return found[0][0] if found else None

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _connect(self) -> Any:
        raise NotImplementedError


class _Sqlite(_Base):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def _connect(self) -> Any:
        return sqlite3.connect(
            f"file:{self._path}?mode=ro", uri=True, timeout=10, check_same_thread=False
        )


class _Postgres(_Base):
    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def _connect(self) -> Any:
        return psycopg.connect(self._url, autocommit=True, connect_timeout=5)


def open_rows(database_url: str) -> Rows:
    """By the scheme of the URL; nothing is connected yet."""
    if database_url.startswith("sqlite:"):
        return _Sqlite(Path(database_url.removeprefix("sqlite:///")))
    return _Postgres(database_url)

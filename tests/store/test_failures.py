"""What a database's failure means: provoked on the real databases, not made up."""

import sqlite3
import threading

import psycopg
import pytest

from offerhub.store import database as db
from offerhub.store.database import atomic, connection, execute
from offerhub.store.failures import is_conflict, is_passing, is_unavailable
from offerhub.store.leases import set_flag


def _failure(sql: str, *params: object) -> Exception:
    with pytest.raises(Exception) as raised, atomic():  # noqa: PT011 - the test looks at it
        execute(sql, params)
    return raised.value


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO accounts (name, owner_id, balance) VALUES ('a', 'o', -1)",
        "INSERT INTO accounts (name, owner_id, balance) VALUES ('a', NULL, 1)",
        "INSERT INTO entries (transfer_id, account, amount, created_at) VALUES ('x', 'a', 1, 1)",
        "INSERT INTO flags (name, value, updated_at) VALUES ('f', '1', 1), ('f', '2', 1)",
    ],
    ids=["check", "not null", "foreign key", "unique"],
)
def test_a_broken_constraint_is_a_conflict_and_no_use_repeating(database: str, sql: str) -> None:
    failure = _failure(sql)
    assert is_conflict(failure)
    assert not is_passing(failure)
    assert not is_unavailable(failure)


def test_a_mistake_in_a_statement_is_neither_conflict_nor_passing(database: str) -> None:
    failure = _failure("SELECT nonsense FROM nowhere")
    assert not is_conflict(failure)
    assert not is_passing(failure)


def test_a_deadlock_passes(postgres: str) -> None:
    """Two transactions that lock two rows in opposite orders: Postgres ends one of them."""
    with atomic():
        set_flag("a", 1, now=1)
        set_flag("b", 1, now=1)
    together, failures = threading.Barrier(2), []

    def cross(first: str, second: str) -> None:
        try:
            with atomic():
                execute("UPDATE flags SET updated_at = 2 WHERE name = ?", (first,))
                together.wait(10)
                execute("UPDATE flags SET updated_at = 2 WHERE name = ?", (second,))
        except Exception as failure:  # noqa: BLE001 - looked at below
            failures.append(failure)

    threads = [threading.Thread(target=cross, args=pair) for pair in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(failures) == 1
    assert is_passing(failures[0])
    assert not is_conflict(failures[0])


def test_a_transaction_that_saw_an_older_moment_passes(postgres: str) -> None:
    with atomic():
        set_flag("a", 1, now=1)
    one = psycopg.connect(postgres)
    one.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    one.execute("SELECT value FROM flags").fetchall()
    with atomic():
        set_flag("a", 2, now=2)
    with pytest.raises(psycopg.errors.SerializationFailure) as raised:
        one.execute("UPDATE flags SET updated_at = 3")
    one.close()
    assert is_passing(raised.value)


def test_a_locked_sqlite_passes(sqlite: str) -> None:
    other = sqlite3.connect(sqlite.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with connection():
        execute("PRAGMA busy_timeout = 50")
        failure = _failure("SELECT 1")
        execute(f"PRAGMA busy_timeout = {db.BUSY_TIMEOUT_S * 1000}")
    other.execute("ROLLBACK")
    other.close()
    assert is_passing(failure)
    assert not is_conflict(failure)


def test_a_server_that_is_not_there_is_unavailable(postgres_url: str) -> None:
    away = db.open_database("postgresql://nobody:x@127.0.0.1:1/x")
    with pytest.raises(Exception, match=r"(?i)connect") as raised:
        away.connect()
    assert is_unavailable(raised.value)
    assert not is_conflict(raised.value)


def test_a_folder_that_is_not_there_is_unavailable(tmp_path) -> None:
    away = db.open_database(f"sqlite:///{tmp_path}/none/x.db")
    with pytest.raises(Exception, match=r"(?i)unable to open") as raised:
        away.connect()
    assert is_unavailable(raised.value)


def test_a_sum_that_overflows_is_no_outage(sqlite: str) -> None:
    error = _failure("SELECT sum(n) FROM (SELECT 9223372036854775807 AS n UNION ALL SELECT 1)")
    assert "overflow" in str(error)
    assert not is_unavailable(error)

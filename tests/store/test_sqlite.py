"""What makes SQLite safe for several processes: settings in force, and who waits for whom."""

import sqlite3
import threading
import time

import pytest

from offerhub.store import database as db
from offerhub.store.database import atomic, connection, execute, proxy
from offerhub.store.leases import flag, set_flag

pytestmark = pytest.mark.proves("F21")


def _pragma(name: str) -> object:
    with connection():
        return execute(f"PRAGMA {name}").fetchone()[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),  # FULL: a commit is on the disk when it is answered
        ("foreign_keys", 1),
        ("busy_timeout", db.BUSY_TIMEOUT_S * 1000),
        ("query_only", 0),
    ],
)
def test_a_setting_is_in_force(sqlite: str, name: str, value: object) -> None:
    assert _pragma(name) == value


def test_every_connection_of_the_pool_has_the_settings(sqlite: str) -> None:
    seen: list[tuple[object, ...]] = []
    together = threading.Barrier(3)

    def look() -> None:
        with connection():
            together.wait(10)
            names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            seen.append(tuple(execute(f"PRAGMA {name}").fetchone()[0] for name in names))

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert seen == [("wal", 2, 1, db.BUSY_TIMEOUT_S * 1000)] * 3


def _statements(action) -> list[str]:
    """What SQLite itself was asked to run on this thread's connection."""
    ran: list[str] = []
    with connection():
        proxy.connection().set_trace_callback(ran.append)
        try:
            action()
        finally:
            proxy.connection().set_trace_callback(None)
    return ran


def test_a_transaction_begins_immediate_and_ends_once(sqlite: str) -> None:
    def work() -> None:
        with atomic():
            flag("f")
            with atomic():
                set_flag("f", 1, now=1)

    ran = _statements(work)
    assert ran[0] == "BEGIN IMMEDIATE"
    assert ran[-1] == "COMMIT"
    assert [s for s in ran if s.split()[0] in {"BEGIN", "COMMIT", "SAVEPOINT", "ROLLBACK"}] == [
        "BEGIN IMMEDIATE", "COMMIT"
    ]  # fmt: skip


def test_a_snapshot_does_not_take_the_write_lock(sqlite: str) -> None:
    def work() -> None:
        with db.snapshot():
            flag("f")

    assert "BEGIN DEFERRED" in _statements(work)


def test_one_that_reads_first_and_writes_later_waits_and_never_fails(sqlite: str) -> None:
    """A plain BEGIN would fail here: its snapshot is old when it comes to write."""
    with atomic():
        set_flag("n", 0, now=1)

    def count_up() -> None:
        for _ in range(25):
            with atomic():
                value = flag("n")
                assert isinstance(value, int)
                set_flag("n", value + 1, now=1)

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with connection():
        assert flag("n") == 100


def test_a_writer_waits_longer_than_the_drivers_own_five_seconds(sqlite: str) -> None:
    other = sqlite3.connect(sqlite.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    freed = threading.Timer(6.0, lambda: None)
    freed.start()

    waited: list[float] = []

    def write() -> None:
        began = time.monotonic()
        with atomic():
            set_flag("f", "late", now=1)
        waited.append(time.monotonic() - began)

    thread = threading.Thread(target=write)
    thread.start()
    freed.join()
    other.execute("COMMIT")
    other.close()
    thread.join(20)
    assert len(waited) == 1
    assert waited[0] > 5
    with connection():
        assert flag("f") == "late"


def test_a_reader_is_not_held_up_by_a_writer(sqlite: str) -> None:
    other = sqlite3.connect(sqlite.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("INSERT INTO flags (name, value, updated_at) VALUES ('f', '1', 1)")
    began = time.monotonic()
    with connection():
        assert flag("f") is None
    with db.snapshot():
        assert flag("f") is None
    assert time.monotonic() - began < 2
    other.execute("ROLLBACK")
    other.close()


def test_what_is_committed_survives_a_copy_of_the_files_as_they_are(sqlite: str, tmp_path) -> None:
    """The write-ahead log beside the database holds every commit."""
    with atomic():
        set_flag("f", "kept", now=1)
    source = sqlite.removeprefix("sqlite:///")
    for suffix in ("", "-wal"):
        with open(source + suffix, "rb") as file:
            (tmp_path / f"copy.db{suffix}").write_bytes(file.read())
    copy = sqlite3.connect(tmp_path / "copy.db")
    assert copy.execute("SELECT value FROM flags WHERE name = 'f'").fetchone() == ('"kept"',)
    copy.close()


def test_a_sqlite_that_is_too_old_is_refused_by_name(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(db.sqlite3, "sqlite_version_info", (3, 34, 1))
    with pytest.raises(RuntimeError, match=r"SQLite 3\.37"):
        db.open_database(f"sqlite:///{tmp_path}/x.db")

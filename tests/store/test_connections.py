"""Connections, transactions and pools: joined, given back, waited for, and never left open."""

import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from peewee import OperationalError
from playhouse.pool import MaxConnectionsExceeded

from offerhub.store import database as db
from offerhub.store.database import after_commit, atomic, connection, execute, in_transaction, proxy
from offerhub.store.failures import is_unavailable
from offerhub.store.leases import flag, set_flag
from tests.store.threads import all_at_once


def _in_use() -> int:
    return len(proxy.obj._in_use)


def _set(value: object) -> None:
    set_flag("f", value, now=1)


def _get() -> object:
    with connection():
        return flag("f")


def test_a_block_inside_another_is_part_of_it(database: str) -> None:
    def fail_outside() -> None:
        with atomic():
            with atomic():
                _set("inner")
            assert in_transaction()
            raise LookupError

    with pytest.raises(LookupError):
        fail_outside()
    assert not in_transaction()
    assert _get() is None


def test_a_failure_inside_undoes_what_was_done_outside(database: str) -> None:
    def fail_inside() -> None:
        with atomic():
            _set("outer")
            with atomic():
                raise LookupError

    with pytest.raises(LookupError):
        fail_inside()
    assert _get() is None


@pytest.mark.parametrize("raises", [False, True])
def test_every_block_gives_its_connection_back(database: str, raises: bool) -> None:
    for _ in range(3):
        for block in (atomic, connection, db.snapshot):
            try:
                with block():
                    _get()
                    assert _in_use() == 1
                    if raises:
                        raise LookupError
            except LookupError:
                pass
            assert _in_use() == 0
            assert proxy.is_closed()


def test_a_connection_with_a_failed_statement_is_usable_again(database: str) -> None:
    for _ in range(3):
        with pytest.raises(Exception, match=r"(?i)nonsense"), atomic():
            execute("SELECT nonsense")
    with atomic():
        _set("fine")
    assert _get() == "fine"
    assert _in_use() == 0


def test_after_commit_runs_once_it_is_committed_and_never_after_a_rollback(database: str) -> None:
    rung: list[object] = []
    with atomic():
        with atomic():
            _set("kept")
            after_commit(lambda: rung.append(_get()))
        assert rung == []
    assert rung == ["kept"]

    def undo() -> None:
        with atomic():
            after_commit(lambda: rung.append("never"))
            raise LookupError

    with pytest.raises(LookupError):
        undo()
    with atomic():
        _set("another")
    assert rung == ["kept"]
    after_commit(lambda: rung.append("at once"))
    assert rung == ["kept", "at once"]


def test_one_database_of_twenty_threads_needs_no_more_than_its_connections(database: str) -> None:
    proxy.obj.close_all()
    db.connect_to(database, max_connections=3)
    seen: list[int] = []

    def work(number: int) -> None:
        for turn in range(4):
            with atomic():
                set_flag(f"f{number}", turn, now=1)
                seen.append(_in_use())

    all_at_once(work, 20)
    assert max(seen) <= 3
    assert _in_use() == 0
    with connection():
        assert [flag(f"f{n}") for n in range(20)] == [3] * 20


def test_an_exhausted_pool_is_waited_for(database: str) -> None:
    proxy.obj.close_all()
    db.connect_to(database, max_connections=1)
    holding, release = threading.Event(), threading.Event()

    def hold() -> None:
        with connection():
            holding.set()
            release.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    assert holding.wait(10)
    threading.Timer(0.3, release.set).start()
    started = time.monotonic()
    assert _get() is None
    assert 0.2 < time.monotonic() - started < 5
    thread.join(10)


def test_a_pool_that_stays_exhausted_says_so_after_its_time(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy.obj.close_all()
    monkeypatch.setattr(db, "POOL_WAIT_S", 0.3)
    db.connect_to(database, max_connections=1)
    holding, release = threading.Event(), threading.Event()

    def hold() -> None:
        with connection():
            holding.set()
            release.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    assert holding.wait(10)
    started = time.monotonic()
    with pytest.raises(MaxConnectionsExceeded, match=r"(?i)max.* connections") as refused:
        _get()
    assert 0.2 < time.monotonic() - started < 5
    assert is_unavailable(refused.value)
    release.set()
    thread.join(10)
    assert _get() is None


def test_postgres_connections_ended_by_the_server_are_replaced(postgres: str) -> None:
    assert _get() is None
    with connection():
        mine = execute("SELECT pg_backend_pid()").fetchone()[0]
        with db.open_database(postgres).connection_context():
            pass
    other = db.open_database(postgres, max_connections=1)
    with other.connection_context():
        other.execute_sql("SELECT pg_terminate_backend(%s)", (mine,))
    other.close_all()

    def ask_until_it_works() -> object:
        for _ in range(50):
            try:
                return _get()
            except OperationalError:
                time.sleep(0.02)
        raise AssertionError("the pool keeps handing out a dead connection")

    assert ask_until_it_works() is None
    with atomic():
        _set("after")
    assert _get() == "after"
    assert _in_use() == 0


@pytest.mark.parametrize(
    "url",
    ["", "mysql://x/y", "sqlite://", "sqlite:///", "offerhub.db", "http://x", "postgres:/x"],
)
def test_another_kind_of_address_is_refused(url: str) -> None:
    if url == "postgres:/x":
        assert db.open_database(url)  # the driver says what is wrong with it
        return
    with pytest.raises(ValueError, match="DATABASE_URL"):
        db.open_database(url)


@pytest.mark.parametrize("name", ["offerhub.db", "a b.db", "é.db"])
def test_a_sqlite_address_names_its_file(tmp_path: Path, name: str) -> None:
    opened = db.open_database(f"sqlite:///{tmp_path}/{quote(name)}")
    with opened.connection_context():
        opened.execute_sql("CREATE TABLE t (id INTEGER)")
    opened.close_all()
    assert (tmp_path / name).exists()


def test_a_sqlite_address_with_three_strokes_is_relative(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    opened = db.open_database("sqlite:///here.db")
    with opened.connection_context():
        opened.execute_sql("CREATE TABLE t (id INTEGER)")
    opened.close_all()
    assert (tmp_path / "here.db").exists()


def test_writers_of_one_process_take_turns_and_wake_ups_hold_up_nobody(sqlite: str) -> None:
    """The turn ends with the commit, before what runs after it."""
    waking, woken = threading.Event(), threading.Event()

    def first() -> None:
        with atomic():
            _set("first")
            after_commit(lambda: (waking.set(), woken.wait(10)))

    thread = threading.Thread(target=first)
    thread.start()
    assert waking.wait(10)
    with atomic():
        _set("second")
    woken.set()
    thread.join(10)
    assert _get() == "second"


def test_a_turn_ends_with_a_rollback_too(sqlite: str) -> None:
    for _ in range(3):
        with pytest.raises(LookupError), atomic():
            raise LookupError
    with atomic():
        _set("fine")


def test_a_turn_that_never_comes_is_an_error_and_not_for_ever(sqlite, monkeypatch) -> None:
    monkeypatch.setattr(db, "BUSY_TIMEOUT_S", 0.2)
    proxy.obj.turn.acquire()
    with pytest.raises(OperationalError, match="another writer") as refused, atomic():
        pass
    proxy.obj.turn.release()
    assert is_unavailable(refused.value)
    assert _in_use() == 0


_GREENLETS = """
from gevent import monkey; monkey.patch_all()
import sys, time, gevent
from offerhub.store.database import atomic, connect_to, connection, execute, proxy
from offerhub.store.leases import flag, set_flag

url = sys.argv[1]
connect_to(url, max_connections=3)
depths = set()

def work(number):
    for turn in range(5):
        with atomic():
            set_flag(f"f{number}", turn, now=1)
            gevent.sleep(0.001)
            depths.add(proxy.transaction_depth())
            assert flag(f"f{number}") == turn
        assert proxy.transaction_depth() == 0

jobs = [gevent.spawn(work, n) for n in range(12)]
gevent.joinall(jobs, timeout=40, raise_error=True)
assert all(job.successful() for job in jobs), [job.exception for job in jobs]
assert depths == {1}, depths
assert len(proxy.obj._in_use) == 0
with connection():
    assert [flag(f"f{n}") for n in range(12)] == [4] * 12

if url.startswith("postgres"):
    def slow():
        with connection():
            execute("SELECT pg_sleep(0.5)")
    began = time.monotonic()
    gevent.joinall([gevent.spawn(slow) for _ in range(3)], raise_error=True)
    assert time.monotonic() - began < 1.2, "a query blocks the other greenlets"
print("fine")
"""


def test_greenlets_share_a_pool_and_keep_their_transactions_apart(database_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _GREENLETS, database_url],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "fine"

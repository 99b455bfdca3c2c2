"""On Postgres a process that sleeps inside a transaction loses it, so that others go on."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from offerhub.store import database as db
from offerhub.store import leases, postgres_pool
from offerhub.store.database import atomic, connection, execute, proxy
from offerhub.store.failures import is_conflict, is_passing, is_unavailable
from offerhub.store.leases import flag, set_flag

ASLEEP_S = 0.4


@pytest.fixture
def short(postgres: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same database, by connections whose sleep is noticed sooner."""
    proxy.obj.close_all()
    monkeypatch.setattr(postgres_pool, "ASLEEP_S", ASLEEP_S)
    db.connect_to(postgres)
    return postgres


def test_every_connection_has_the_bound_and_readers_of_a_moment_have_more(postgres: str) -> None:
    asked = "SHOW idle_in_transaction_session_timeout"
    with connection():
        assert execute(asked).fetchone()[0] == f"{postgres_pool.ASLEEP_S}s"
    with atomic():
        assert execute(asked).fetchone()[0] == f"{postgres_pool.ASLEEP_S}s"
    with db.snapshot():
        assert execute(asked).fetchone()[0] == "1min"
    with atomic():
        assert execute(asked).fetchone()[0] == f"{postgres_pool.ASLEEP_S}s"


@pytest.mark.parametrize("last", ["statement", "commit"])
def test_who_slept_has_written_nothing_and_is_told_that_the_database_was_away(
    short: str, last: str
) -> None:
    def sleep_inside() -> None:
        with atomic():
            set_flag("f", "asleep", now=1)
            time.sleep(2 * ASLEEP_S)
            if last == "statement":
                set_flag("f", "awake", now=2)

    with pytest.raises(Exception) as ended:  # noqa: PT011 - looked at below
        sleep_inside()
    assert is_unavailable(ended.value)
    assert not is_passing(ended.value)
    assert not is_conflict(ended.value)
    assert len(proxy.obj._in_use) == 0
    with atomic():  # by a new connection
        assert flag("f") is None
        set_flag("f", "later", now=3)
    with connection():
        assert flag("f") == "later"


def test_what_the_server_says_at_the_end_of_a_session_means_that_it_is_away(short: str) -> None:
    with connection():
        execute("BEGIN")
        time.sleep(2 * ASLEEP_S)
        with pytest.raises(Exception, match="idle-in-transaction") as told:
            execute("SELECT 1")
    assert is_unavailable(told.value)


def test_a_long_statement_is_no_sleep(short: str) -> None:
    with atomic():
        execute("SELECT pg_sleep(?)", (2 * ASLEEP_S,))
        set_flag("f", "done", now=1)
    with connection():
        assert flag("f") == "done"


_RELAY = """
import sys, time
from offerhub.events import relay
from offerhub.store import postgres_pool
from offerhub.store.database import atomic, connect_to

postgres_pool.ASLEEP_S = float(sys.argv[2])
connect_to(sys.argv[1])
token = relay.take_lease(holder="paused", now_ms=relay.lease_clock_ms(0))
with atomic():
    relay._require_lease(holder="paused", token=token)
    print("inside", flush=True)
    sys.stdin.readline()
"""


@pytest.mark.proves("F11")
def test_a_relay_that_is_stopped_while_it_writes_does_not_keep_the_standby_waiting(
    short: str,
) -> None:
    """A stopped process cannot let its lock go; the server does, and it finds its session ended."""
    stopped = subprocess.Popen(
        [sys.executable, "-c", _RELAY, short, str(ASLEEP_S)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert stopped.stdout is not None
        assert stopped.stdout.readline() == "inside\n"
        os.kill(stopped.pid, signal.SIGSTOP)
        taken: list[int | None] = []

        def take_over() -> None:
            with atomic():
                later = leases.clock_ms(0) + 5_000
                taken.append(leases.take("relay", holder="b", now=later, ttl_ms=5_000))

        standby = threading.Thread(target=take_over)
        standby.start()
        standby.join(10)
        assert taken == [2]
        os.kill(stopped.pid, signal.SIGCONT)
        _, said = stopped.communicate("\n", timeout=10)
    finally:
        stopped.kill()
        stopped.wait(10)
    assert stopped.returncode == 1
    assert "OperationalError" in said
    with atomic():
        assert leases.still_held("relay", holder="b", token=2)

"""Two of a kind, one of them paused: what counts as a takeover, and that all go on afterwards."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from proof.rig.site import Site
from proof.rig.standbys import Pair

SLEEP = [sys.executable, "-S", "-E", "-c", "import time; time.sleep(600)"]


class Rows:
    """What the database says of the lease."""

    def __init__(self, pid: int) -> None:
        self.lease: tuple[str, int] = (f"here:{pid}:a", 4)
        self.standbys = 0

    def all(self, query: str) -> list[tuple[Any, ...]]:
        assert "name = 'relay'" in query
        return [self.lease]

    def one(self, query: str) -> Any:
        return self.standbys


@contextmanager
def asleep() -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(SLEEP)
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def active() -> Iterator["subprocess.Popen[bytes]"]:
    with asleep() as process:
        yield process


@pytest.fixture
def second() -> Iterator["subprocess.Popen[bytes]"]:
    with asleep() as process:
        yield process


def is_stopped(pid: int) -> bool:
    """Soon after a signal."""
    time.sleep(0.05)
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def pair_of(rows: Rows, second: "subprocess.Popen[bytes]", *, marked: str = "here:0:b") -> Pair:
    """One whose standby works under the name `marked` alone."""
    site = cast(Site, SimpleNamespace(rows=rows))
    return Pair(site, "relay", second, lambda holder: holder == marked)


def test_the_active_one_is_stopped_and_a_higher_token_that_works_is_a_takeover(
    active: "subprocess.Popen[bytes]", second: "subprocess.Popen[bytes]"
) -> None:
    rows = Rows(active.pid)
    pair = pair_of(rows, second)
    pair.pause()
    assert is_stopped(active.pid)
    pair.await_takeover(patience_s=0)
    assert (pair.takeovers, pair.stood_still) == (0, 1)
    rows.lease = ("here:0:b", 5)
    pair.await_takeover(patience_s=0)
    assert (pair.takeovers, pair.stood_still) == (1, 1)
    pair.wake()
    assert not is_stopped(active.pid)


def test_a_lease_whose_holder_does_not_work_is_no_takeover(
    active: "subprocess.Popen[bytes]", second: "subprocess.Popen[bytes]"
) -> None:
    rows = Rows(active.pid)
    pair = pair_of(rows, second, marked="here:0:c")
    pair.pause()
    rows.lease = ("here:0:b", 5)
    pair.await_takeover(patience_s=0)
    assert (pair.takeovers, pair.stood_still) == (0, 1)
    assert not pair.one_works(patience_s=0)


def test_the_end_wakes_the_paused_one_and_ends_the_second(
    active: "subprocess.Popen[bytes]", second: "subprocess.Popen[bytes]"
) -> None:
    rows = Rows(active.pid)
    rows.standbys = 1
    pair = pair_of(rows, second)
    assert pair.standing_by()
    pair.pause()
    pair.close()
    assert not is_stopped(active.pid)
    assert active.poll() is None
    assert second.poll() is not None

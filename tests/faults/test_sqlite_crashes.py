"""Processes that write one SQLite file are killed at any moment, and images of it are taken.

A power-loss image is the files at one instant: all writers are stopped, the files are copied, the
writers go on. What the disk itself may still have held back is not simulated; every commit is
synced before it is acknowledged (`tests/store/test_sqlite.py`).
"""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from offerhub.ledger import checks
from offerhub.store.database import connect_to, proxy, snapshot
from tests.fixtures.proof import Figure
from tests.ledger.bookkeeping import USD, open_users

pytestmark = pytest.mark.proves("F21")


@dataclass
class Writers:
    """Programs that write one file; each has a file of what it was told is committed."""

    url: str
    folder: Path
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    started: int = 0

    @property
    def file(self) -> Path:
        return Path(self.url.removeprefix("sqlite:///"))

    def start(self) -> None:
        self.started += 1
        log = (self.folder / f"{self.started}.log").open("wb")
        program = "tests.faults.sqlite_writer"
        told = str(self.folder / f"{self.started}.told")
        command = [sys.executable, "-m", program, self.url, told, str(self.started)]
        with log:
            self.running.append(
                subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            )

    def kill(self, victim: subprocess.Popen[bytes]) -> None:
        assert victim.poll() is None, "it ended by itself: " + self.logs()
        os.kill(victim.pid, signal.SIGKILL)
        victim.wait(10)
        self.running.remove(victim)

    def told(self) -> set[str]:
        """Transfers that were acknowledged; a last line that was cut off is none."""
        found: set[str] = set()
        for path in self.folder.glob("*.told"):
            found |= set(path.read_text().splitlines(keepends=True))
        return {line.strip() for line in found if line.endswith("\n")}

    def image(self, target: Path) -> set[str]:
        """Copy the files as they are at one instant; what was acknowledged by then."""
        for process in self.running:
            os.kill(process.pid, signal.SIGSTOP)
        try:
            told = self.told()
            for end in ("", "-wal"):
                source = self.file.with_name(self.file.name + end)
                if source.exists():
                    shutil.copyfile(source, target.with_name(target.name + end))
            return told
        finally:
            for process in self.running:
                os.kill(process.pid, signal.SIGCONT)

    def logs(self) -> str:
        return "".join(p.read_text(errors="replace")[-500:] for p in self.folder.glob("*.log"))


@pytest.fixture
def writers(sqlite_url: str, tmp_path: Path) -> Iterator[Writers]:
    connect_to(sqlite_url)
    open_users(*(f"usr_{n}" for n in range(4)))
    proxy.obj.close_all()
    made = Writers(sqlite_url, tmp_path)
    yield made
    for process in list(made.running):
        made.kill(process)


def _is_whole(url: str, told: set[str]) -> int:
    """Check a file that nobody writes; how many deposits it holds."""
    path = url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as opened:
        assert opened.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert opened.execute("PRAGMA foreign_key_check").fetchall() == []
        rows = opened.execute("SELECT id, kind FROM transfers").fetchall()
    deposits = {id_ for id_, kind in rows if "deposit" in kind}
    assert told <= deposits, "an acknowledged commit is gone"
    assert len(rows) == 2 * len(deposits), "half a transaction is there"
    connect_to(url)
    try:
        with snapshot():
            assert checks.check() == []
            assert checks.sheet().assets_stroops == len(deposits) * USD
    finally:
        proxy.obj.close_all()
    return len(deposits)


@pytest.mark.parametrize(
    ("processes", "kills", "images"),
    [
        pytest.param(3, 6, 2, id="a few"),
        pytest.param(8, 150, 40, id="many", marks=[pytest.mark.full, pytest.mark.timeout(900)]),
    ],
)
def test_kills_and_images_at_any_moment_leave_every_acknowledged_commit_and_no_half_one(
    writers: Writers, tmp_path: Path, processes: int, kills: int, images: int, figure: Figure
) -> None:
    chance = random.Random(processes)
    for _ in range(processes):
        writers.start()
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("*.told"))) < processes or len(writers.told()) < 20:
        assert time.monotonic() < deadline, writers.logs()
        time.sleep(0.05)
    taken: list[tuple[Path, set[str]]] = []
    for number in range(kills):
        time.sleep(chance.uniform(0.0, 0.25))
        if number % max(1, kills // images) == 0:
            target = tmp_path / f"image-{number}.db"
            taken.append((target, writers.image(target)))
        writers.kill(chance.choice(writers.running))
        writers.start()
    for process in list(writers.running):
        writers.kill(process)
    for target, told in taken:
        assert told
        _is_whole(f"sqlite:///{target}", told)
        target.unlink()
    held = _is_whole(writers.url, writers.told())
    figure("kills", kills + processes)
    figure("images", len(taken))
    figure("commits", held)

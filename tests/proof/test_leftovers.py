"""Whatever ends the proof, nothing that it started runs on: no deployment, server or test."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from proof import leftovers
from proof.suites import ROOT

DEAF = """
import pathlib, signal, sys, time
for number in (signal.SIGTERM, signal.SIGQUIT):
    signal.signal(number, signal.SIG_IGN)
pathlib.Path(sys.argv[1]).touch()
time.sleep(600)
"""
AWAY = f"""
import subprocess, sys
subprocess.Popen([sys.executable, "-c", {DEAF!r}, sys.argv[1]], start_new_session=True, cwd="/")
"""


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A mark of this test; whatever still carries it afterwards is killed."""
    monkeypatch.setenv(leftovers.VARIABLE, os.environ.get(leftovers.VARIABLE, ""))
    made = leftovers.mark()
    yield made
    for pid in leftovers.marked(made):
        os.kill(pid, signal.SIGKILL)


def until(condition: Callable[[], object], *, limit_s: float) -> None:
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, f"not so after {limit_s} s"
        time.sleep(0.1)


def test_one_that_left_its_parent_and_heeds_no_signal_is_found_and_ended(
    own: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(leftovers, "STEPS", [(number, 0.2) for number, _ in leftovers.STEPS])
    unmarked = {k: v for k, v in os.environ.items() if k != leftovers.VARIABLE}
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], env=unmarked)
    try:
        subprocess.run([sys.executable, "-c", AWAY, str(tmp_path / "deaf")], check=True)
        until((tmp_path / "deaf").exists, limit_s=60)
        (away,) = leftovers.marked(own)
        assert leftovers.stop(own) == [away]
        assert leftovers.marked(own) == []
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_run_within_a_run_leaves_the_outer_one_alone(own: str) -> None:
    outer = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    inner = leftovers.mark()
    nested = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    assert set(leftovers.marked(own)) == {outer.pid, nested.pid}
    assert leftovers.marked(inner) == [nested.pid]
    threading.Thread(target=nested.wait).start()  # as its parent we have to see it off
    assert leftovers.stop(inner) == [nested.pid]
    assert outer.poll() is None
    outer.kill()
    outer.wait()


def folders() -> set[str]:
    """Where test runs and rigs keep their data."""
    places = (Path("/tmp"), Path("/dev/shm"))
    return {str(path) for place in places if place.is_dir() for path in place.glob("oh-*")}


@pytest.mark.full
@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("words", "sign"),
    [
        (["--only", "F1", "--database", "sqlite", "--kills", "1000"], "offerhub.cli.appliance"),
        (["--only", "F1", "--database", "postgres", "--kills", "1000"], "offerhub.cli.appliance"),
        (["--only", "F16", "--database", "postgres"], "postgres"),
    ],
    ids=["a deployment on SQLite", "a deployment on Postgres", "tests on Postgres"],
)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_nothing_runs_on_when_the_proof_is_told_to_stop(
    own: str, words: list[str], sign: str, number: signal.Signals
) -> None:
    # A run by itself, and no part of the tests that start it.
    alone = {k: v for k, v in os.environ.items() if not k.startswith(("OFFERHUB_TEST", "PYTEST"))}
    proof = subprocess.Popen(
        [sys.executable, "-m", "proof", *words], cwd=ROOT, env=alone, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip

    def started() -> bool:
        commands = [Path(f"/proc/{pid}/cmdline") for pid in leftovers.marked(own)]
        return any(sign in path.read_text(errors="replace") for path in commands if path.exists())

    until(started, limit_s=180)
    time.sleep(3)
    ours = {Path(path) for path in folders() if _is_held(Path(path), own)}
    proof.send_signal(number)
    assert proof.wait(120) != 0
    assert leftovers.marked(own) == []
    assert [path for path in ours if path.exists()] == []


def _is_held(folder: Path, own: str) -> bool:
    """Whether a process of ours has a file open there, or was started from there."""
    for pid in leftovers.marked(own):
        try:
            names = [Path(f"/proc/{pid}/cwd"), *Path(f"/proc/{pid}/fd").iterdir()]
            places = [os.readlink(name) for name in names]
        except OSError:
            continue
        if any(place.startswith(f"{folder}/") for place in places):
            return True
    return False

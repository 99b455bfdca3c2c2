"""One process of a name per deployment: taken over from survivors, never from strangers."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from offerhub.cli.appliance import holding

HOLDER = """
import os, signal, sys, time
from pathlib import Path
from offerhub.cli.appliance import holding
if "ignore" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
holding.hold(Path(sys.argv[1]), "api", takeover_s=1.0)
if "fork" in sys.argv and os.fork() == 0:
    while True: time.sleep(1)
if "exec" in sys.argv:
    os.execv("/bin/sh", ["sh", "-c", "echo held; while :; do sleep 1; done"])
print("held", flush=True)
while True: time.sleep(1)
"""


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        finally:
            process.wait(10)
            assert process.stdout is not None
            process.stdout.close()


def _hold(started: list[subprocess.Popen[str]], run: Path, *how: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", HOLDER, str(run), *how],
        stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    started.append(process)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_nobody_holds_a_name_at_first(tmp_path: Path) -> None:
    assert holding.holder(tmp_path, "api") is None
    assert holding.stop(tmp_path, "api", grace_s=1) is False


def test_a_name_is_held_until_the_process_ends(
    tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    process = _hold(started, tmp_path)
    assert holding.holder(tmp_path, "api") == process.pid
    process.kill()
    process.wait()
    assert holding.holder(tmp_path, "api") is None


@pytest.mark.parametrize("how", ["fork", "exec", "plain"])
def test_a_newcomer_takes_the_name_from_whatever_survived(
    tmp_path: Path, started: list[subprocess.Popen[str]], how: str
) -> None:
    first = _hold(started, tmp_path, how)
    if how == "fork":
        first.kill()
        first.wait()
        assert holding.holder(tmp_path, "api") == first.pid
    second = _hold(started, tmp_path)
    assert holding.holder(tmp_path, "api") == second.pid
    assert first.wait(5) != 0


def test_a_holder_that_will_not_go_is_killed(
    tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    first = _hold(started, tmp_path, "ignore")
    _hold(started, tmp_path)
    assert first.wait(5) == -signal.SIGKILL


def test_a_number_that_belongs_to_another_process_by_now_is_left_alone(
    tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    """The lock is held by somebody, but the file names a stranger: nobody is killed."""
    stranger = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"],
        stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    started.append(stranger)
    holder = _hold(started, tmp_path)
    holding.lock_file(tmp_path, "api").write_text(f"{stranger.pid} 12345")
    began = time.monotonic()
    with pytest.raises(holding.StillHeld):
        holding.hold(tmp_path, "api", takeover_s=0.5)
    assert time.monotonic() - began < 15
    assert stranger.poll() is None
    assert holder.poll() is None


def test_looking_does_not_disturb_who_takes_the_name(
    tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    (tmp_path / "api.lock").touch()
    for _ in range(5):
        looks = [holding.holder(tmp_path, "api") for _ in range(200)]
        assert set(looks) == {None}
    process = _hold(started, tmp_path)
    assert {holding.holder(tmp_path, "api") for _ in range(200)} == {process.pid}
    assert holding.stop(tmp_path, "api", grace_s=5) is True
    assert holding.holder(tmp_path, "api") is None

"""`offerhub logs`: all processes in one order of time, and one id's story across them."""

import json
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from offerhub.cli.logs import logs


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A deployment with logs of two processes and a rotated file."""
    folder = tmp_path / "data/logs"
    folder.mkdir(parents=True)
    monkeypatch.setenv("OFFERHUB_HOME", str(tmp_path))
    _write(folder / "api.log.1", _entry(1, "very old", order_id="ord_1"))
    _write(folder / "api.log", _entry(10, "asked", order_id="ord_1", request_id="req_1"),
           _entry(30, "odd", level="error"))  # fmt: skip
    _write(folder / "worker-critical.log", _entry(20, "done", order_id="ord_1"),
           "not from a logger of ours", _entry(40, "chatty", level="debug"))  # fmt: skip
    return tmp_path


def _entry(second: int, event: str, *, level: str = "info", **ids: str) -> str:
    at = f"2026-01-10T12:00:{second:02d}.000000Z"
    return json.dumps({"at": at, "level": level, "event": event, **ids})


def _write(path: Path, *lines: str) -> None:
    path.write_text("".join(f"{line}\n" for line in lines))


def _events(*arguments: str) -> list[str]:
    ran = CliRunner().invoke(logs, [*arguments, "--json"])
    assert ran.exit_code == 0, ran.output
    found = []
    for line in ran.stdout.splitlines():
        found.append(json.loads(line)["event"] if line.startswith("{") else line)
    return found


@pytest.mark.usefixtures("home")
def test_lines_of_all_processes_come_in_order_of_time() -> None:
    assert _events() == ["asked", "done", "not from a logger of ours", "odd", "chatty"]
    assert _events("-n", "2") == ["odd", "chatty"]
    assert _events("-n", "0") == []
    assert _events("worker-critical") == ["done", "not from a logger of ours", "chatty"]


@pytest.mark.usefixtures("home")
def test_an_id_tells_its_whole_story_rotated_files_included() -> None:
    assert _events("--order", "ord_1") == ["very old", "asked", "done"]
    assert _events("--order", "ord_1", "--request", "req_1") == ["asked"]


@pytest.mark.usefixtures("home")
def test_severity_and_age_narrow_the_lines() -> None:
    assert _events("--level", "warning") == ["odd"]
    assert _events("--since", "2026-01-10T12:00:25Z") == ["odd", "chatty"]
    assert _events("--since", "2026-01-10T13:00:25+01:00") == ["odd", "chatty"]
    long_ago = datetime.now(UTC) - datetime(2026, 1, 10, tzinfo=UTC) + timedelta(days=1)
    assert len(_events("--since", f"{long_ago.days + 1}d")) == 6


@pytest.mark.usefixtures("home")
def test_for_people_a_line_starts_with_time_severity_and_process() -> None:
    ran = CliRunner().invoke(logs, ["--level", "error"])
    assert ran.stdout == "2026-01-10T12:00:30.000 error    api                odd\n"


@pytest.mark.parametrize("since", ["yesterday", "5", "5w", ""])
@pytest.mark.usefixtures("home")
def test_a_bad_age_is_refused(since: str) -> None:
    ran = CliRunner().invoke(logs, ["--since", since])
    assert ran.exit_code == 2
    assert "say an age" in ran.output


def test_following_shows_new_lines_new_files_and_goes_over_a_rotation(home: Path) -> None:
    folder = home / "data/logs"
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "offerhub.cli", "logs", "-f", "-n", "1", "--json"],
        stdout=subprocess.PIPE, text=True, bufsize=1,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        assert "chatty" in process.stdout.readline()
        with (folder / "api.log").open("a") as file:
            file.write(_entry(50, "half")[:20])
            file.flush()
            time.sleep(0.5)
            file.write(_entry(50, "half")[20:] + "\n")
        assert "half" in process.stdout.readline()
        (folder / "api.log").rename(folder / "api.log.2")
        _write(folder / "api.log", _entry(51, "rotated"))
        assert "rotated" in process.stdout.readline()
        _write(folder / "relay.log", _entry(52, "new file"))
        assert "new file" in process.stdout.readline()
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


def test_what_strangers_wrote_is_shown_and_not_obeyed(home: Path) -> None:
    path = "/api/v1/x\x1b]0;owned\x07\x9b31m\n2026-01-10T12:00:59.000 info  forged\u202e"
    _write(home / "data/logs/api.log", _entry(10, "request", path=path))
    _write(home / "data/logs/worker-critical.log", "raw \x1b[2J text")
    for form in ((), ("--json",)):
        ran = CliRunner().invoke(logs, list(form), color=True)
        assert ran.exit_code == 0, ran.output
        assert not [sign for sign in "\x1b\x07\x9b\u202e" if sign in ran.output]
        assert len(ran.stdout.splitlines()) == 2
        assert r"raw \x1b[2J text" in ran.output
    assert r"\x1b]0;owned\x07\x9b31m\n2026" in CliRunner().invoke(logs, [], color=True).output

"""`offerhub logs`: what all processes logged, merged by time, filtered by an id."""

import json
import os
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, Final

import click

from offerhub.cli.appliance import programs
from offerhub.cli.deployment import require_home
from offerhub.logs import printable
from offerhub.settings import paths

LEVELS: Final = ("debug", "info", "warning", "error", "critical")
_AGE: Final = re.compile(r"(\d{1,6})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_FOLLOW_S: Final = 0.3


@dataclass(frozen=True, slots=True)
class Line:
    """One logged line. `entry` is empty for text that no logger of ours wrote."""

    at: str
    process: str
    entry: dict[str, Any]
    text: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is shown. `since` is ISO 8601 text in UTC, comparable as text."""

    since: str = ""
    level: str | None = None
    ids: tuple[str, ...] = ()

    def takes(self, line: Line) -> bool:
        if line.at and line.at < self.since:
            return False
        if self.level and LEVELS.index(_level(line)) < LEVELS.index(self.level):
            return False
        return all(wanted in line.text for wanted in self.ids)


class Age(click.ParamType[str]):
    """`90s`, `15m`, `2h`, `3d`, or a time such as 2026-01-10T12:00:00Z; becomes UTC text."""

    name = "age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        match = _AGE.fullmatch(str(value))
        if match:
            age = timedelta(**{_UNITS[match[2]]: int(match[1])})
            return _utc(datetime.now(UTC) - age)
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail("say an age (15m, 2h, 3d) or a time (2026-01-10T12:00:00Z)", param, ctx)
        return _utc(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


@click.command()
@click.argument(
    "processes", nargs=-1, type=click.Choice([program.name for program in programs.ALL])
)
@click.option("-f", "--follow", is_flag=True, help="Go on as new lines come.")
@click.option("-n", "--lines", type=click.IntRange(0, 100_000), default=100, show_default=True,
              help="How many of the last lines.")  # fmt: skip
@click.option("--since", type=Age(), default=None, help="Not older than this: 15m, 2h, a time.")
@click.option("--order", help="Only lines that name this order.")
@click.option("--request", help="Only lines of this request.")
@click.option("--operation", help="Only lines of this operation.")
@click.option("--level", type=click.Choice(LEVELS[:4]), help="Only lines at least this severe.")
@click.option("--json", "as_json", is_flag=True, help="Lines as they were written.")
def logs(
    processes: tuple[str, ...],
    follow: bool,
    lines: int,
    since: str | None,
    order: str | None,
    request: str | None,
    operation: str | None,
    level: str | None,
    as_json: bool,
) -> None:
    """Show what PROCESSES logged (all, unless named), oldest first. Secrets were never written."""
    folder = paths.logs(require_home())
    ids = tuple(wanted for wanted in (order, request, operation) if wanted)
    wanted = Wanted(since=since or "", level=level, ids=ids)
    names = processes or tuple(program.name for program in programs.ALL)
    files = {name: folder / f"{name}.log" for name in names}
    opened: dict[str, IO[bytes]] = {
        name: path.open("rb") for name, path in files.items() if path.exists()
    }
    found = [line for name, file in opened.items() for line in _older(files[name], name, wanted)]
    found += [
        line for name, file in opened.items() for line in _read(file, name) if wanted.takes(line)
    ]
    found.sort(key=lambda line: line.at)
    _print(found[len(found) - min(lines, len(found)) :], as_json=as_json)
    while follow:
        time.sleep(_FOLLOW_S)
        _reopen(files, opened)
        fresh = [line for name, file in opened.items() for line in _read(file, name)]
        _print(sorted(filter(wanted.takes, fresh), key=lambda line: line.at), as_json=as_json)


def _older(path: Path, process: str, wanted: Wanted) -> Iterator[Line]:
    """Lines of the rotated files, when they can matter."""
    rotated = sorted(path.parent.glob(f"{path.name}.[0-9]*"), key=lambda p: -int(p.suffix[1:]))
    if wanted.since or wanted.ids:
        for file in rotated:
            with file.open("rb") as opened:
                yield from (line for line in _read(opened, process) if wanted.takes(line))


def _read(file: IO[bytes], process: str) -> Iterator[Line]:
    """Whole lines from where the file stands; a half-written last line waits for the next call."""
    at = ""
    while True:
        start = file.tell()
        raw = file.readline()
        if not raw.endswith(b"\n"):
            file.seek(start)
            return
        line = _parse(raw.decode("utf-8", "replace").rstrip("\n"), process)
        at = line.at or at
        yield Line(at, process, line.entry, line.text)


def _parse(text: str, process: str) -> Line:
    try:
        entry = json.loads(text)
    except ValueError:
        entry = None
    if not isinstance(entry, dict):
        return Line("", process, {}, text)
    return Line(str(entry.get("at", "")), process, entry, text)


def _reopen(files: dict[str, Path], opened: dict[str, IO[bytes]]) -> None:
    """Follow files that were rotated, emptied or have only now appeared."""
    for name, path in files.items():
        if not path.exists():
            continue
        file = opened.get(name)
        if file is not None:
            now = path.stat()
            if now.st_ino == _inode(file) and now.st_size >= file.tell():
                continue
            file.close()
        opened[name] = path.open("rb")


def _inode(file: IO[bytes]) -> int:
    return os.fstat(file.fileno()).st_ino


def _print(lines: Iterable[Line], *, as_json: bool) -> None:
    for line in lines:
        click.echo(printable(line.text) if as_json else _words(line))


def _words(line: Line) -> str:
    if not line.entry:
        return f"{line.process:<18} {printable(line.text)}"
    rest = {
        key: value
        for key, value in line.entry.items()
        if key not in {"at", "level", "event", "logger", "process", "exception"}
    }
    details = " ".join(f"{key}={value}" for key, value in rest.items())
    text = f"{line.at[:23]} {_level(line):<8} {line.process:<18} {line.entry.get('event', '')}"
    trace = line.entry.get("exception")
    shown = printable(f"{text} {details}".rstrip())
    return shown + (f"\n{printable(str(trace), lines=True)}" if trace else "")


def _level(line: Line) -> str:
    level = str(line.entry.get("level", "info"))
    return level if level in LEVELS else "info"


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

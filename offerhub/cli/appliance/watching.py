"""Waiting for processes that were started: until they do their work, or keep failing.

A process counts as running when it is the very one that supervisor started, and not the survivor
of an earlier start that still answers in its place.
"""

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from offerhub.cli.appliance import holding, supervisord
from offerhub.cli.appliance.supervisord import Supervisor
from offerhub.cli.exits import Exit, Failure
from offerhub.settings import paths

GIVE_UP_AFTER_S: Final = 6.0
MOST_STARTS: Final = 4
LAST_LINES: Final = 12
_STEP_S: Final = 0.1
_FAILING: Final = frozenset({"BACKOFF", "FATAL"})


class Watch:
    """Looks after the processes of one deployment during a start."""

    def __init__(self, home: Path, running: Supervisor) -> None:
        self._home = home
        self._running = running
        self._ill_since: dict[str, float] = {}
        self._pids: dict[str, set[int]] = {}

    def are_running(self, names: Iterable[str]) -> bool:
        """Whether all of them run, beyond their first second."""
        states = self._running.processes()
        return all(self._runs(name, states) for name in names)

    def wait(self, names: Iterable[str], *, works: Callable[[], bool], timeout_s: float) -> None:
        """Until the processes run and `works` says yes.

        Raises: Failure, with the last words of the process that would not; after `timeout_s`, or
        sooner when one keeps ending as soon as it was started.
        """
        wanted = tuple(names)
        deadline = time.monotonic() + timeout_s
        while not (self.are_running(wanted) and works()):
            failing = self._keeps_failing(wanted)
            if failing is not None:
                raise self.failure(failing)
            if time.monotonic() > deadline:
                states = self._running.processes()
                absent = [name for name in wanted if not self._runs(name, states)]
                raise self.failure(absent[0] if absent else wanted[0])
            time.sleep(_STEP_S)

    def failure(self, name: str) -> Failure:
        """What to tell about a process that did not become ready."""
        lines = last_lines(self._home, name)
        said = "\n  ".join(lines) if lines else "(it logged nothing)"
        where = paths.logs(self._home) / f"{name}.log"
        return Failure(
            f"{name} did not become ready. The end of {where}:\n  {said}\n"
            "Correct the cause and run `up` again; `down` stops what runs.",
            code=Exit.RESUMABLE,
        )

    def _keeps_failing(self, names: tuple[str, ...]) -> str | None:
        """A process that has been failing for a while, or was started again and again."""
        now = time.monotonic()
        for name, found in self._running.processes().items():
            if found["pid"]:
                self._pids.setdefault(name, set()).add(found["pid"])
            if found["statename"] in _FAILING:
                self._ill_since.setdefault(name, now)
            elif found["statename"] == supervisord.RUNNING:
                self._ill_since.pop(name, None)
        for name in names:
            ill_s = now - self._ill_since.get(name, now)
            if ill_s > GIVE_UP_AFTER_S or len(self._pids.get(name, ())) > MOST_STARTS:
                return name
        return None

    def _runs(self, name: str, states: dict[str, dict[str, Any]]) -> bool:
        found = states.get(name, {})
        if found.get("statename") != supervisord.RUNNING:
            return False
        return bool(holding.holder(paths.run(self._home), name) == found["pid"])


def last_lines(home: Path, name: str, *, count: int = LAST_LINES) -> list[str]:
    """The end of a process's log, for a person who asks why it failed."""
    try:
        with (paths.logs(home) / f"{name}.log").open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 16_384))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    return lines[-count:]

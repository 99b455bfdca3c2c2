"""The start of a deployment, step by step; each step may be repeated, so a broken start is too.

Order: Valkey, the sandbox (demo), the database, the first admin key, then everything else, until
the API says that it is ready.
"""

import os
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from offerhub.cli.appliance import health, holding, programs, supervisord, valkey
from offerhub.cli.appliance.admin_key import ensure_admin_key
from offerhub.cli.appliance.programs import Program
from offerhub.cli.appliance.supervisord import Supervisor
from offerhub.cli.exits import Exit, Failure
from offerhub.settings import paths

if TYPE_CHECKING:
    from offerhub.settings import Settings

Say = Callable[[str], None]
VALKEY_TIMEOUT_S: Final = 30.0
SANDBOX_TIMEOUT_S: Final = 30.0
GIVE_UP_AFTER_S: Final = 8.0
LAST_LINES: Final = 12


@dataclass(frozen=True, slots=True)
class Started:
    """How a start ended. `already`: everything ran before, and nothing was done."""

    already: bool
    admin_key_file: Path | None


def start(settings: "Settings", *, timeout_s: float, say: Say) -> Started:
    """Bring the deployment up. Raises: Failure, naming the process that would not start."""
    os.umask(0o077)  # the database is nobody else's
    home = settings.home
    wanted = programs.of(settings)
    running = supervisord.connect(home)
    if running is not None and _all_running(home, running, wanted) and health.ask(settings).ok:
        return Started(already=True, admin_key_file=_key_file(home))
    if running is None:
        check_ports(settings)
        config = supervisord.write_config(home, wanted)
        if settings.redis_embedded:
            valkey.write_config(settings)
        supervisord.start(home, config)
        running = supervisord.connect(home)
        if running is None:
            raise Failure(f"the process manager went away; see {paths.logs(home)}")
    _start_foundations(settings, running, say)
    _migrate(settings, say)
    key_file = ensure_admin_key(settings, say)
    for program in wanted:
        running.start_program(program.name)
    say("waiting until the API is ready")
    _wait_for_holder(settings, running, programs.API, timeout_s=timeout_s)
    _wait(settings, running, wanted, timeout_s=timeout_s)
    return Started(already=False, admin_key_file=key_file)


def check_ports(settings: "Settings") -> None:
    """Refuse early when somebody else listens where we want to.

    A survivor of our own crashed start is no stranger: it is taken over. Raises: Failure.
    """
    run = paths.run(settings.home)
    places = {programs.API: (health.local_address(settings), "OFFERHUB_BIND")}
    if settings.environment == "demo":
        places[programs.SANDBOX] = (settings.sandbox_address, "OFFERHUB_SANDBOX_BIND")
    for name, ((host, port), variable) in places.items():
        if _listens(host, port) and (not run.is_dir() or holding.holder(run, name) is None):
            raise Failure(
                f"port {port} on {host} is taken by another program; stop it, or change {variable}"
                " in config.env",
                code=Exit.PREFLIGHT,
            )


def last_lines(home: Path, name: str, *, count: int = LAST_LINES) -> list[str]:
    """The end of a process's log, for a person who asks why it failed."""
    try:
        with (paths.logs(home) / f"{name}.log").open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 16_384))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    return lines[-count:]


def _start_foundations(settings: "Settings", running: Supervisor, say: Say) -> None:
    if settings.redis_embedded:
        say("starting valkey")
        running.start_program(programs.VALKEY)
        _wait_for_holder(settings, running, programs.VALKEY, timeout_s=VALKEY_TIMEOUT_S)
        if not valkey.wait_until_answering(settings, timeout_s=VALKEY_TIMEOUT_S):
            raise _failure(settings, programs.VALKEY)
    if settings.environment == "demo":
        say("starting the sandbox")
        running.start_program(programs.SANDBOX)
        _wait_for_holder(settings, running, programs.SANDBOX, timeout_s=SANDBOX_TIMEOUT_S)
        host, port = settings.sandbox_address
        deadline = time.monotonic() + SANDBOX_TIMEOUT_S
        while not _listens(host, port):
            if time.monotonic() > deadline:
                raise _failure(settings, programs.SANDBOX)
            time.sleep(0.05)


def _wait_for_holder(
    settings: "Settings", running: Supervisor, name: str, *, timeout_s: float
) -> None:
    """Until it is our new process that runs, and not the survivor of an earlier start."""
    deadline = time.monotonic() + timeout_s
    while not _runs(settings.home, name, running.processes()):
        if time.monotonic() > deadline:
            raise _failure(settings, name)
        time.sleep(0.05)


def _migrate(settings: "Settings", say: Say) -> None:
    from offerhub.store.migrations import migrate

    say("migrating the database")
    paths.make_private(paths.database(settings.home).parent)
    migrate(settings.database_url)


def _wait(
    settings: "Settings", running: Supervisor, wanted: Sequence[Program], *, timeout_s: float
) -> None:
    """Until the API is ready and all run; stops early when one keeps failing."""
    ill_since: dict[str, float] = {}

    def keep_waiting() -> bool:
        now = time.monotonic()
        for name, found in running.processes().items():
            if found["statename"] in {"BACKOFF", "FATAL"}:
                ill_since.setdefault(name, now)
            elif found["statename"] == supervisord.RUNNING:
                ill_since.pop(name, None)
        return not any(now - since > GIVE_UP_AFTER_S for since in ill_since.values())

    deadline = time.monotonic() + timeout_s
    answer = health.wait_until_ready(settings, timeout_s=timeout_s, keep_waiting=keep_waiting)
    while answer.ok and not _all_running(settings.home, running, wanted):
        if not keep_waiting() or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    else:
        if answer.ok:
            return
    states = running.processes()
    failed = [p.name for p in wanted if not _runs(settings.home, p.name, states)]
    raise _failure(settings, failed[0] if failed else programs.API)


def _failure(settings: "Settings", name: str) -> Failure:
    lines = last_lines(settings.home, name)
    said = "\n  ".join(lines) if lines else "(it logged nothing)"
    where = paths.logs(settings.home) / f"{name}.log"
    return Failure(
        f"{name} did not become ready. The end of {where}:\n  {said}\n"
        "Correct the cause and run `up` again; `down` stops what runs.",
        code=Exit.RESUMABLE,
    )


def _all_running(home: Path, running: Supervisor, wanted: Sequence[Program]) -> bool:
    states = running.processes()
    return all(_runs(home, program.name, states) for program in wanted)


def _runs(home: Path, name: str, states: dict[str, dict[str, Any]]) -> bool:
    """Whether the process that supervisor started has the name, beyond its first second."""
    found = states.get(name, {})
    if found.get("statename") != supervisord.RUNNING:
        return False
    return bool(holding.holder(paths.run(home), name) == found["pid"])


def _listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def _key_file(home: Path) -> Path | None:
    found = home / "admin.key"
    return found if found.exists() else None

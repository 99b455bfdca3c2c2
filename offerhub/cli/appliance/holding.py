"""At most one process of a name per deployment, whoever started it and however its parent died.

A process holds a lock file, which its own children inherit; the lock therefore lasts as long as
anything of it runs. A newcomer asks the survivors of a crashed parent to go, then takes over.
The file names the holder by number and birth, so that a reused number is never mistaken for it.
"""

import fcntl
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

TAKEOVER_S: Final = 10.0
_PROBE_S: Final = 0.5  # a look at the lock holds it for a moment; that is no reason to evict
_STEP_S: Final = 0.05


class StillHeld(Exception):
    """Another process of this name runs and does not go."""


def lock_file(run: Path, name: str) -> Path:
    return run / f"{name}.lock"


def holder(run: Path, name: str) -> int | None:
    """The process group that holds `name`, or None when nobody does."""
    try:
        descriptor = os.open(lock_file(run, name), os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        return None if _try(descriptor, fcntl.LOCK_SH) else _written(descriptor)
    finally:
        os.close(descriptor)


def hold(run: Path, name: str, *, takeover_s: float = TAKEOVER_S) -> int:
    """Become the holder of `name` for the life of this process, its children and its successor.

    Survivors of an earlier holder are told to stop, and killed after `takeover_s`.
    Returns the descriptor to keep open. Raises: StillHeld.
    """
    descriptor = os.open(lock_file(run, name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if not _patiently(descriptor):
        _evict(_written(descriptor), lambda: _try(descriptor), grace_s=takeover_s)
        if not _try(descriptor):
            os.close(descriptor)
            raise StillHeld(f"another process is still {name}")
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()} {_birth(os.getpid())}".encode(), 0)
    os.set_inheritable(descriptor, True)
    return descriptor


def stop(run: Path, name: str, *, grace_s: float) -> bool:
    """Stop whatever holds `name`; True when something did."""
    group = holder(run, name)
    if group is None:
        return False
    _evict(group, lambda: holder(run, name) is None, grace_s=grace_s)
    return True


def _evict(group: int | None, is_gone: Callable[[], bool], *, grace_s: float) -> None:
    for signal_, patience_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 5.0)):
        if group is not None and group != os.getpgrp():
            with suppress(ProcessLookupError):  # all of it may go in between
                os.killpg(group, signal_)
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            if is_gone():
                return
            time.sleep(_STEP_S)


def _patiently(descriptor: int) -> bool:
    deadline = time.monotonic() + _PROBE_S
    while not _try(descriptor):
        if time.monotonic() > deadline:
            return False
        time.sleep(_STEP_S)
    return True


def _try(descriptor: int, kind: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _written(descriptor: int) -> int | None:
    """The holder's number; None when it is not written yet, or is another process's by now."""
    pid, _, birth = os.pread(descriptor, 64, 0).decode("ascii", "replace").partition(" ")
    if not pid.isdigit() or int(pid) <= 1:
        return None
    now = _birth(int(pid))
    return int(pid) if not now or now == birth.strip() else None


def _birth(pid: int) -> str:
    """When the process began, in the kernel's ticks; "" if it is gone or there is no /proc."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]

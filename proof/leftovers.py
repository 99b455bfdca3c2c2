"""No process outlives the proof: whatever it started, however far away, is found and stopped.

Deployments, databases and test processes leave their parents' sessions on purpose, so neither a
process group nor the list of children finds them. All of them inherit the environment, and in it a
mark of this run. Linux only: elsewhere nothing is found.
"""

import os
import signal
import time
from pathlib import Path
from typing import Final
from uuid import uuid4

# A run within a run has the outer one's mark too, and adds its own.
VARIABLE: Final = "PROOF_RUNS"
# Postgres waits for its clients on the first, and not on the second.
STEPS: Final = ((signal.SIGTERM, 10.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))


def mark() -> str:
    """Mark all processes that are started from now on; the mark."""
    own = f"proof-{uuid4().hex}"
    os.environ[VARIABLE] = f"{os.environ.get(VARIABLE, '')} {own}".strip()
    return own


def marked(own: str) -> list[int]:
    """Processes of this user that carry the mark and still run, this one not among them."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "environ").read_bytes()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if own.encode() in words and int(entry.name) != os.getpid():
            found.append(int(entry.name))
    return found


def stop(own: str) -> list[int]:
    """End all marked processes, gently at first; those that were still there, by their numbers."""
    first = marked(own)
    for number, patience_s in STEPS:
        for pid in marked(own):
            _send(pid, number)
        end = time.monotonic() + patience_s
        while marked(own):
            if time.monotonic() > end:
                break
            time.sleep(0.1)
        else:
            break
    return first


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return

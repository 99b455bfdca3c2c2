"""Where the processes of one machine count requests and provider calls together."""

import os
import tempfile
from pathlib import Path
from typing import Final

VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"


def prepare(run_folder: Path | None) -> Path:
    """The folder, named in the environment before the metrics library is loaded.

    run_folder: the deployment's; None takes a temporary one. What ended processes left there goes:
    counters then fall, which Prometheus takes for the restart that it is. A folder that the
    operator has named is left as it is: its files may be of other machines.
    """
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    if run_folder is None:
        folder = Path(tempfile.mkdtemp(prefix="offerhub-metrics-"))
    else:
        folder = run_folder / "metrics"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        purge(folder)
    os.environ[VARIABLE] = str(folder)
    return folder


def purge(folder: Path) -> int:
    """Remove the files of processes that are gone; how many. Safe beside processes at work."""
    removed = 0
    for path in folder.glob("*_*.db"):
        pid = path.stem.rpartition("_")[2]
        if pid.isdecimal() and not _is_alive(int(pid)):
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

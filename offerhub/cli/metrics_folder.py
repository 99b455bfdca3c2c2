"""Where the web processes of one server count their requests together."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"


def prepare(run_folder: Path | None) -> Path:
    """An empty folder, named in the environment before the metrics library is loaded.

    run_folder: the deployment's; None takes a temporary one. Counters begin at zero with each
    start, as Prometheus expects. A folder that the operator has named is left as it is.
    """
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    if run_folder is None:
        folder = Path(tempfile.mkdtemp(prefix="offerhub-metrics-"))
    else:
        folder = run_folder / "metrics"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True)
    os.environ[VARIABLE] = str(folder)
    return folder

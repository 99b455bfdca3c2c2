"""Processes of one machine count together, and what ended ones left is removed."""

import os
import subprocess
import sys
from pathlib import Path

from offerhub.cli import metrics_folder

_COUNT = """
import sys
from pathlib import Path
from offerhub.cli import metrics_folder
metrics_folder.prepare(Path(sys.argv[1]))
from offerhub.call_metrics import count_call
count_call("airtm", "ok", 0.2)
count_call("airtm", "unknown", 3.0)
"""
_READ = """
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
registry = CollectorRegistry()
MultiProcessCollector(registry)
print(generate_latest(registry).decode())
"""


def python(code: str, *arguments: str, **environ: str) -> str:
    clean = {name: value for name, value in os.environ.items() if name != metrics_folder.VARIABLE}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True, text=True, timeout=60, check=True, env=clean | environ,
    )  # fmt: skip
    return done.stdout


def test_another_process_reads_what_a_worker_counted(tmp_path: Path) -> None:
    python(_COUNT, str(tmp_path))
    shown = python(_READ, PROMETHEUS_MULTIPROC_DIR=str(tmp_path / "metrics"))
    assert 'offerhub_provider_calls_total{outcome="ok",provider="airtm"} 1.0' in shown
    assert 'offerhub_provider_call_duration_seconds_sum{provider="airtm"} 3.2' in shown


def test_only_files_of_ended_processes_are_removed(tmp_path: Path) -> None:
    python(_COUNT, str(tmp_path))
    folder = tmp_path / "metrics"
    left = {path.name for path in folder.iterdir()}
    mine = folder / f"counter_{os.getpid()}.db"
    mine.touch()
    assert metrics_folder.purge(folder) == len(left) > 0
    assert list(folder.iterdir()) == [mine]

"""Threads that repeat one piece of work, and what is recorded of each repetition.

Both sides of a ratio are measured by this code: the API's clients, and the plain SQL beside them.
A run warms up first; only what both starts and ends inside the measured window is counted.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bench.processes import machine_busy_s, tree_cpu_s

Steps = dict[str, float]  # milliseconds by the name of a step
Work = Callable[[], Steps]


class Refused(Exception):
    """The work did not succeed; the message says how, and is counted."""


@dataclass
class Window:
    """What happened inside the measured window."""

    seconds: float
    done: int = 0
    steps_ms: dict[str, list[float]] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)
    cpu_s: dict[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), "failures": dict(self.failures)}


def run(
    workers: list[Work], *, warm_up_s: float, seconds: float, watched: dict[str, int]
) -> Window:
    """Repeat each of `workers` in a thread of its own. `watched`: root processes by name."""
    starts = time.monotonic() + warm_up_s
    ends = starts + seconds
    windows = [Window(seconds) for _ in workers]
    threads = [
        threading.Thread(target=_repeat, args=(work, window, starts, ends), daemon=True)
        for work, window in zip(workers, windows, strict=True)
    ]
    for thread in threads:
        thread.start()
    time.sleep(max(0.0, starts - time.monotonic()))
    before = _costs(watched)
    time.sleep(max(0.0, ends - time.monotonic()))
    after = _costs(watched)
    for thread in threads:
        thread.join(60)
    total = Window(seconds, cpu_s={name: after[name] - before[name] for name in before})
    for window in windows:
        total.done += window.done
        total.failures += window.failures
        for step, times in window.steps_ms.items():
            total.steps_ms.setdefault(step, []).extend(times)
    return total


def _repeat(work: Work, window: Window, starts: float, ends: float) -> None:
    while (began := time.monotonic()) < ends:
        try:
            steps = work()
        except Refused as refused:
            window.failures[str(refused)] += 1
            continue
        if began >= starts and time.monotonic() <= ends:
            window.done += 1
            for name, ms in steps.items():
                window.steps_ms.setdefault(name, []).append(ms)


def _costs(watched: dict[str, int]) -> dict[str, float]:
    return {
        **{name: tree_cpu_s(pid) for name, pid in watched.items()},
        "generator": time.process_time(),
        "machine": machine_busy_s(),
    }


def percentiles(times_ms: list[float]) -> dict[str, float]:
    """p50, p95 and p99 by the nearest rank, in milliseconds."""
    ordered = sorted(times_ms)
    if not ordered:
        return {}
    ranks = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
    return {
        name: round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)
        for name, share in ranks.items()
    }

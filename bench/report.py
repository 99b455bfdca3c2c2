"""Results as a file and as a table: what ran, on what, and how fast."""

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "bench" / "results"
PACKAGES = ("flask", "gevent", "gunicorn", "marshmallow", "peewee", "psycopg", "redis", "structlog")


def circumstances() -> dict[str, Any]:
    """Machine, versions and commit."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "uncommitted_changes": bool(_git("status", "--porcelain", "--", "offerhub", "bench")),
        "machine": {
            "cpu": _cpu_model(),
            "cpus": os.cpu_count(),
            "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
            "system": f"{platform.system()} {platform.release()}",
            "load_average_before": [round(load, 1) for load in os.getloadavg()],
        },
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
        },
    }


def commit() -> str:
    return _git("rev-parse", "--short", "HEAD") or "unknown"


def write(result: dict[str, Any]) -> Path:
    """Keep a result beside the others."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{result['at'][:10]}-{result['commit']}.json"
    path.write_text(json.dumps(result, indent=2) + "\n")
    return path


def table(result: dict[str, Any]) -> str:
    """The result for people."""
    parts = []
    if "measured" in result:
        parts.append(_orders(result))
    if "volume" in result:
        parts.append(_volume(result["volume"]))
    return "\n\n".join(parts)


def _volume(volume: dict[str, Any]) -> str:
    small, large = (f"{size:,}" for size in volume["sizes"])
    head = (
        f"{'database':<9} {'request':<68} {'median ms':>15} {'ratio':>6} "
        f"{'p99 ms':>17} {'ratio':>6} {'best':>6}"
    )
    lines = [
        f"in turns: {small} and {large} orders, {volume['turns']} times",
        head,
        "-" * len(head),
    ]
    for row in volume["flat"]:
        times = {
            kind: "/".join(f"{ms:.1f}" for ms in row[f"{kind}_ms"]) for kind in ("median", "p99")
        }
        lines.append(
            f"{row['engine']:<9} {row['request']:<68} {times['median']:>15} "
            f"{row['median_ratio']:>6.2f} {times['p99']:>17} {row['p99_ratio']:>6.2f} "
            f"{row['best_ratio']:>6.2f}"
        )
    lines.append(f"slower in the larger market: {', '.join(volume['steep']) or 'none'}")
    return "\n".join(lines)


def _orders(result: dict[str, Any]) -> str:
    head = (
        f"{'case':<15} {'way':<8} {'pairs/s':>8} {'p50':>7} {'p95':>7} {'p99':>7} "
        f"{'CPU ms/pair':>12} {'others':>7}  failures; CPU ms/pair by process"
    )
    lines = [head, "-" * len(head)]
    for row in result["measured"]:
        for way in ("api", "raw_sql"):
            figures = row[way]
            costs = " ".join(f"{n} {ms:.1f}" for n, ms in figures["cpu_ms_per_pair"].items())
            pair = figures["latency_ms"].get("pair", {})
            times = " ".join(f"{pair.get(name, 0):>7.1f}" for name in ("p50", "p95", "p99"))
            lines.append(
                f"{row['case']:<15} {way:<8} {figures['pairs_per_s']:>8.1f} {times} "
                f"{figures['cpu_ms_per_pair_in_all']:>12.2f} "
                f"{figures['other_processes_cpus']:>7.2f}  {figures['failures'] or 'none'}; {costs}"
            )
        lines.append(
            f"{'':<15} ratio    {row['ratio']:>8.3f}   by processor time {row['cpu_ratio']:.3f};"
            f" the processors allow {row['api']['pairs_per_s_that_the_cpus_allow']} pairs/s"
        )
    lines.append(
        f"{result['statements_per_pair']} statements per pair; "
        f"the books: {result['findings'] or 'right'}"
    )
    return "\n".join(lines)


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True)
    return done.stdout.strip()

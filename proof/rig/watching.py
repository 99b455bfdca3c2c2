"""F28: an even load for as long as is asked for, and a look at every process again and again.

What may grow, and by how much, is in `growth`.
"""

import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from bench.processes import tree
from offerhub.settings import paths
from proof.rig import growth
from proof.rig.calls import Promise, Record
from proof.rig.growth import Growth, Sample, Window
from proof.rig.rows import Away
from proof.rig.site import Site

OPERATIONS_PER_S = 20.0
WINDOW_S, LEAST_WINDOWS = 600.0, 12
LOOK_S, LEAST_LOOKS = 30.0, 60
PROMISES_KEPT = 1_000
MB = 2**20


class Latencies(Record):
    """What clients were told, of a day's requests: times until the next window, the last promises.

    Everything else of a record would grow with the hours.
    """

    def __init__(self) -> None:
        super().__init__()
        self._times_s: list[float] = []

    def answered(self, kind: str, *, began: float, promise: Promise | None) -> None:
        took_s = time.monotonic() - began
        super().answered(kind, began=began, promise=promise)
        with self.lock:
            self._times_s.append(took_s)
            self.answered_at.clear()
            if len(self.promises) >= 2 * PROMISES_KEPT:
                del self.promises[:PROMISES_KEPT]

    def p99_ms(self) -> float:
        """Of what was answered since it was last asked for; 0 when nothing was."""
        with self.lock:
            times, self._times_s = sorted(self._times_s), []
        return times[int(0.99 * len(times))] * 1000 if times else 0.0


def watch(site: Site, record: Latencies, *, hours: float) -> Growth:
    """Look until the time is over. Raises: OSError while a process cannot be looked at."""
    seen = Growth(OPERATIONS_PER_S)
    total_s = hours * 3600
    look_s = min(LOOK_S, total_s / LEAST_LOOKS)
    window_s = min(WINDOW_S, total_s / LEAST_WINDOWS)
    began, before, window_ends = time.monotonic(), record.count, window_s
    record.p99_ms()  # what was before the beginning
    while (at_s := time.monotonic() - began) < total_s:
        time.sleep(min(look_s, max(0.0, total_s - at_s)))
        at_s = time.monotonic() - began
        seen.samples.append(look(site, at_s=at_s))
        if at_s >= window_ends - 0.5:  # the last one ends with the time
            window_ends += window_s
            with suppress(Away):
                seen.windows.append(_window(site, record, at_s=at_s, before=before))
                _tell(seen)
    return seen


def look(site: Site, *, at_s: float) -> Sample:
    """Every program of the deployment with its own children, and Valkey."""
    held = {
        lock.stem: pid
        for lock in sorted(paths.run(site.market.home).glob("*.lock"))
        if (pid := site.market.pid(lock.stem)) is not None
    }
    families = families_of(held)
    return Sample(
        at_s=at_s,
        memory_mb={name: sum(map(resident_mb, pids)) for name, pids in families.items()},
        files={name: sum(map(open_files, pids)) for name, pids in families.items()},
        pids=held,
        keys=_keys(site),
        wal_mb=_wal_mb(site),
    )


def families_of(held: Mapping[str, int]) -> dict[str, set[int]]:
    """Each program's processes; what a program of its own is counts there, not with its parent."""
    trees = {name: set(tree(pid)) for name, pid in held.items()}
    own = {}
    for name, pids in trees.items():
        within = [trees[other] for other in trees if other != name and held[other] in pids]
        own[name] = pids.difference(*within)
    return own


def resident_mb(pid: int) -> float:
    """0 for a process that is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / MB


def open_files(pid: int) -> int:
    """0 for a process that is gone."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _keys(site: Site) -> int:
    try:
        with Redis.from_url(site.market.settings.redis_url) as redis:
            return int(redis.dbsize())
    except RedisError:
        return 0


def _wal_mb(site: Site) -> float:
    wal = paths.database(site.market.home).with_name("offerhub.db-wal")
    return wal.stat().st_size / MB if wal.exists() else 0.0


def _window(site: Site, record: Latencies, *, at_s: float, before: int) -> Window:
    return Window(
        at_s=at_s,
        p99_ms=record.p99_ms(),
        operations=record.count - before,
        rows={name: int(site.rows.one(f"SELECT COUNT(*) FROM {name}")) for name in _tables(site)},
        database_mb=_database_bytes(site) / MB,
    )


def _tables(site: Site) -> list[str]:
    if site.postgres is not None:
        query = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
    else:
        query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    return sorted(str(row[0]) for row in site.rows.all(query))


def _database_bytes(site: Site) -> int:
    if site.postgres is not None:
        return int(site.rows.one("SELECT pg_database_size(current_database())"))
    return paths.database(site.market.home).stat().st_size


def _tell(seen: Growth) -> None:
    """A line for who waits."""
    last = seen.windows[-1]
    memory = sum(mb for n, mb in seen.samples[-1].memory_mb.items() if n not in growth.NOT_OURS)
    print(
        f"F28: {last.at_s / 3600:.2f} h, {last.operations} operations,"
        f" p99 {last.p99_ms:.0f} ms, {memory:.0f} MB, database {last.database_mb:.0f} MB",
        file=sys.stderr, flush=True,
    )  # fmt: skip

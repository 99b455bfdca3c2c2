"""Whether a long even load made anything grow: samples in, findings and figures out.

Pure arithmetic, so that tests can feed it a leak. Not here: taking samples (`watching`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from proof.plan import Figure

# How much may be more at the end than after the warm-up: a share of it, and what is no growth yet.
MOST_MEMORY: Final = (0.05, 4.0)  # resident, MB, per program
MOST_P99: Final = (0.25, 50.0)  # ms
MOST_FILES: Final = (0.10, 8.0)  # open file descriptors, per program
MOST_KEYS: Final = (0.10, 200.0)  # of Valkey
MOST_WAL_MB: Final = 64.0  # SQLite's, at any time
LEAST_RATE: Final = 0.9  # of the operations asked for
# Rows per operation in the second half, of those in the first; and how many rows are chance.
MOST_ROWS: Final = (1.25, 200.0)
WARM_UP: Final = (0.25, 1_800.0)  # share of the time, and the most seconds

# Tables that hold what is under way or set up: they must stay as small as they are.
STEADY: Final = frozenset({
    "api_keys", "flags", "lease_standbys", "leases", "schema_migration", "signer_claims", "users",
    "wallets", "webhook_endpoints",
})  # fmt: skip
MOST_STEADY_ROWS: Final = 30
# Tables that each operation adds to: the books and their history are kept for good, and
# `idempotent_answers`, `reconciliations` and `treasury_snapshots` for days.
GROWING: Final = frozenset({
    "accounts", "audit_records", "audit_seals", "deposits", "differences", "dispute_comments",
    "disputes", "entries", "escrows", "events", "idempotent_answers", "inbox_events", "milestones",
    "operation_steps", "operations", "orders", "reconciliations", "topups", "transfers",
    "treasury_snapshots", "webhook_deliveries", "withdrawals",
})  # fmt: skip
# The simulated providers remember all they were ever told; they are no part of the product.
NOT_OURS: Final = frozenset({"sandbox"})

Line = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Sample:
    """One look. at_s: since the beginning; by program: MB resident, open files, process number."""

    at_s: float
    memory_mb: Mapping[str, float]
    files: Mapping[str, int]
    pids: Mapping[str, int]
    keys: int
    wal_mb: float


@dataclass(frozen=True)
class Window:
    """Some minutes. rows: of each table at their end; operations: answered until then."""

    at_s: float
    p99_ms: float
    operations: int
    rows: Mapping[str, int]
    database_mb: float


@dataclass
class Growth:
    """All that was seen. asked_per_s: the load's pace."""

    asked_per_s: float
    samples: list[Sample] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)

    @property
    def took_s(self) -> float:
        return self.samples[-1].at_s if self.samples else 0.0

    @property
    def warm_s(self) -> float:
        """When the warm-up was over."""
        share, most_s = WARM_UP
        return min(share * self.took_s, most_s)

    def warm_samples(self) -> list[Sample]:
        return [sample for sample in self.samples if sample.at_s >= self.warm_s]

    def warm_windows(self) -> list[Window]:
        """Windows that began after the warm-up, and the one at whose end it was over."""
        over = [window for window in self.windows if window.at_s >= self.warm_s]
        return over or self.windows

    def lines(self, of: Callable[[Sample], Mapping[str, float]]) -> dict[str, Line]:
        """A value over time for each program that was there at every look."""
        samples = self.warm_samples()
        names = set(of(samples[0])).intersection(*(of(s) for s in samples)) if samples else set()
        return {name: [(s.at_s, of(s)[name]) for s in samples] for name in sorted(names)}


def fitted(line: Line) -> tuple[float, float]:
    """Value at the start, and how much more at the end, of the straight line by least squares."""
    if len(line) < 2:
        return (line[0][1] if line else 0.0), 0.0
    mean_t = sum(t for t, _ in line) / len(line)
    mean_v = sum(v for _, v in line) / len(line)
    spread = sum((t - mean_t) ** 2 for t, _ in line)
    slope = sum((t - mean_t) * (v - mean_v) for t, v in line) / spread if spread else 0.0
    start, end = line[0][0], line[-1][0]
    return mean_v + slope * (start - mean_t), slope * (end - start)


def too_much(line: Line, bound: tuple[float, float]) -> bool:
    share, free = bound
    start, more = fitted(line)
    return more > max(share * start, free)


def findings(growth: Growth) -> list[str]:
    """What grew beyond its bound, a sentence each."""
    if len(growth.samples) < 8 or len(growth.warm_windows()) < 3:
        return ["F28: too short to say anything: it takes 8 looks and 3 windows after the warm-up"]
    return [*_processes(growth), *_answers(growth), *_tables(growth)]


def _processes(growth: Growth) -> Iterator[str]:
    programs = {n: s for n, s in growth.lines(lambda s: s.memory_mb).items() if n not in NOT_OURS}
    for name, line in programs.items():
        if too_much(line, MOST_MEMORY):
            start, more = fitted(line)
            yield f"F28: {name} grew by {more:.1f} MB from {start:.1f} MB"
    for name, line in growth.lines(lambda s: s.files).items():
        if name not in NOT_OURS and too_much(line, MOST_FILES):
            start, more = fitted(line)
            yield f"F28: {name} had {more:.0f} more open files than {start:.0f}"
    for before, after in pairwise(growth.samples):
        for name, pid in before.pids.items():
            if after.pids.get(name) != pid:
                yield f"F28: {name} was restarted, or was gone, {after.at_s:.0f} s after the start"
    if too_much([(s.at_s, s.keys) for s in growth.warm_samples()], MOST_KEYS):
        yield f"F28: Valkey's keys grew to {growth.samples[-1].keys}"
    most_mb = max(sample.wal_mb for sample in growth.samples)
    if most_mb > MOST_WAL_MB:
        yield f"F28: SQLite's write-ahead log grew to {most_mb:.0f} MB"


def _answers(growth: Growth) -> Iterator[str]:
    line = p99_line(growth)
    if too_much(line, MOST_P99):
        start, more = fitted(line)
        yield f"F28: p99 grew by {more:.0f} ms from {start:.0f} ms"
    rate = operations_per_s(growth)
    if rate < LEAST_RATE * growth.asked_per_s:
        yield f"F28: {rate:.1f} operations/s were answered, not {growth.asked_per_s:.0f}"


def _tables(growth: Growth) -> Iterator[str]:
    windows = growth.warm_windows()
    first, middle, last = windows[0], windows[len(windows) // 2], windows[-1]
    for table, rows in sorted(last.rows.items()):
        more = rows - first.rows.get(table, 0)
        if table in STEADY:
            if more > MOST_STEADY_ROWS:
                yield f"F28: {table} grew by {more} rows, though nothing is kept there"
        elif table not in GROWING:
            yield f"F28: nobody has said whether {table} may grow; it has {rows} rows"
        else:
            early = _per_operation(first, middle, table)
            late = _per_operation(middle, last, table)
            share, free = MOST_ROWS
            done = max(1, last.operations - middle.operations)
            if late > share * early + free / done:
                yield (
                    f"F28: {table} grew by {late:.3f} rows per operation in the second half, by"
                    f" {early:.3f} in the first"
                )


def _per_operation(before: Window, after: Window, table: str) -> float:
    more = after.rows.get(table, 0) - before.rows.get(table, 0)
    return more / max(1, after.operations - before.operations)


def p99_line(growth: Growth) -> Line:
    return [(window.at_s, window.p99_ms) for window in growth.warm_windows()]


def operations_per_s(growth: Growth) -> float:
    last = growth.windows[-1] if growth.windows else None
    return last.operations / last.at_s if last else 0.0


def figures(growth: Growth) -> dict[str, Figure]:
    """What there is to tell, whether it held or not."""
    if not growth.samples or not growth.windows:
        return {}
    p99, p99_more = fitted(p99_line(growth))
    memory = {n: fitted(line) for n, line in growth.lines(lambda s: s.memory_mb).items()}
    ours = {name: fit for name, fit in memory.items() if name not in NOT_OURS}
    name, (start, more) = max(ours.items(), key=lambda one: one[1][1] / max(1.0, one[1][0]))
    last = growth.windows[-1]
    rows = sum(last.rows.values()) - sum(growth.windows[0].rows.values())
    done = max(1, last.operations - growth.windows[0].operations)
    files = [fitted(line)[1] for n, line in growth.lines(lambda s: s.files).items()]
    return {
        "operations_per_s": round(operations_per_s(growth), 1),
        "windows": len(growth.windows),
        "p99_start_ms": round(p99),
        "p99_growth_ms": round(p99_more),
        "memory_mb": round(sum(ours_mb for ours_mb, _ in ours.values())),
        "memory_growth_mb": round(sum(ours_more for _, ours_more in ours.values()), 1),
        "most_growth": f"{name}:{start:.1f}{more:+.1f}MB",
        "most_more_files": round(max(files, default=0.0), 1),
        "valkey_keys": growth.samples[-1].keys,
        "rows_per_operation": round(rows / done, 2),
        "database_mb": round(last.database_mb, 1),
        "wal_most_mb": round(max(sample.wal_mb for sample in growth.samples), 1),
    }

"""A soak notices what grows, each kind by itself, and takes no steady thing for a leak."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from proof.catalogue import CASES
from proof.parts import soaks_left, work
from proof.plan import DATABASES, Result
from proof.rig import growth
from proof.rig.growth import Growth, Sample, Window
from proof.rig.watching import PROMISES_KEPT, Latencies, families_of, open_files, resident_mb
from tests.proof.test_rig_checks import right

HOUR_S = 3_600.0
PIDS = {"api": 11, "relay": 12, "sandbox": 13}


def seen(**grow: Callable[[float], Any]) -> Growth:
    """Six hours of a steady deployment; a value of it by name instead as a function of time."""
    chance = random.Random(7)

    def at(name: str, steady: Any, t: float) -> Any:
        return grow[name](t) if name in grow else steady

    samples = [
        Sample(
            at_s=t,
            memory_mb={
                "api": at("memory", 100.0, t) + chance.uniform(-1, 1),
                "relay": 60.0 + (8.0 if t > 1_000 else 0.0),  # while it warms up
                "sandbox": 90.0 + t / 60,  # not ours: it remembers everything
            },
            files={"api": at("files", 40, t) + chance.randint(-2, 2), "relay": 9, "sandbox": 20},
            pids=at("pids", PIDS, t),
            keys=at("keys", 1_000, t) + chance.randint(-50, 50),
            wal_mb=at("wal", 4.0, t),
        )
        for t in (120.0 * n for n in range(1, 181))
    ]
    windows = [
        Window(
            at_s=t,
            p99_ms=at("p99", 80.0, t) + chance.uniform(-20, 20),
            operations=at("operations", int(20 * t), t),
            rows={
                "orders": int(2 * t), "leases": 3, "reconciliations": int(t // HOUR_S),
                "signer_claims": chance.randint(0, 9),
            } | at("rows", {}, t),
            database_mb=t / 100,
        )
        for t in (600.0 * n for n in range(1, 37))
    ]  # fmt: skip
    return Growth(20.0, samples, windows)


def test_a_steady_deployment_has_grown_by_nothing() -> None:
    assert growth.findings(seen()) == []


@pytest.mark.parametrize(
    ("grow", "said"),
    [
        ({"memory": lambda t: 100 + 8 * t / (6 * HOUR_S)}, "api grew by"),
        ({"files": lambda t: 40 + int(t / 1_000)}, "more open files than"),
        ({"keys": lambda t: 1_000 + int(t / 40)}, "Valkey's keys grew"),
        ({"wal": lambda t: 80.0 if t > 9_000 else 4.0}, "write-ahead log grew to 80 MB"),
        ({"p99": lambda t: 80 + t / 200}, "p99 grew by"),
        ({"operations": lambda t: int(17 * t)}, "17.0 operations/s were answered, not 20"),
        ({"pids": lambda t: PIDS if t < 9_000 else {**PIDS, "relay": 99}}, "relay was restarted"),
        (
            {"pids": lambda t: PIDS if t != 9_000 else {"api": 11, "sandbox": 13}},
            "relay was restart",
        ),
        ({"rows": lambda t: {"leases": 3 + int(t / 60)}}, "leases grew by"),
        ({"rows": lambda t: {"orders": int(t * t / 5_000)}}, "orders grew by"),
        ({"rows": lambda t: {"scratch": 1}}, "whether scratch may grow"),
    ],
)
def test_whatever_grows_is_noticed_and_nothing_else(grow: dict[str, Any], said: str) -> None:
    found = growth.findings(seen(**grow))
    assert found
    assert all(said.partition(" ")[0] in one for one in found), found
    assert said in found[0]


def test_a_soak_too_short_for_any_judgement_is_none() -> None:
    whole = seen()
    short = Growth(20.0, whole.samples[:7], whole.windows[:1])
    assert growth.findings(short)[0].startswith("F28: too short")
    assert growth.findings(Growth(20.0)) != []
    assert growth.figures(Growth(20.0)) == {}


def test_every_table_of_the_schema_is_said_to_grow_or_to_stay(sqlite_url: str) -> None:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as database:
        rows = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    names = {str(row[0]) for row in rows if not str(row[0]).startswith("sqlite_")}
    assert names == growth.STEADY | growth.GROWING


def test_the_figures_name_what_grew_most() -> None:
    figures = growth.figures(seen(memory=lambda t: 100 + 12 * t / (6 * HOUR_S)))
    assert str(figures["most_growth"]).startswith("api:")
    assert figures["windows"] == 36
    assert figures["operations_per_s"] == 20.0


def test_a_line_is_fitted_by_least_squares() -> None:
    start, more = growth.fitted([(10.0, 3.0), (20.0, 5.0), (30.0, 7.0)])
    assert (round(start, 9), round(more, 9)) == (3.0, 4.0)
    assert growth.fitted([]) == (0.0, 0.0)
    assert growth.fitted([(1.0, 5.0)]) == (5.0, 0.0)


def test_a_days_record_stays_small_and_knows_the_slowest_of_a_window() -> None:
    record, (promise,) = Latencies(), right().promises
    for number in range(5 * PROMISES_KEPT):
        took_s = 2.0 if number % 50 == 0 else 0.001
        record.answered("GET x", began=time.monotonic() - took_s, promise=promise)
    assert len(record.promises) <= 2 * PROMISES_KEPT
    assert (len(record.answered_at), record.count) == (0, 5 * PROMISES_KEPT)
    assert 2000 <= record.p99_ms() < 2500
    assert record.p99_ms() == 0.0


def test_memory_and_open_files_of_a_process_are_its_own() -> None:
    before = open_files(os.getpid())
    with open(os.devnull), open(os.devnull):
        assert open_files(os.getpid()) == before + 2
    own_mb = resident_mb(os.getpid())
    kept = bytearray(os.urandom(1 << 20) * 30)
    assert 25 < resident_mb(os.getpid()) - own_mb < 60
    assert kept
    assert (open_files(2**22 - 1), resident_mb(2**22 - 1)) == (0, 0.0)


def test_a_program_is_not_counted_with_its_parent() -> None:
    nap = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c',"
    nap += " 'import time; time.sleep(60)']); print('up', flush=True); time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", nap], stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == b"up\n"
        families = families_of({"manager": os.getpid(), "api": child.pid})
        assert len(families["api"]) == 2
        assert child.pid in families["api"]
        assert os.getpid() in families["manager"]
        assert not families["manager"] & families["api"]
    finally:
        for pid in families_of({"api": child.pid})["api"]:
            os.kill(pid, signal.SIGKILL)
        child.communicate()


def test_f28_runs_only_when_it_is_asked_for_and_a_part_of_a_day_is_no_day() -> None:
    asked = {
        soak: work(CASES, [], databases=DATABASES, full=True, soak=soak).names()
        for soak in (False, True)
    }
    assert set(asked[True]) - set(asked[False]) == {"F28 sqlite", "F28 postgres"}
    short = Result("F28", "sqlite", True, 600.0, 7, {"hours": 0.17})
    assert soaks_left(CASES, []) == ["F28"]
    assert soaks_left(CASES, [short]) == ["F28 (0.17 of 24 h)"]
    assert soaks_left(CASES, [short, replace(short, figures={"hours": 24.0})]) == []

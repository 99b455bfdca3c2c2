"""A run may be composed of parts: what is kept stays, what lacks is run, and the table says so."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from click.testing import Result as Ended

from proof import __main__ as program
from proof import record as records
from proof.catalogue import CASES, chosen, extra_mutants
from proof.documents import table
from proof.parts import Work, work
from proof.plan import DATABASES, Place, Result
from proof.record import CannotResume, Record
from proof.running import Options

MACHINE = {"cpus": 2, "cpu": "some", "memory_mb": 4096, "system": "Linux 6",
           "load_average_before": [0.1, 0.2, 0.3]}  # fmt: skip
ABOUT: dict[str, Any] = {
    "at": "2026-02-03T04:05:06+00:00", "commit": "abc1234", "uncommitted_changes": False,
    "machine": MACHINE, "versions": {"python": "3.12.1"},
}  # fmt: skip
LATER: dict[str, Any] = ABOUT | {"at": "2026-02-04T04:05:06+00:00", "commit": "def5678"}


def result(case: str, database: str, way: str, *, passed: bool = True, took_s: float = 1) -> Result:
    findings = [] if passed else ["lost"]
    return Result(case, database, passed, took_s, 7, {"n": 1}, findings, way=way)


def lacking(kept: list[Place], *, full: bool = True) -> Work:
    mutants = extra_mutants("", full=full)
    return work(list(CASES), mutants, databases=DATABASES, full=full, kept=kept)


def everything(*, full: bool = True) -> list[Place]:
    """The places of a run of which nothing is missing."""
    asked = lacking([], full=full)
    suites = [
        (case.id, "suite", database)
        for _, cases in asked.suites
        for case in cases
        for database in (case.databases if full else case.databases[:1])
    ]
    rig = [(case.id, "rig", str(database)) for case, database in asked.rig]
    return [*suites, *rig, *((name, "mutant", "-") for name in asked.mutants)]


@pytest.mark.parametrize("full", [True, False])
def test_nothing_is_run_again_when_nothing_is_missing(full: bool) -> None:
    assert len(everything(full=full)) >= 40
    assert lacking(everything(full=full), full=full).names() == []


@pytest.mark.parametrize(
    ("place", "runs"),
    [
        (("F5", "suite", "postgres"), ["F5 postgres"]),
        (("F1", "rig", "sqlite"), ["F1 sqlite"]),
        (("F11", "rig", "postgres"), ["F11 postgres"]),
        (("F27", "suite", "both"), ["F27"]),
        (("F15", "suite", "-"), ["F15"]),
        (("P3", "mutant", "-"), ["P3"]),
        (("M1", "mutant", "-"), ["M1"]),
    ],
)
def test_only_the_case_and_the_database_that_lack_are_run(place: Place, runs: list[str]) -> None:
    kept = everything()
    kept.remove(place)
    assert lacking(kept).names() == runs


def test_a_case_without_any_result_is_run_on_all_databases_in_one_call() -> None:
    kept = [place for place in everything() if place[:2] not in {("F5", "suite"), ("F6", "suite")}]
    assert [(on, [c.id for c in cases]) for on, cases in lacking(kept).suites] == [
        (DATABASES, ["F5", "F6"])
    ]


def test_a_quick_run_that_has_one_database_needs_no_other() -> None:
    assert lacking([("F5", "suite", "postgres")], full=False).names()[0] == "F2"
    assert "F5" not in " ".join(lacking([("F5", "suite", "postgres")], full=False).names())


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A full run that was cut off after two results, and another commit since."""
    monkeypatch.setattr(records, "circumstances", lambda: ABOUT)
    first = Record.begin(full=True, seed=7, file=tmp_path / "run.json")
    first._began = (first._began[0] - 100, 0.0)
    first.add(result("F1", "sqlite", "rig"))
    first.add(result("F5", "postgres", "suite", passed=False))
    monkeypatch.setattr(records, "circumstances", lambda: dict(LATER))
    assert first.file is not None
    return first.file


def test_a_part_keeps_adds_and_replaces_and_its_time_is_added(file: Path) -> None:
    part = Record.resume(file, full=True, seed=None)
    part._began = (part._began[0] - 50, part._began[1])
    part.add(result("F5", "postgres", "suite"))
    part.add(result("F5", "sqlite", "suite"))
    part.end(not_run=["F28"])
    read = Record.read(file)
    assert [(r.case, r.database, r.passed, r.commit) for r in read.results] == [
        ("F1", "sqlite", True, "abc1234"),
        ("F5", "postgres", True, "def5678"),
        ("F5", "sqlite", True, "def5678"),
    ]
    assert 150 <= read.took_s < 160
    assert (read.passed, read.seed, len(read.parts)) == (True, 7, 2)


def test_a_part_that_is_cut_off_is_no_end(file: Path) -> None:
    part = Record.resume(file, full=True, seed=7)
    part.end(not_run=[])
    assert Record.read(file).ended
    again = Record.resume(file, full=True, seed=None)
    again.add(result("F6", "sqlite", "suite"))
    assert not Record.read(file).ended


def test_two_ways_of_one_case_do_not_take_each_others_place(file: Path) -> None:
    part = Record.resume(file, full=True, seed=None)
    part.add(result("F11", "sqlite", "suite"))
    part.add(result("F11", "sqlite", "rig"))
    assert len(Record.read(file).results) == 4


def test_the_table_says_each_rows_commit_and_that_the_run_is_composed(file: Path) -> None:
    part = Record.resume(file, full=True, seed=None)
    part.part = {**LATER, "uncommitted_changes": True}
    part.add(result("F5", "sqlite", "suite"))
    part.end(not_run=["F28"])
    text = table(Record.read(file))
    assert "| case | database | result | time | commit | found |" in text
    assert "| F1 | sqlite | pass | 1 s | `abc1234` | `n=1` |" in text
    assert "| F5 | postgres | **FAIL** | 1 s | `abc1234` | `n=1 lost` |" in text
    assert "| F5 | sqlite | pass | 1 s | `def5678+` | `n=1` |" in text
    head = text.splitlines()[0]
    assert head.startswith("Full run, **composed of 2 parts**")
    assert "commits `abc1234`, `def5678+` (each row says which; +: with uncommitted" in head


def test_parts_of_one_commit_need_no_column_but_are_told(file: Path) -> None:
    part = Record.resume(file, full=True, seed=None)
    part.part = {**ABOUT, "at": LATER["at"]}
    part.add(result("F5", "sqlite", "suite"))
    text = table(Record.read(file))
    assert "composed of 2 parts" in text
    assert "| case | database | result | time | found |" in text
    assert "commit `abc1234`, seed 7" in text


def test_a_part_that_adds_nothing_is_no_part(file: Path) -> None:
    part = Record.resume(file, full=True, seed=None)
    part.end(not_run=[])
    assert len(Record.read(file).parts) == 1


def test_an_older_file_takes_commit_and_time_from_its_circumstances(tmp_path: Path) -> None:
    file = tmp_path / "old.json"
    old = {"case": "F11", "database": "sqlite", "passed": True, "took_s": 3.0, "seed": 7,
           "figures": {"tests": 4}, "findings": []}  # fmt: skip
    rig = old | {"figures": {"takeovers": 4}}
    mutant = old | {"case": "P1", "database": "-", "figures": {}}
    kept = {"circumstances": ABOUT | {"uncommitted_changes": True}, "full": True, "seed": 7,
            "results": [old, rig, mutant], "not_run": [], "took_s": 0.0}  # fmt: skip
    file.write_text(json.dumps(kept))
    read = Record.read(file)
    assert [r.way for r in read.results] == ["suite", "rig", "mutant"]
    assert {(r.commit, r.at) for r in read.results} == {("abc1234+", ABOUT["at"])}
    assert not read.ended
    part = Record.resume(file, full=True, seed=None)
    part.end(not_run=[])
    assert "0 failed, at least 0 s" in table(part)
    file.write_text(json.dumps(kept | {"took_s": 60.0}))
    assert Record.read(file).passed


def test_quick_and_full_are_not_mixed_and_a_run_has_one_seed(file: Path) -> None:
    with pytest.raises(CannotResume, match=r"holds a full run.*give --full too"):
        Record.resume(file, full=False, seed=None)
    with pytest.raises(CannotResume, match="with seed 7, not 8"):
        Record.resume(file, full=True, seed=8)


class Asked:
    """In place of the runner: notes what it is asked for, and answers what it is told to."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.seed = 0

    def run(self, asked: Work, options: Options) -> Iterator[Result]:
        self.names, self.seed = asked.names(), options.seed
        for case, database in asked.rig:
            yield result(case.id, database, "rig")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    runner = Asked()
    monkeypatch.setattr(program.running, "run", runner.run)
    return runner


def called(*words: str) -> Ended:
    return CliRunner().invoke(program.main, list(words))


def test_resume_runs_what_lacks_and_only_runs_what_is_named_again(file: Path, asked: Asked) -> None:
    before = Record.read(file).results
    ended = called("--full", "--json", str(file), "--resume", "--only", "F1")
    assert asked.names == ["F1 sqlite", "F1 postgres"]
    assert asked.seed == 7
    assert ended.exit_code == 1  # F5 did not hold
    after = Record.read(file)
    assert [r.commit for r in after.results] == ["def5678", "abc1234", "def5678"]
    assert after.results[1] == before[1]
    assert "F3 sqlite" in after.not_run
    assert "F1 sqlite" not in after.not_run
    called("--full", "--json", str(file), "--resume")
    assert not {"F1 sqlite", "F1 postgres", "F5 postgres", "F5"} & set(asked.names)
    assert {"F5 sqlite", "F3 sqlite", "F6", "P1", "M1"} <= set(asked.names)
    assert len(Record.read(file).results) == 3 + len([n for n in asked.names if _on_the_rig(n)])


def _on_the_rig(name: str) -> bool:
    case, _, database = name.partition(" ")
    return bool(database) and "rig" in chosen(case)[0].ways


def test_calls_that_cannot_be_resumed_are_refused(file: Path, asked: Asked) -> None:
    for words, said in [
        (("--json", str(file), "--resume"), "holds a full run"),
        (("--full", "--seed", "8", "--json", str(file), "--resume"), "with seed 7, not 8"),
        (("--full", "--resume"), "needs the file of the run"),
    ]:
        ended = called(*words)
        assert ended.exit_code == 2
        assert said in ended.output
    assert len(Record.read(file).results) == 2
    assert asked.names == []


def test_a_run_that_names_cases_says_nothing_of_the_others(tmp_path: Path, asked: Asked) -> None:
    ended = called("--only", "F1,F28", "--json", str(tmp_path / "new.json"), "--resume")
    assert asked.names == ["F1 sqlite", "F1 postgres"]
    assert ended.exit_code == 0
    fresh = called("--only", "F1,F28")
    assert fresh.output.splitlines()[-1].endswith("not run: F28")


def test_replacing_keeps_the_order_of_results(file: Path) -> None:
    part = Record.resume(file, full=True, seed=None)
    part.add(replace(result("F1", "sqlite", "rig"), took_s=9.0))
    assert [(r.case, r.took_s) for r in part.results] == [("F1", 9.0), ("F5", 1)]

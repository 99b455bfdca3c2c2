"""Lines, the record and the table say what came of a run, failures first of all."""

from pathlib import Path

import pytest

from proof import lines
from proof.catalogue import CASES, UnknownCase, chosen, extra_mutants
from proof.documents import (
    CASE_LIST,
    DOCUMENT,
    RESULTS,
    MarkersMissing,
    case_list,
    placed,
    table,
)
from proof.parts import rig_databases
from proof.plan import DATABASES, Plan, Result
from proof.record import Record
from proof.running import Options, guarded, plan
from proof.suites import ROOT

PASSED = Result("F5", "postgres", True, 41.2, 7,
                {"calls": 37, "recovery_s": 1.25, "faults": 185.0}, way="suite")  # fmt: skip
FAILED = Result("F2", "sqlite", False, 3.0, 7, {"tests": 4}, ["test_x: lost"], way="suite")
MACHINE = {"cpus": 2, "cpu": "some", "memory_mb": 4096, "system": "Linux 6",
           "load_average_before": [0.1, 0.2, 0.3]}  # fmt: skip
ABOUT = {"at": "2026-02-03T04:05:06+00:00", "commit": "abc1234", "uncommitted_changes": False,
         "machine": MACHINE, "versions": {"python": "3.12.1"}}  # fmt: skip


def record(*results: Result, ended: bool = True) -> Record:
    return Record(
        ABOUT, full=True, seed=7, results=list(results), not_run=["F28"], took_s=60.0, ended=ended
    )


def test_a_line_names_case_database_time_seed_and_figures() -> None:
    assert lines.line(PASSED, full=False).split() == [
        "PASS", "F5", "postgres", "41", "s", "seed=7", "calls=37", "recovery_s=1.25", "faults=185",
    ]  # fmt: skip


def test_a_failure_says_what_and_how_to_run_it_alone() -> None:
    text = lines.line(FAILED, full=True)
    assert text.startswith("FAIL F2")
    assert "test_x: lost" in text
    assert "./run proof --only F2 --seed 7 --database sqlite --full" in text
    soak = Result("F28", "postgres", False, 3.0, 7, {"hours": 0.5}, ["F28: it grew"])
    assert "--only F28 --seed 7 --soak 0.5 --database postgres" in lines.line(soak, full=False)


def test_a_run_has_passed_only_if_all_of_it_did_and_it_came_to_its_end() -> None:
    assert record(PASSED).passed
    assert not record(PASSED, FAILED).passed
    assert not record(PASSED, ended=False).passed
    assert not record().passed


def test_a_record_is_kept_after_every_result_and_read_back(tmp_path: Path) -> None:
    kept = record()
    kept.file = tmp_path / "run.json"
    kept.add(PASSED)
    kept.add(FAILED)
    read = Record.read(kept.file)
    assert read.results == kept.results
    assert [(r.case, r.figures, r.findings) for r in read.results] == [
        (r.case, r.figures, r.findings) for r in (PASSED, FAILED)
    ]
    assert (read.circumstances, read.seed, read.full) == (ABOUT, 7, True)


def test_the_table_has_a_row_per_result_in_the_catalogues_order_and_names_what_was_not_run() -> (
    None
):
    text = table(record(PASSED, FAILED))
    rows = [line for line in text.splitlines() if line.startswith("| F")]
    assert rows == [
        "| F2 | sqlite | **FAIL** | 3 s | `tests=4 test_x: lost` |",
        "| F5 | postgres | pass | 41 s | `calls=37 recovery_s=1.25 faults=185` |",
    ]
    assert "commit `abc1234`" in text
    assert "not run: F28" in text
    assert "did not come to its end" in table(record(PASSED, ended=False))


def test_only_what_is_between_the_markers_is_replaced() -> None:
    begin, end = "<!-- results: begin -->", "<!-- results: end -->"
    text = f"before\n{begin}\nold\n{end}\nafter\n"
    assert placed(text, RESULTS, "new") == f"before\n{begin}\n\nnew\n\n{end}\nafter\n"
    with pytest.raises(MarkersMissing):
        placed("no place", RESULTS, "new")


def test_the_document_has_the_catalogue_of_today_and_a_place_for_results() -> None:
    text = (ROOT / DOCUMENT).read_text("utf-8")
    assert placed(text, CASE_LIST, case_list()) == text
    assert placed(text, RESULTS, "any") != text


def test_cases_are_chosen_by_id_and_unknown_ones_refused() -> None:
    assert [case.id for case in chosen("p3, F1")] == ["F1", "P3"]
    assert chosen("") == list(CASES)
    assert (chosen("M4"), extra_mutants("M4,F1", full=False)) == ([], ["M4"])
    with pytest.raises(UnknownCase, match="F99"):
        chosen("F99")


def test_every_case_of_the_rules_is_in_the_catalogue() -> None:
    wanted = [f"F{n}" for n in range(1, 29)] + [f"P{n}" for n in range(1, 12)]
    assert [case.id for case in CASES] == wanted


def test_a_rig_case_that_breaks_is_a_failure_and_not_the_end_of_the_run() -> None:
    def broken(asked: Plan) -> Result:
        raise RuntimeError(f"no {asked.database}")

    options = Options(databases=("sqlite", "postgres"), seed=7, full=False, kills=51, workers=1)
    (case,) = chosen("F1")
    asked = plan(case, "sqlite", options)
    assert (asked.kills, asked.restarts) == (26, 3)
    result = guarded("F1", asked, broken)
    assert not result.passed
    assert "no sqlite" in result.findings[0]


def test_a_quick_run_takes_one_database_where_it_may_choose() -> None:
    (case,) = chosen("F3")
    assert rig_databases(case, DATABASES, full=False) == ["postgres"]
    assert rig_databases(case, DATABASES, full=True) == ["sqlite", "postgres"]
    assert rig_databases(case, ("sqlite",), full=False) == ["sqlite"]

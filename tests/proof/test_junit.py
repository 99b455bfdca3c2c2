"""What pytest wrote is read as it is: nothing that failed, was skipped or did not run may pass."""

from pathlib import Path

import pytest

from proof.catalogue import BOTH, NO_DATABASE, Case
from proof.junit import Tally, database_of, tallies
from proof.suites import Suites

REPORT = """<?xml version="1.0"?><testsuites><testsuite>
<testcase classname="tests.a.test_one" name="test_x[sqlite-funding]" time="1.5"><properties>
<property name="proves" value="F2"/><property name="figure:points" value="3"/>
<property name="figure:recovery_s" value="1.5"/></properties></testcase>
<testcase classname="tests.a.test_one" name="test_x[sqlite-release]" time="2.5"><properties>
<property name="proves" value="F2"/><property name="figure:points" value="4"/>
<property name="figure:recovery_s" value="0.5"/></properties></testcase>
<testcase classname="tests.a.test_one" name="test_x[postgres-release]" time="1"><properties>
<property name="proves" value="F2"/><property name="proves" value="F5"/></properties>
<failure message="AssertionError: lost&#10;more">trace</failure></testcase>
<testcase classname="tests.a.test_one" name="test_y" time="0"><properties>
<property name="proves" value="F5"/></properties><skipped message="not here"/></testcase>
<testcase classname="tests.a.test_two" name="test_z" time="0"/>
</testsuite></testsuites>"""


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "report.xml"
    path.write_text(REPORT)
    return path


def test_figures_are_added_up_and_of_times_the_greatest_counts(report: Path) -> None:
    tally = tallies(report)["F2", "sqlite"]
    assert (tally.passed, tally.failed, tally.took_s) == (2, 0, 4.0)
    assert tally.figures == {"points": 7.0, "recovery_s": 1.5}


def test_a_failure_counts_for_every_case_of_its_test(report: Path) -> None:
    found = tallies(report)
    for case in ("F2", "F5"):
        assert found[case, "postgres"].failed == 1
        assert found[case, "postgres"].findings == [
            "tests/a/test_one::test_x[postgres-release]: AssertionError: lost"
        ]


def test_a_skipped_test_is_no_success(report: Path) -> None:
    assert tallies(report)["F5", NO_DATABASE].failed == 1


@pytest.mark.parametrize(
    ("test_id", "database"),
    [
        ("tests/services/test_x::test_y[postgres-a death]", "postgres"),
        ("tests/store/test_sqlite::test_y", "sqlite"),
        ("tests/journeys/test_postgres::test_y[sqlite]", "sqlite"),
        ("tests/services/test_z::test_sqlite_postgres_and_the_model", BOTH),
        ("tests/services/test_z::test_y[api]", NO_DATABASE),
    ],
)
def test_the_database_is_read_from_the_tests_id(test_id: str, database: str) -> None:
    assert database_of(test_id) == database


def test_what_fixtures_noted_counts_where_the_parameters_say_nothing() -> None:
    assert database_of("tests/a::test_x[api]", ["postgres", "postgres"]) == "postgres"
    assert database_of("tests/a::test_x[sqlite]", ["postgres"]) == "sqlite"
    assert database_of("tests/a::test_postgres", ["sqlite", "postgres"]) == BOTH


def suites(*, full: bool = False) -> Suites:
    return Suites(databases=("sqlite", "postgres"), seed=7, full=full, workers=2)


def test_a_case_without_a_test_fails_on_each_database_that_it_needs() -> None:
    results = list(suites().results(Case("F9", "a case"), {}))
    assert [(r.database, r.passed, r.findings) for r in results] == [
        ("sqlite", False, ["no test ran"]),
        ("postgres", False, ["no test ran"]),
    ]
    (result,) = suites().results(Case("F16", "another", databases=()), {})
    assert (result.database, result.passed) == (NO_DATABASE, False)


def test_a_run_that_broke_off_proves_nothing_even_where_tests_passed() -> None:
    found = {("F2", "sqlite"): Tally(passed=3), ("F2", "postgres"): Tally(passed=3)}
    results = list(suites().results(Case("F2", "a case"), found, ["exit code 3"]))
    assert [(r.passed, r.findings) for r in results] == [(False, ["exit code 3"])] * 2


def test_a_quick_run_may_leave_out_one_database_and_a_full_one_may_not() -> None:
    case = Case("F5", "a case")
    found = {("F5", "sqlite"): Tally(passed=3)}
    assert [r.passed for r in suites().results(case, found)] == [True]
    assert [r.passed for r in suites(full=True).results(case, found)] == [True, False]


def test_the_tests_of_a_run_are_those_that_its_options_name(tmp_path: Path) -> None:
    chosen = Suites(databases=("sqlite",), seed=7, full=False, workers=2)
    command = chosen.command([Case("F2", ""), Case("F5", "")], tmp_path / "r.xml")
    assert command[command.index("--proves") + 1] == "F2,F5"
    assert command[command.index("-k") + 1] == "not postgres"
    assert "--hypothesis-seed=7" in command
    assert "tests/services/test_crash_points.py" in command
    assert chosen.environment()["OFFERHUB_TEST_SEED"] == "7"

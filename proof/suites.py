"""Cases that are tests: all of them in one call of pytest, and a result per case and database."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from proof.catalogue import BOTH, NO_DATABASE, Case
from proof.junit import Tally, tallies
from proof.parts import suite_needs
from proof.plan import DATABASES, Result

ROOT = Path(__file__).parent.parent
SEED_VARIABLE = "OFFERHUB_TEST_SEED"
# Generated requests per operation of the API and kind of request.
EXAMPLES_VARIABLE, QUICK_EXAMPLES = "OFFERHUB_TEST_EXAMPLES", "3"
CLEANING_UP_S = 30.0
# pytest's exit codes: all passed, some failed, no tests were collected.
_CAME_TO_ITS_END = (0, 1, 5)


@dataclass(frozen=True)
class Suites:
    """How the tests are run."""

    databases: tuple[str, ...]
    seed: int
    full: bool
    workers: int

    def run(self, cases: Sequence[Case]) -> Iterator[Result]:
        """Run the tests of these cases; pytest's own lines go to stderr."""
        if not cases:
            return
        with tempfile.TemporaryDirectory(prefix="proof-") as folder:
            report = Path(folder) / "report.xml"
            exit_code = _to_its_end(self.command(cases, report), self.environment())
            found = tallies(report) if report.exists() else {}
        broken = (
            [] if exit_code in _CAME_TO_ITS_END
            else [f"pytest did not come to its end: exit code {exit_code}"]
        )  # fmt: skip
        for case in cases:
            yield from self.results(case, found, broken)

    def command(self, cases: Sequence[Case], report: Path) -> list[str]:
        names = ",".join(case.id for case in cases)
        words = [sys.executable, "-m", "pytest", "-q", "-n", str(self.workers)]
        words += ["--dist", "loadgroup", "--proves", names, "-m", "" if self.full else "not full"]
        words += [
            f"--junitxml={report}",
            "-o",
            "junit_logging=no",
            f"--hypothesis-seed={self.seed}",
        ]
        without = [f"not {name}" for name in DATABASES if name not in self.databases]
        if without:
            words += ["-k", " and ".join(without)]
        return [*words, *marked_files()]

    def environment(self) -> dict[str, str]:
        """Test processes must agree on the tests' names, and some are made from sets."""
        more = {"PYTHONHASHSEED": "0", SEED_VARIABLE: str(self.seed)}
        if self.full:
            more["OFFERHUB_TEST_FULL"] = "1"
        else:
            more[EXAMPLES_VARIABLE] = os.environ.get(EXAMPLES_VARIABLE, QUICK_EXAMPLES)
        return {**os.environ, **more}

    def results(
        self, case: Case, found: dict[tuple[str, str], Tally], broken: Sequence[str] = ()
    ) -> Iterator[Result]:
        """One result for each database that the case has tests on or needs tests on.

        broken: why the whole run is worth nothing, whatever its tests said.
        """
        ran = [database for (name, database) in found if name == case.id]
        # A quick run leaves one database out where the other shows the same.
        needed = suite_needs(case, self.databases) if self.full or not ran else []
        for database in sorted({*ran, *needed}, key=(*DATABASES, BOTH, NO_DATABASE).index):
            tally = found.get((case.id, database), Tally())
            yield self._result(case, database, tally, broken)
        if not ran and not needed:
            yield self._result(case, NO_DATABASE, Tally(), broken)

    def _result(self, case: Case, database: str, tally: Tally, broken: Sequence[str]) -> Result:
        findings = [*broken, *tally.findings]
        if tally.passed + tally.failed == 0:
            findings.append("no test ran")
        return Result(
            case=case.id,
            database=database,
            passed=not findings,
            took_s=tally.took_s,
            seed=self.seed,
            figures={"tests": tally.passed + tally.failed, **tally.figures},
            findings=findings,
        )


def _to_its_end(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run pytest; its exit code. If we are to end before it does, it may clean up first."""
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=sys.stderr) as process:
        try:
            return process.wait()
        except BaseException as reason:
            if not isinstance(reason, KeyboardInterrupt):  # the terminal has told it too
                process.send_signal(signal.SIGINT)
            try:
                process.wait(CLEANING_UP_S)
            except subprocess.TimeoutExpired:
                process.kill()
            raise


def marked_files() -> list[str]:
    """The test files that belong to any case; the others need not even be read."""
    paths = sorted((ROOT / "tests").rglob("test_*.py"))
    return [str(path.relative_to(ROOT)) for path in paths if "proves(" in path.read_text("utf-8")]

"""Run mutants: first their tests without any of them, then each mutant's own tests on it.

A mutant is caught when a test of its own, which passes without it, fails in its body on it. A test
that cannot be imported, whose fixtures break, that only stumbles over a missing name, or that takes
too long has caught nothing.
"""

import queue
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from proof.mutants.catalogue import MUTANTS
from proof.mutants.copies import Copy, copy_of_the_tree
from proof.mutants.mutant import Mutant, Outdated, file_of
from proof.plan import Figure, Result

MUTANT_TIMEOUT_S = 120.0
BASELINE_TIMEOUT_S = 600.0
_NO_CATCH = {
    "SyntaxError", "IndentationError", "ImportError", "ModuleNotFoundError", "NameError",
    "UnboundLocalError",
}  # fmt: skip


class NoSuchMutant(LookupError):
    """A case that no mutant has."""


@dataclass(frozen=True)
class Verdict:
    """What became of one mutant. `test` and `error`: who caught it, and by which error line."""

    mutant: Mutant
    caught: bool
    test: str
    error: str
    took_s: float


def run(names: Sequence[str] | None, *, workers: int) -> Iterator[Result]:
    """One result per case named in `names`, of all mutants if it is None, each when it is known.

    Raises: NoSuchMutant.
    """
    mutants = chosen(names)
    left = Counter(mutant.case for mutant in mutants)
    verdicts: dict[str, list[Verdict]] = {}
    for verdict in judge(mutants, workers=workers):
        case = verdict.mutant.case
        verdicts.setdefault(case, []).append(verdict)
        if len(verdicts[case]) == left[case]:
            yield _result(case, verdicts[case])


def chosen(names: Sequence[str] | None) -> list[Mutant]:
    """The mutants of these cases. Raises: NoSuchMutant for a case that has none."""
    unknown = set(names or ()) - {mutant.case for mutant in MUTANTS}
    if unknown:
        raise NoSuchMutant(f"no mutant is called {', '.join(sorted(unknown))}")
    return [mutant for mutant in MUTANTS if names is None or mutant.case in names]


def judge(mutants: Sequence[Mutant], *, workers: int) -> Iterator[Verdict]:
    """A verdict on each mutant, in their order; `workers` copies of the tree work side by side."""
    with ExitStack() as stack:
        copies: queue.SimpleQueue[Copy] = queue.SimpleQueue()
        all_ = [stack.enter_context(copy_of_the_tree()) for _ in range(max(1, workers))]
        for copy in all_:
            copies.put(copy)
        pool = stack.enter_context(ThreadPoolExecutor(max(1, workers)))
        # Before the pool waits for its threads: who is told to end must not wait for tests.
        for copy in all_:
            stack.callback(copy.end)

        def baseline(tests: Sequence[str]) -> dict[str, str]:
            copy = copies.get()
            try:
                return _failures(copy, tests)
            finally:
                copies.put(copy)

        failures: dict[str, str] = {}
        for found in pool.map(baseline, _shares(mutants, workers=workers)):
            failures |= found

        def verdict(mutant: Mutant) -> Verdict:
            copy = copies.get()
            try:
                return _verdict(copy, mutant, failures)
            finally:
                copies.put(copy)

        yield from pool.map(verdict, mutants)


def _shares(mutants: Sequence[Mutant], *, workers: int) -> list[list[str]]:
    """The tests of the mutants, each once, as shares for the workers; a file stays together."""
    files: dict[str, list[str]] = {}
    for test in dict.fromkeys(test for mutant in mutants for test in mutant.tests):
        files.setdefault(file_of(test), []).append(test)
    shares: list[list[str]] = [[] for _ in range(max(1, workers))]
    for tests in sorted(files.values(), key=len, reverse=True):
        min(shares, key=len).extend(tests)
    return [share for share in shares if share]


def _failures(copy: Copy, tests: Sequence[str]) -> dict[str, str]:
    """Tests that do not pass without any mutant, and why."""
    done = copy.run(tests, stop_at_first=False, timeout_s=BASELINE_TIMEOUT_S)
    if done.trouble:
        return dict.fromkeys(tests, f"{done.trouble}: {_last_line(done.output)}")
    return {
        test: why
        for test in tests
        if (why := _why_not_passed([end for end in done.ends if _is(end, test)]))
    }


def _last_line(output: str) -> str:
    """The last line that says what went wrong; of pytest's, those begin with E."""
    lines = [line for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("E ")]
    return (errors or lines or [""])[-1][:300]


def _why_not_passed(ends: Sequence[Mapping[str, Any]]) -> str:
    if not any(end["when"] == "call" for end in ends):
        return "it did not run"
    bad = [end for end in ends if end["outcome"] != "passed"]
    return f"{bad[0]['kind']}: {bad[0]['error']}" if bad else ""


def _is(end: Mapping[str, Any], test: str) -> bool:
    """Whether an end is of the named test, or of one of its parameters."""
    return bool(end["test"] == test or end["test"].startswith(f"{test}["))


def _verdict(copy: Copy, mutant: Mutant, failures: Mapping[str, str]) -> Verdict:
    started = time.monotonic()

    def result(caught: bool, test: str, error: str) -> Verdict:
        return Verdict(mutant, caught, test, error, time.monotonic() - started)

    broken = [test for test in mutant.tests if test in failures]
    if broken:
        return result(False, broken[0], f"fails without the mutant: {failures[broken[0]]}")
    try:
        texts = mutant.mutated(copy.root)
    except (Outdated, SyntaxError) as error:
        return result(False, "", f"{type(error).__name__}: {error}")
    with copy.with_changes(texts):
        done = copy.run(mutant.tests, stop_at_first=True, timeout_s=MUTANT_TIMEOUT_S)
    if done.trouble:
        return result(False, "", done.trouble)
    for end in done.ends:
        line = f"{end['kind']}: {end['error']}"
        if is_catch(end):
            return result(True, end["test"], line)
        if end["outcome"] == "failed":
            return result(False, end["test"], f"no catch, {end['when']} ended with {line}")
    return result(False, "", "every test passed on it")


def is_catch(end: Mapping[str, Any]) -> bool:
    """Whether a test failed in its body, and not because something could not even run."""
    if end["when"] != "call" or end["outcome"] != "failed":
        return False
    timed_out = end["kind"] == "Failed" and "Timeout" in end["error"]
    stumbled = any(f"{name}(" in end["error"] for name in _NO_CATCH)
    return end["kind"] not in _NO_CATCH and not timed_out and not stumbled


def _result(case: str, verdicts: Sequence[Verdict]) -> Result:
    caught = [verdict for verdict in verdicts if verdict.caught]
    by = dict.fromkeys(verdict.test.rpartition("::")[2] for verdict in caught)
    figures: dict[str, Figure] = {"mutants": len(verdicts), "caught": len(caught)}
    if by:
        figures["caught_by"] = ",".join(by)
    return Result(
        case=case,
        database="-",
        passed=len(caught) == len(verdicts),
        took_s=sum(verdict.took_s for verdict in verdicts),
        seed=0,
        figures=figures,
        findings=[f"not caught: {v.mutant.shape} {v.test} {v.error}" for v in verdicts
                  if not v.caught],
    )  # fmt: skip

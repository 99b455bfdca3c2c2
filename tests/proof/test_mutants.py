"""The mutants do not rot: each still changes today's code, and the tests that it names exist.

Whether the tests notice is not asked here but by `./run proof --only P1,…`, which takes minutes.
"""

import ast
from functools import lru_cache
from pathlib import Path

import pytest

from proof.mutants.catalogue import MUTANTS
from proof.mutants.copies import ROOT, Copy
from proof.mutants.mutant import Change, Mutant, Outdated, file_of, function_of
from proof.mutants.running import NoSuchMutant, chosen, is_catch

CASES = [f"P{number}" for number in range(1, 12)]


@lru_cache
def functions_of(file: str) -> frozenset[str]:
    """The names of a module's test functions, in classes too, read and not imported."""
    tree = ast.parse((ROOT / file).read_text())
    return frozenset(
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    )


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.case} {mutant.shape[:40]}")
def test_a_mutant_fits_todays_code_and_names_tests_that_exist(mutant: Mutant) -> None:
    for file, text in mutant.mutated(ROOT).items():
        assert text != (ROOT / file).read_text(), "it changes nothing"
        assert file.startswith("offerhub/"), "mutants change the product, not its tests"
    assert mutant.tests
    for test in mutant.tests:
        assert function_of(test) in functions_of(file_of(test)), test


def test_every_defect_of_the_older_system_has_a_mutant_and_there_are_many_more() -> None:
    cases = {mutant.case for mutant in MUTANTS}
    assert set(CASES) <= cases
    assert len(cases - set(CASES)) >= 30
    shapes = [mutant.shape for mutant in MUTANTS]
    assert len(set(shapes)) == len(shapes)


def test_a_mutant_whose_text_is_missing_or_ambiguous_is_an_error() -> None:
    change = Change("offerhub/x.py", "a = 1\n", "a = 2\n")
    assert change.applied_to("a = 1\nb = 1\n") == "a = 2\nb = 1\n"
    for text in ("b = 1\n", "a = 1\na = 1\n"):
        with pytest.raises(Outdated, match="not once"):
            change.applied_to(text)


def test_a_mutant_that_does_not_compile_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("a = 1\n")
    mutant = Mutant("M0", "Nonsense.", (Change("module.py", "a = 1", "a = ("),), ("tests/x",))
    with pytest.raises(SyntaxError):
        mutant.mutated(tmp_path)


def test_an_unknown_case_is_refused_by_name() -> None:
    with pytest.raises(NoSuchMutant, match="P99"):
        chosen(["P1", "P99"])
    assert {mutant.case for mutant in chosen(["P1"])} == {"P1"}
    assert len(chosen(None)) == len(MUTANTS)


def test_a_copy_is_itself_again_after_a_mutant(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("a = 1\n")
    copy = Copy(tmp_path)
    with copy.with_changes({"module.py": "a = 2\n"}):
        assert (tmp_path / "module.py").read_text() == "a = 2\n"
    assert (tmp_path / "module.py").read_text() == "a = 1\n"


@pytest.mark.parametrize(
    ("end", "caught"),
    [
        ({"when": "call", "outcome": "failed", "kind": "AssertionError", "error": "1 == 2"}, True),
        ({"when": "call", "outcome": "failed", "kind": "KeyError", "error": "'x'"}, True),
        ({"when": "call", "outcome": "passed", "kind": "", "error": ""}, False),
        ({"when": "setup", "outcome": "failed", "kind": "AssertionError", "error": ""}, False),
        ({"when": "teardown", "outcome": "failed", "kind": "AssertionError", "error": ""}, False),
        ({"when": "call", "outcome": "failed", "kind": "NameError", "error": "x"}, False),
        ({"when": "call", "outcome": "failed", "kind": "ImportError", "error": "x"}, False),
        ({"when": "call", "outcome": "failed", "kind": "Failed", "error": "Timeout >60s"}, False),
        (
            {
                "when": "call",
                "outcome": "failed",
                "kind": "AssertionError",
                "error": "assert [NameError(\"name 'x' is not defined\")] == []",
            },
            False,
        ),
    ],
)
def test_only_a_test_that_fails_in_its_body_has_caught_anything(
    end: dict[str, str], caught: bool
) -> None:
    assert is_catch(end) is caught

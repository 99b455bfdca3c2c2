"""No float comes near money."""

import ast
from pathlib import Path

import pytest

from tests.architecture.tree import modules, parsed, shown

# Nothing here counts in fractions of anything.
_MONEY_ONLY = ("offerhub.domain", "offerhub.ledger")
# These may measure seconds in floats, but make none out of something else.
_AROUND_MONEY = (
    "offerhub.api",
    "offerhub.events",
    "offerhub.ports",
    "offerhub.providers",
    "offerhub.sandbox",
    "offerhub.sdk",
    "offerhub.services",
    "offerhub.store",
)


# Files that may make a float -> of what, which is never money.
_OTHER_THINGS = {
    "offerhub/api/schemas/fields.py": "numbers in metadata, as JSON readers understand them",
    "offerhub/providers/answers.py": "the seconds of Retry-After",
    "offerhub/sandbox/control/wire_routes.py": "the length of a fault",
    "offerhub/sdk/retry.py": "the seconds of Retry-After",
}


def _floats(path: Path) -> list[str]:
    """Where a file says `float` or writes a number with a point."""
    found = []
    for node in ast.walk(parsed(path)):
        named = isinstance(node, ast.Name) and node.id == "float"
        written = isinstance(node, ast.Constant) and isinstance(node.value, float)
        if named or written:
            found.append(f"{shown(path)}:{node.lineno}")
    return found


def _conversions(path: Path) -> list[str]:
    """Where a file calls `float(…)` on anything but the word for infinity."""
    if shown(path) in _OTHER_THINGS:
        return []
    return [
        f"{shown(path)}:{node.lineno}"
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "float"
        and not isinstance(node.args[0], ast.Constant)
    ]


@pytest.mark.parametrize("package", _MONEY_ONLY)
def test_rules_and_books_know_no_float(package: str) -> None:
    assert [place for path in modules(package) for place in _floats(path)] == []


@pytest.mark.parametrize("package", _AROUND_MONEY)
def test_nothing_around_money_is_turned_into_a_float(package: str) -> None:
    assert [place for path in modules(package) for place in _conversions(path)] == []


@pytest.mark.parametrize("package", ["offerhub.providers", "offerhub.sdk"])
def test_json_from_outside_is_read_with_decimals(package: str) -> None:
    """`json.loads` makes floats of amounts unless it is told not to."""
    for path in modules(package):
        for node in ast.walk(parsed(path)):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            reads = node.func.attr in {"loads", "load"} and ast.unparse(node.func.value) == "json"
            told = any(keyword.arg == "parse_float" for keyword in node.keywords)
            assert told or not reads, f"{shown(path)}:{node.lineno}"
            decoded = node.func.attr == "json" and not node.args and not node.keywords
            assert not decoded, f"{shown(path)}:{node.lineno}: .json() makes floats"

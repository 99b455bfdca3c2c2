"""Files stay small, and what is unfinished or switched off does not get in."""

import re
from collections.abc import Iterable
from pathlib import Path

from tests.architecture.tree import ROOT, modules, shown, texts

_MAX_LINES = 300
# A suite tells everything about one subject; it may be longer.
_MAX_LINES_OF_TESTS = 600
# Modules that are one long thing: path -> why.
_LONG = {
    "offerhub/settings/fields.py": "one table: each setting with its type, unit and sentence",
}

_SELF = "tests/architecture/test_shape.py"
_UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
_SWITCHED_OFF = re.compile(
    r"pytest\.(skip|xfail|importorskip)|mark\.(skip|skipif|xfail)\b|@unittest\.skip"
)
_SWALLOWED = re.compile(r"except( Base)?(Exception)?:\s*\n\s+pass\b")


def _longer_than(limit: int, paths: Iterable[Path]) -> dict[str, int]:
    lengths = {shown(path): len(path.read_text(encoding="utf-8").splitlines()) for path in paths}
    return {name: lines for name, lines in lengths.items() if lines > limit}


def test_only_listed_modules_are_long() -> None:
    long = _longer_than(_MAX_LINES, modules())
    assert long.keys() == _LONG.keys(), long


def test_no_test_file_is_too_long() -> None:
    assert _longer_than(_MAX_LINES_OF_TESTS, (ROOT / "tests").rglob("*.py")) == {}


def test_nothing_is_left_unfinished() -> None:
    found = [
        f"{shown(path)}: {match.group()}"
        for path, text in texts()
        if shown(path) != _SELF
        for match in _UNFINISHED.finditer(text)
    ]
    assert found == []


def test_no_test_is_switched_off() -> None:
    for path in (ROOT / "tests").rglob("*.py"):
        match = _SWITCHED_OFF.search(path.read_text(encoding="utf-8"))
        assert shown(path) == _SELF or match is None, f"{shown(path)}: {match}"


def test_no_error_is_swallowed_whole() -> None:
    for path in modules():
        match = _SWALLOWED.search(path.read_text(encoding="utf-8"))
        assert match is None, f"{shown(path)}: {match}"


def test_every_module_says_what_it_is_for() -> None:
    for path in modules():
        text = path.read_text(encoding="utf-8")
        assert text.startswith(('"""', 'r"""')) or not text.strip(), shown(path)

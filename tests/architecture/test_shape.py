"""Files stay small, and what is unfinished or switched off does not get in."""

import re

from tests.architecture.tree import ROOT, modules, shown, texts

_MAX_LINES = 300
# Files that are one long thing: path -> why.
_LONG: dict[str, str] = {}

_SELF = "tests/architecture/test_shape.py"
_UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
_SWITCHED_OFF = re.compile(
    r"pytest\.(skip|xfail|importorskip)|mark\.(skip|skipif|xfail)\b|@unittest\.skip"
)
_SWALLOWED = re.compile(r"except( Base)?(Exception)?:\s*\n\s+pass\b")


def test_no_file_is_too_long() -> None:
    lengths = {
        shown(path): len(path.read_text(encoding="utf-8").splitlines())
        for path in modules() + list((ROOT / "tests").rglob("*.py"))
    }
    too_long = {name: lines for name, lines in lengths.items() if lines > _MAX_LINES}
    assert too_long.keys() == _LONG.keys(), too_long


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

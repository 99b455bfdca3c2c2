"""The files of this project, for the tests that keep its rules."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Folders of code by the import package they hold.
PACKAGES = {
    "offerhub": ROOT / "offerhub",
    "offerhub_tui": ROOT / "tui" / "offerhub_tui",
    "create_offerhub": ROOT / "installer" / "create_offerhub",
}
_WRITTEN_BY_HAND = (
    "offerhub",
    "tui",
    "installer",
    "templates",
    "tests",
    "docs",
    "bench",
    "proof",
    ".ci",
)
_TEXT = {
    ".py", ".md", ".toml", ".yml", ".yaml", ".tcss", ".html", ".sh", ".jinja", ".sql", ".cfg",
    ".conf", ".service", ".env", ".json", ".txt", "",
}  # fmt: skip


def modules(*packages: str) -> list[Path]:
    """The Python files of the named packages (`offerhub.ledger`), or of all three."""
    found: list[Path] = []
    for package in packages or PACKAGES:
        top, _, rest = package.partition(".")
        path = PACKAGES[top].joinpath(*rest.split(".")) if rest else PACKAGES[top]
        found += path.rglob("*.py") if path.is_dir() else [path.with_suffix(".py")]
    return sorted(path for path in found if path.exists())


def texts() -> Iterator[tuple[Path, str]]:
    """Every file that people write and read, with its text."""
    for name in _WRITTEN_BY_HAND:
        for path in sorted((ROOT / name).rglob("*")):
            hidden = {"__pycache__", "__snapshots__", ".hypothesis"} & set(path.parts)
            if path.is_file() and path.suffix in _TEXT and not hidden:
                yield path, path.read_text(encoding="utf-8")
    for path in sorted(ROOT.iterdir()):
        if path.is_file() and path.suffix in _TEXT:
            yield path, path.read_text(encoding="utf-8")


def shown(path: Path) -> str:
    """The path as a reader would write it."""
    return path.relative_to(ROOT).as_posix()


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imported_names(path: Path) -> set[str]:
    """Every module that a file imports anywhere, absolute, as written."""
    names: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{shown(path)}:{node.lineno}: imports are absolute here"
            names.add(node.module or "")
    return names

"""Renders the template into a scratch folder and says how that differs from the deployment.

Nothing is written into the deployment here; so a plan and a real run look at the same thing.
"""

import getpass
import shlex
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from create_offerhub import paths
from create_offerhub.answers import Answers
from create_offerhub.exits import InstallFailed


class Fate(StrEnum):
    """What happens to a file of the deployment."""

    NEW = "new"
    SAME = "same"
    YOURS = "yours"  # written once, the operator's since
    CHANGED = "changed"  # differs from what the template says now


@dataclass(frozen=True, slots=True)
class Rendered:
    """One file as the template says it should be."""

    name: str
    content: bytes
    fate: Fate


@contextmanager
def rendering(answers: Answers, directory: Path) -> Iterator[tuple[Rendered, ...]]:
    """The rendered files, the record of answers first. Raises: InstallFailed."""
    with tempfile.TemporaryDirectory(prefix="create-offerhub-") as scratch:
        folder = Path(scratch) / "deployment"
        _copy(answers, directory, folder)
        names = sorted(
            (str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()),
            key=lambda name: (name != paths.ANSWERS, name),
        )
        yield tuple(_compared(folder, name, directory) for name in names)


def _copy(answers: Answers, directory: Path, folder: Path) -> None:
    from copier import run_copy
    from copier.errors import CopierError

    facts = {
        "python_quoted": shlex.quote(sys.executable),
        "home_unit": _unit(str(directory)),
        "home_unit_quoted": _unit_quoted(str(directory)),
        "user": getpass.getuser(),
        "version": installed_version(),
    }
    try:
        run_copy(
            str(paths.template()), folder, data=answers.as_dict() | facts,
            defaults=True, overwrite=True, quiet=True, unsafe=False,
        )  # fmt: skip
    except (CopierError, paths.TemplateMissing, OSError, ValueError) as error:
        raise InstallFailed(f"the template could not be rendered: {error}") from error


def installed_version() -> str:
    """Version of the distribution that the installer belongs to."""
    try:
        return version("offerhub")
    except PackageNotFoundError:
        return "0"


def _compared(folder: Path, name: str, directory: Path) -> Rendered:
    content = (folder / name).read_bytes()
    target = directory / name
    if not target.exists():
        fate = Fate.NEW
    elif name in paths.OPERATORS:
        fate = Fate.YOURS
    else:
        same = target.is_file() and target.read_bytes() == content
        fate = Fate.SAME if same and _mode(target) == paths.mode_of(name) else Fate.CHANGED
    return Rendered(name, content, fate)


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def _unit(text: str) -> str:
    """For a line of a systemd unit that takes a path as it is."""
    return text.replace("%", "%%")


def _unit_quoted(text: str) -> str:
    """For a command line of a systemd unit."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{_unit(escaped)}"'

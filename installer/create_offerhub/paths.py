"""Where the template is, and what the files of a deployment are called and allowed to be."""

import re
from pathlib import Path
from typing import Final

ANSWERS: Final = ".copier-answers.yml"
CONFIG: Final = "config.env"
SECRETS: Final = "secrets.env"
COMPOSE_SECRETS: Final = ".env"
UNFINISHED: Final = ".create-offerhub.tmp"

PRIVATE_FOLDERS: Final = ("data", "data/run", "data/logs", "backups")
OPERATORS: Final = frozenset({CONFIG})
EXECUTABLE: Final = frozenset({"bin/offerhub"})

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class TemplateMissing(Exception):
    """This installation came without its template."""


def template() -> Path:
    """The template: inside the wheel, or the checkout's own.

    Raises: TemplateMissing.
    """
    here = Path(__file__).resolve().parent
    for folder in (here / "_templates" / "deployment", here.parents[1] / "templates/deployment"):
        if (folder / "copier.yml").is_file():
            return folder
    raise TemplateMissing("the deployment template is not part of this installation")


def mode_of(name: str) -> int:
    """File mode of a file that the template made."""
    return 0o755 if name in EXECUTABLE else 0o644


def has_control_characters(text: str) -> bool:
    """Whether a name could break a line of a file that repeats it."""
    return bool(_CONTROL.search(text))

"""Exit codes, and the one way for a command to fail: a sentence and a code, never a traceback."""

from enum import IntEnum
from typing import IO, Any

import click


class Exit(IntEnum):
    """What the shell sees. Source: docs/operations/installing.md, "Exit codes"."""

    OK = 0
    FAILED = 1
    USAGE = 2
    PREFLIGHT = 3
    RESUMABLE = 4
    NEEDS_RESTORE = 5


class Failure(click.ClickException):
    """A command that could not do its work. `message` says what happened and what to do next."""

    def __init__(self, message: str, *, code: Exit = Exit.FAILED) -> None:
        super().__init__(message)
        self.exit_code = int(code)  # type: ignore[misc]  # click reads it from the instance

    def show(self, file: IO[Any] | None = None) -> None:
        from offerhub.logs import printable

        said = printable(self.format_message(), lines=True)
        click.echo(f"offerhub: {said}", file=file, err=file is None)

"""Exit codes, and the one way for the installer to fail: a sentence and a code."""

from enum import IntEnum


class Exit(IntEnum):
    """What the shell sees. Source: docs/operations/installing.md, "Exit codes"."""

    OK = 0
    FAILED = 1
    USAGE = 2
    PREFLIGHT = 3
    RESUMABLE = 4
    NEEDS_RESTORE = 5


class InstallFailed(Exception):
    """The installation cannot go on. The text says what happened and what to do next."""

    code = Exit.FAILED


class WrongUsage(InstallFailed):
    """A value is missing or wrong; the text names its flag."""

    code = Exit.USAGE


class NotReady(InstallFailed):
    """A check before the first write failed."""

    code = Exit.PREFLIGHT


class HalfDone(InstallFailed):
    """Something was written before the failure; running the same command again goes on."""

    code = Exit.RESUMABLE

"""What threads tell the screen: results of reads and of changes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from textual.message import Message

from offerhub_tui.printable import printable

Topic = tuple[str, ...]
"""What was asked for: a kind and, for one thing, its id."""


@dataclass(frozen=True)
class Problem:
    """Why something could not be read or done, for people."""

    words: str
    code: str = ""
    request_id: str = ""
    offline: bool = False

    def line(self) -> str:
        known = f" ({self.request_id})" if self.request_id else ""
        return printable(f"{self.code}: {self.words}{known}" if self.code else self.words)


@dataclass
class Loaded(Message):
    """A read succeeded at `at`. `cursor`: the page that was asked for, None for the first."""

    topic: Topic
    value: Any
    cursor: str | None
    at: datetime


@dataclass
class Failed(Message):
    """A read failed."""

    topic: Topic
    problem: Problem
    cursor: str | None


@dataclass
class ChangeDone(Message):
    """A change was made; `value` is what the API answered."""

    change: Any
    value: Any


@dataclass
class ChangeRefused(Message):
    """A change was definitely not made."""

    change: Any
    problem: Problem


@dataclass
class ChangeUnknown(Message):
    """A change may have been made; it is being asked for again under the same key."""

    change: Any

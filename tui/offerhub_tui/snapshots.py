"""What was last read, per topic: screens show it at once, and offline it stays readable."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from offerhub_tui.messages import Problem, Topic

T = TypeVar("T")


@dataclass(frozen=True)
class Listed:
    """One page of a list: its records, and the cursor of the next."""

    items: tuple[Any, ...]
    next_cursor: str | None = None


@dataclass
class Snapshot:
    """The last known value of a topic. `at` is None while nothing was ever read."""

    value: Any = None
    at: datetime | None = None
    problem: Problem | None = None
    loading: bool = False

    @property
    def known(self) -> bool:
        return self.at is not None

    @property
    def listed(self) -> Listed:
        return self.value if isinstance(self.value, Listed) else Listed(())


@dataclass
class Snapshots:
    """All topics of a session."""

    by_topic: dict[Topic, Snapshot] = field(default_factory=dict)

    def of(self, topic: Topic) -> Snapshot:
        return self.by_topic.setdefault(topic, Snapshot())

    def loaded(self, topic: Topic, value: Any, *, cursor: str | None, at: datetime) -> None:
        """Keep a result; a page after the first is appended, a fresh first page is merged."""
        snapshot = self.of(topic)
        if isinstance(value, Listed) and snapshot.known:
            old = snapshot.listed
            value = _appended(old, value) if cursor is not None else _renewed(old, value)
        snapshot.value, snapshot.at = value, at
        snapshot.problem, snapshot.loading = None, False

    def failed(self, topic: Topic, problem: Problem) -> None:
        """Keep the problem beside the last known value."""
        snapshot = self.of(topic)
        snapshot.problem, snapshot.loading = problem, False


def _appended(old: Listed, page: Listed) -> Listed:
    known = {item.id for item in old.items}
    fresh = tuple(item for item in page.items if item.id not in known)
    return Listed(old.items + fresh, page.next_cursor)


def _renewed(old: Listed, page: Listed) -> Listed:
    """A fresh first page, and the older rows below it, if they join without a gap."""
    if not page.items or page.next_cursor is None:
        return page
    position = _position(old.items, page.items[-1].id)
    if position is None or position + 1 >= len(old.items):
        return page
    fresh = {item.id for item in page.items}
    tail = tuple(item for item in old.items[position + 1 :] if item.id not in fresh)
    return Listed(page.items + tail, old.next_cursor)


def _position(items: Sequence[Any], ident: str) -> int | None:
    return next((index for index, item in enumerate(items) if item.id == ident), None)

"""What a screen is to the shell: topics it needs, rows it shows, places it leads to.

A screen composes widgets and renders snapshots. It never calls the API and never navigates by
itself: it asks the console, which it knows as the protocol below.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from offerhub_tui.filters import Filter
from offerhub_tui.gateway import Event
from offerhub_tui.messages import Problem, Topic
from offerhub_tui.navigation import Place
from offerhub_tui.session import Session
from offerhub_tui.snapshots import Snapshot, Snapshots
from offerhub_tui.widgets.record_list import RecordList
from offerhub_tui.widgets.rows import Column, Row


class Console(Protocol):
    """The shell, as screens see it."""

    snapshots: Snapshots
    session: Session

    @property
    def recent(self) -> Sequence[Event]: ...

    def now(self) -> datetime: ...
    def load(self, topic: Topic, cursor: str | None = None) -> None: ...
    def drill(self, place: Place) -> None: ...


@dataclass(frozen=True)
class Action:
    """An entry of the action menu. `make` is a name that the shell turns into a dialog."""

    id: str
    title: str
    scope: str
    subject: Any = None


class View(Vertical):
    """Base of all screens."""

    def __init__(self, console: Console, subject: str = "", hint: str = "") -> None:
        super().__init__(id="view")
        self.console = console
        self.subject = subject
        self.hint = hint

    def topics(self) -> Sequence[Topic]:
        """What is read when the screen opens, and on refresh. The first dates the screen."""
        return ()

    def touched_by(self, events: Iterable[Event]) -> Sequence[Topic]:
        """Which topics these events make old."""
        return ()

    def show(self) -> None:
        """Render the snapshots as they are now."""

    def tick(self) -> None:
        """A second has passed: ages change."""
        self.show()

    def set_filter(self, wanted: Filter) -> None:
        """Keep only what matches."""

    @property
    def data_at(self) -> datetime | None:
        """When the data on the screen was read."""
        topics = self.topics()
        return self.console.snapshots.of(topics[0]).at if topics else None

    @property
    def problem(self) -> Problem | None:
        """The latest failure to read, if the newest attempt failed."""
        problems = (self.console.snapshots.of(topic).problem for topic in self.topics())
        return next((problem for problem in problems if problem is not None), None)

    @property
    def note(self) -> str:
        """What the breadcrumbs say beside the name, such as how many rows are shown."""
        return ""

    @property
    def cursor(self) -> Row | None:
        """The row that copying and actions are about."""
        return None

    @property
    def cursor_id(self) -> str:
        return self.cursor.id if self.cursor else self.subject

    def actions(self) -> Sequence[Action]:
        """What can be changed here, whoever asks."""
        return ()


class ListView(View):
    """A screen that is one list, with its four faces: loading, empty, error, rows."""

    columns: Sequence[Column] = ()
    noun = "rows"
    empty = "Nothing here yet."
    follows = False
    """Whether a cursor on the top row stays there when newer rows arrive."""

    def __init__(self, console: Console, subject: str = "", hint: str = "") -> None:
        super().__init__(console, subject, hint)
        self._filter = Filter()
        self._count = 0

    def compose(self) -> ComposeResult:
        yield Static(id="face")
        yield RecordList(self.columns, id="list", follows=self.follows)

    @property
    def records(self) -> RecordList:
        return self.query_one(RecordList)

    @property
    def list_topic(self) -> Topic:
        """The topic whose pages the list shows."""
        return self.topics()[0]

    @property
    def source(self) -> Snapshot:
        return self.console.snapshots.of(self.list_topic)

    def rows(self) -> Sequence[Row]:
        """All loaded records as rows, before the filter."""
        return ()

    def show(self) -> None:
        everything = self.rows()
        self._count = len(everything)
        wanted = self._filter
        rows = [row for row in everything if wanted.meets(row.fields())] if wanted else everything
        self.records.set_rows(rows)
        face = face_of(
            self.source, shown=len(rows), loaded=self._count, noun=self.noun, empty=self.empty
        )
        self.query_one("#face", Static).update(Text(face))
        self.set_class(bool(face), "faced")

    def set_filter(self, wanted: Filter) -> None:
        self._filter = wanted
        self.show()

    @property
    def note(self) -> str:
        more = "+" if self.source.listed.next_cursor else ""
        shown = len(self.records.rows) if self.is_mounted else 0
        count = f"{shown} of {self._count}{more}" if self._filter else f"{self._count}{more}"
        one = self._count == 1 and not more
        words = f"{count} {self.noun.removesuffix('s') if one else self.noun}"
        return f"{words} · filter {self._filter.text}" if self._filter else words

    @property
    def cursor(self) -> Row | None:
        return self.records.cursor_row if self.is_mounted else None

    def on_record_list_near_end(self) -> None:
        cursor = self.source.listed.next_cursor
        if cursor is not None:
            self.console.load(self.list_topic, cursor)

    def place_of(self, row: Row) -> Place | None:
        """Where a row leads; None when it leads nowhere."""
        return None

    def on_record_list_opened(self, message: RecordList.Opened) -> None:
        place = self.place_of(message.row)
        if place is not None:
            self.console.drill(place)


def face_of(snapshot: Snapshot, *, shown: int, loaded: int, noun: str, empty: str) -> str:
    """What stands in place of rows; "" when there are rows to see."""
    if shown:
        return ""
    if not snapshot.known:
        if snapshot.problem is not None:
            return f"▲ Cannot read {noun}.\n\n{snapshot.problem.line()}\n\nr tries again."
        return f"► Loading {noun}…"
    if loaded:
        return f"○ None of the {loaded} loaded {noun} match the filter. esc clears it."
    return f"○ {empty}"

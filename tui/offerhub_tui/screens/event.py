"""One event with its payload."""

import json
from collections.abc import Sequence
from datetime import datetime

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from offerhub_tui.formatting import full_time
from offerhub_tui.gateway import Event
from offerhub_tui.messages import Topic
from offerhub_tui.screens.base import View
from offerhub_tui.screens.facts import Facts


class EventView(View):
    """An event that the stream has brought, or one that is read by its number (the hint)."""

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="page"):
            yield Facts(id="facts")
            yield Static(id="payload")

    def topics(self) -> Sequence[Topic]:
        seen = any(event.event_id == self.subject for event in self.console.recent)
        return () if seen or not self.hint else (("event_at", self.hint),)

    @property
    def event(self) -> Event | None:
        read = self.console.snapshots.of(("event_at", self.hint)).value
        known = (*self.console.recent, *([read] if isinstance(read, Event) else []))
        return next((event for event in known if event.event_id == self.subject), None)

    @property
    def data_at(self) -> datetime | None:
        return self.event.occurred_at if self.event else None

    def show(self) -> None:
        event = self.event
        if event is None:
            self.query_one("#payload", Static).update(Text(self._absence()))
            return
        self.query_one(Facts).show(
            [
                ("Event", event.event_id),
                ("Type", event.event_type),
                ("Number", event.sequence),
                ("When", f"{full_time(event.occurred_at)} UTC"),
                ("About", f"{event.aggregate_type} {event.aggregate_id}"),
                ("Correlation", event.metadata.get("correlation_id")),
                ("Causation", event.metadata.get("causation_id")),
            ]
        )
        payload = json.dumps(dict(event.payload), indent=2, ensure_ascii=False, default=str)
        self.query_one("#payload", Static).update(Text("\n" + payload))

    def _absence(self) -> str:
        """Why there is no event to show."""
        if not self.hint:
            return f"○ {self.subject} is not among the events that this console has seen."
        snapshot = self.console.snapshots.of(("event_at", self.hint))
        if snapshot.problem is not None:
            return f"▲ Cannot read the event.\n\n{snapshot.problem.line()}\n\nr tries again."
        return (
            f"► Loading event {self.hint}…" if not snapshot.known else "○ There is no such event."
        )

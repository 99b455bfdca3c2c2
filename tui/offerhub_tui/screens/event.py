"""One event with its payload."""

import json
from collections.abc import Sequence

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
    """An event that this console has seen; older ones are in the order's timeline only."""

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="page"):
            yield Facts(id="facts")
            yield Static(id="payload")

    def topics(self) -> Sequence[Topic]:
        return ()

    @property
    def event(self) -> Event | None:
        found = (event for event in self.console.recent if event.event_id == self.subject)
        return next(found, None)

    def show(self) -> None:
        event = self.event
        if event is None:
            text = f"○ {self.subject} happened before this console was opened."
            self.query_one("#payload", Static).update(Text(text))
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

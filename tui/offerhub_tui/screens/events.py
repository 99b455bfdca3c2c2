"""Events: the live stream, newest on top."""

from collections.abc import Sequence
from datetime import datetime

from offerhub_tui.formatting import clock_time
from offerhub_tui.gateway import Event
from offerhub_tui.messages import Topic
from offerhub_tui.navigation import Place
from offerhub_tui.screens.base import ListView
from offerhub_tui.snapshots import Listed, Snapshot
from offerhub_tui.states import event_tone
from offerhub_tui.widgets.rows import Cell, Column, Row


class EventsView(ListView):
    """The latest events and what the stream brings; `p` holds it."""

    noun = "events"
    follows = True
    empty = "No events yet. They appear here as they happen."
    columns = (
        Column("number", "No.", 7, align="right"),
        Column("time", "UTC", 8),
        Column("event", "Type", 26, grow=True),
        Column("subject", "About", 27),
        Column("user", "User", 25, priority=1),
    )

    def topics(self) -> Sequence[Topic]:
        return ()

    @property
    def source(self) -> Snapshot:
        return Snapshot(Listed(tuple(self.console.recent)), at=self.data_at)

    @property
    def data_at(self) -> datetime | None:
        recent = self.console.recent
        return recent[0].occurred_at if recent else self.console.now()

    def rows(self) -> Sequence[Row]:
        return [event_row(event) for event in self.console.recent]

    def place_of(self, row: Row) -> Place:
        return Place("event", row.id)


def event_row(event: Event) -> Row:
    """An event as a row."""
    users = event.metadata.get("user_ids")
    user = str(users[0]) if isinstance(users, list) and users else "-"
    return Row(
        event.event_id,
        {
            "number": Cell(str(event.sequence)),
            "time": Cell(clock_time(event.occurred_at)),
            "event": Cell(event.event_type, event_tone(event.event_type)),
            "subject": Cell(event.aggregate_id),
            "user": Cell(user),
        },
        data=event,
        extra={"type": event.event_type, "id": event.event_id},
    )

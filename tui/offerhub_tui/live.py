"""Live updates: what the stream brought becomes recent events, link state and topics to reread.

Pure but for its own memory: the shell asks it on every flush. Rereads of one topic are at least
`REREAD_S` apart, so that a flood of events cannot become a flood of reads.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from offerhub_tui.gateway import Event
from offerhub_tui.link import Kind, Link, Signal
from offerhub_tui.messages import Topic

KEPT_EVENTS = 2_000
REREAD_S = 2.0


@dataclass
class Live:
    """The state of the live side of a session."""

    link: Link = field(default_factory=Link)
    recent: list[Event] = field(default_factory=list)
    held: list[Event] = field(default_factory=list)
    paused: bool = False
    reread_s: float = REREAD_S
    _due: set[Topic] = field(default_factory=set)
    _read_at_s: dict[Topic, float] = field(default_factory=dict)

    def take(self, items: Iterable[Event | Signal], now: datetime) -> "Flush":
        """Digest what arrived; says what came into view and whether everything must be reread."""
        flush = Flush()
        arrived: list[Event] = []
        for item in items:
            if isinstance(item, Event):
                arrived.append(item)
                self.link = self.link.after(Signal(Kind.EVENT, now))
                continue
            before = self.link
            self.link = self.link.after(item)
            came_back = item.kind is Kind.CONNECTED and before.down_since is not None
            first = item.kind is Kind.CONNECTED and before.last_sign_at is None
            flush.reread_all |= item.kind is Kind.RESET or came_back or first
        self.held += arrived
        if not self.paused:
            flush.events = self._reveal()
        return flush

    def backfill(self, older: Iterable[Event]) -> None:
        """Events from before the stream was opened, newest first, below what came since."""
        known = {event.event_id for event in (*self.recent, *self.held)}
        self.recent += [event for event in older if event.event_id not in known]

    def toggle_pause(self) -> "Flush":
        """Hold events back, or let those that waited in."""
        self.paused = not self.paused
        return Flush(events=[] if self.paused else self._reveal())

    def _reveal(self) -> list[Event]:
        events, self.held = self.held, []
        self.recent[:0] = reversed(events)
        del self.recent[KEPT_EVENTS:]
        return events

    def mark(self, topics: Iterable[Topic]) -> None:
        """These topics are old."""
        self._due.update(topics)

    @property
    def owing(self) -> int:
        """How many topics are old and not read again yet."""
        return len(self._due)

    def due(self, now_s: float) -> list[Topic]:
        """Old topics that may be read again now; they count as read. now_s: a monotonic clock."""
        ready = [
            topic
            for topic in self._due
            if now_s - self._read_at_s.get(topic, -self.reread_s) >= self.reread_s
        ]
        self._due.difference_update(ready)
        self._read_at_s.update(dict.fromkeys(ready, now_s))
        return ready


@dataclass
class Flush:
    """What one flush brought."""

    events: list[Event] = field(default_factory=list)
    reread_all: bool = False

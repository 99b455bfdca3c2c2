"""The one-line parts of the shell: banner, breadcrumbs, freshness."""

from datetime import datetime

from rich.text import Text
from textual.widgets import Static

from offerhub_tui.formatting import clock_time
from offerhub_tui.link import Freshness, Link
from offerhub_tui.navigation import Place, Trail
from offerhub_tui.session import Session
from offerhub_tui.states import SYMBOLS, tone_of


class Banner(Static):
    """Environment, marketplace, key and lock: what one must know before touching anything."""

    def show(self, session: Session) -> None:
        environment = session.environment.upper() or "NOT CONNECTED YET"
        lock = "UNLOCKED: CHANGES POSSIBLE" if session.unlocked else "READ-ONLY"
        parts = [f" OfferHub {environment}", session.marketplace_id]
        if session.key_name:
            parts.append(f"{session.key_name} ({','.join(session.scopes)})")
        left = " · ".join(part for part in parts if part)
        room = max(0, self.size.width - len(lock) - 2)
        if len(left) > room:  # the marketplace's id is long; the environment and the lock matter
            left = " · ".join(part for part in (parts[0], *parts[2:]) if part)
        left = left if len(left) <= room else left[: max(0, room - 1)] + "…"
        self.update(Text(left.ljust(room) + f" {lock} ", no_wrap=True))
        self.set_class(session.is_production, "production")
        self.set_class(session.unlocked, "unlocked")


class Crumbs(Static):
    """Where the operator is: `Orders > ord_…`, with the filter in force."""

    def show(self, trail: Trail, here: Place, *, note: str) -> None:
        names = [_name(place) for place in (*trail.places, here)]
        text = Text(" " + " > ".join(names), style="bold", no_wrap=True, overflow="ellipsis")
        if note:
            text.append(f"  {note}", style="not bold")
        self.update(text)


def _name(place: Place) -> str:
    return place.subject or place.screen.capitalize()


class FreshnessLine(Static):
    """LIVE, STALE or OFFLINE in words; the data's own time; what waits while paused."""

    def show(
        self,
        link: Link,
        *,
        now: datetime,
        data_at: datetime | None,
        paused: int | None,
        note: str,
    ) -> None:
        """`paused`: how many events wait, None when live updates are not paused."""
        state = link.freshness(now)
        tone = tone_of(state.value)
        parts = [f" {SYMBOLS[tone]} {link.words(now)}"]
        if state in (Freshness.OFFLINE, Freshness.CONNECTING) and link.reason:
            parts.append(link.reason)
        parts.insert(1, f"data {clock_time(data_at)} UTC")
        if paused is not None:
            parts.insert(1, f"PAUSED, {paused} waiting (p)")
        if note:
            parts.append(note)
        self.update(Text(" · ".join(parts), no_wrap=True, overflow="ellipsis"))
        self.set_classes(f"tone-{tone}")

"""Overview: what needs eyes now. Tiles are counts of the newest records, and say so.

The API of this version has no totals over everything; a tile never pretends to be one.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from offerhub_tui.formatting import money, total
from offerhub_tui.gateway import Config, Event, Health, Order
from offerhub_tui.messages import Topic
from offerhub_tui.navigation import Place
from offerhub_tui.screens.base import View
from offerhub_tui.screens.events import event_row
from offerhub_tui.snapshots import Snapshot
from offerhub_tui.states import SYMBOLS, tone_of
from offerhub_tui.widgets.record_list import RecordList
from offerhub_tui.widgets.rows import Column, Row

IN_ESCROW = frozenset(
    ["ESCROW_FUNDED", "IN_PROGRESS", "RELEASE_REQUESTED", "REFUND_REQUESTED", "DISPUTED"]
)
WITHDRAWAL_ENDS = frozenset(f"WITHDRAWAL_{end}" for end in ("COMPLETED", "FAILED", "CANCELED"))
HEALTH_LINES = 12  # as many as the panel shows, see app.tcss
TOPUP_ENDS = frozenset(f"TOPUP_{end}" for end in ("SUCCEEDED", "FAILED", "CANCELED"))


@dataclass(frozen=True)
class Tile:
    """A count and a sum over the loaded records of one topic that `picks` selects."""

    title: str
    topic: Topic
    picks: Callable[[object], bool]
    trouble: bool = False


TILES = (
    Tile("In escrow", ("orders",), lambda o: getattr(o, "status", "") in IN_ESCROW),
    Tile("Open orders", ("orders",), lambda o: getattr(o, "status", "") != "CLOSED"),
    Tile("Stuck orders", ("orders",), lambda o: _stuck(o), trouble=True),
    Tile("Withdrawals open", ("withdrawals",), lambda w: _open(w, WITHDRAWAL_ENDS)),
    Tile("Top-ups open", ("topups",), lambda t: _open(t, TOPUP_ENDS)),
)


@dataclass(frozen=True)
class Part:
    """One line of the health: its state, and what is wrong."""

    name: str
    state: str
    detail: str = ""

    def line(self) -> Text:
        text = Text(no_wrap=True, overflow="ellipsis")
        text.append(f"{self.name.replace('_', ' '):<16}{SYMBOLS[tone_of(self.state)]} {self.state}")
        if self.detail:
            text.append(f"  {' '.join(self.detail.split())}", style="dim")
        return text


class OverviewView(View):
    """Tiles and health above, the latest events below."""

    columns = (
        Column("number", "No.", 7, align="right"),
        Column("time", "UTC", 8),
        Column("event", "Latest events", 26, grow=True),
        Column("subject", "About", 27),
        Column("user", "User", 25, priority=1),
    )

    def compose(self) -> ComposeResult:
        with Horizontal(id="panels"):
            with Vertical(id="tiles-panel"):
                yield Static(id="tiles")
            with Vertical(id="health-panel"):
                yield Static(id="health")
        yield RecordList(self.columns, id="list", follows=True)

    def topics(self) -> Sequence[Topic]:
        return (("orders",), ("withdrawals",), ("topups",), ("health",), ("config",))

    def touched_by(self, events: Iterable[Event]) -> Sequence[Topic]:
        kinds = {event.event_type.partition(".")[0] for event in events}
        sources = {"order": "orders", "withdrawal": "withdrawals", "topup": "topups"}
        return [(topic,) for kind, topic in sources.items() if kind in kinds]

    def show(self) -> None:
        snapshots = self.console.snapshots
        lines = [self._tile(tile, snapshots.of(tile.topic)) for tile in TILES]
        self.query_one("#tiles", Static).update(Text("\n").join(lines))
        self.query_one("#health", Static).update(_health(snapshots.of(("health",))))
        self.query_one(RecordList).set_rows([event_row(event) for event in self.console.recent])

    def _tile(self, tile: Tile, snapshot: Snapshot) -> Text:
        text = Text(f" {tile.title:<17}", no_wrap=True)
        if not snapshot.known:
            return text.append("cannot be read" if snapshot.problem else "…", style="dim")
        picked = [item for item in snapshot.listed.items if tile.picks(item)]
        more = "+" if snapshot.listed.next_cursor else ""
        amount = money(total(item.amount for item in picked))
        text.append(f"{len(picked):>4}{more:<1} {amount:>17}", style="bold")
        if tile.trouble and picked:
            text.append(" ▲", style="bold")
        return text

    @property
    def note(self) -> str:
        config = self.console.snapshots.of(("config",)).value
        fee = ""
        if isinstance(config, Config) and config.fees is not None:
            fee = f"platform fee {config.fees.platform_fee_bps / 100:.2f}% · "
        return f"{fee}counts over the newest 100 of each kind"

    @property
    def cursor(self) -> Row | None:
        return self.query_one(RecordList).cursor_row if self.is_mounted else None

    def on_record_list_opened(self, message: RecordList.Opened) -> None:
        self.console.drill(Place("event", message.row.id))


def _health(snapshot: Snapshot) -> Text:
    health = snapshot.value
    if not isinstance(health, Health):
        word = snapshot.problem.line() if snapshot.problem else "…"
        return Text(f"Health  {word}", no_wrap=True, overflow="ellipsis")
    parts = [_part(name, health) for name in health.components]
    if len(parts) >= HEALTH_LINES:
        # What needs eyes comes first; what does not fit is counted, apart when it is not well.
        parts.sort(key=lambda part: part.state == "healthy")
        parts, left = parts[: HEALTH_LINES - 2], parts[HEALTH_LINES - 2 :]
        unwell = sum(part.state != "healthy" for part in left)
        state, detail = ("degraded", f"{unwell} of them") if unwell else ("healthy", "")
        parts.append(Part(f"{len(left)} more", state, detail))
    return Text("\n").join([Part("appliance", health.status).line(), *(p.line() for p in parts)])


def _part(name: str, health: Health) -> Part:
    """One part of the report, whatever it is called and has in it."""
    found = health.components[name]
    detail = found.get("detail") if isinstance(found, Mapping) else None
    return Part(name, health.component_status(name), detail if isinstance(detail, str) else "")


def _stuck(order: object) -> bool:
    return (
        isinstance(order, Order)
        and order.operation is not None
        and order.operation.status == "STUCK"
    )


def _open(item: object, ends: frozenset[str]) -> bool:
    return getattr(item, "status", "") not in ends

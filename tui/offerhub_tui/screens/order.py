"""One order: its facts, its escrow, and everything that happened to it, live."""

from collections.abc import Iterable, Sequence

from textual.app import ComposeResult
from textual.widgets import Static

from offerhub_tui.formatting import full_time, money
from offerhub_tui.gateway import Event, Order
from offerhub_tui.messages import Topic
from offerhub_tui.navigation import Place
from offerhub_tui.screens.base import ListView
from offerhub_tui.screens.facts import Facts
from offerhub_tui.snapshots import Snapshot
from offerhub_tui.states import event_tone, label
from offerhub_tui.widgets.record_list import RecordList
from offerhub_tui.widgets.rows import Cell, Column, Row


class OrderView(ListView):
    """Facts above, the timeline below with the newest on top."""

    noun = "events"
    follows = True
    empty = "Nothing has happened to this order yet."
    columns = (
        Column("number", "No.", 7, align="right"),
        Column("time", "When (UTC)", 19),
        Column("event", "What", 26, grow=True),
        Column("id", "Event", 25, priority=1),
    )

    def compose(self) -> ComposeResult:
        yield Facts(id="facts")
        yield Static(id="face")
        yield RecordList(self.columns, id="list", follows=self.follows)

    def topics(self) -> Sequence[Topic]:
        return (("order", self.subject),)

    def touched_by(self, events: Iterable[Event]) -> Sequence[Topic]:
        return self.topics() if any(concerns(event, self.subject) for event in events) else ()

    @property
    def source(self) -> Snapshot:
        return self.console.snapshots.of(("order", self.subject))

    @property
    def order(self) -> Order | None:
        value = self.source.value
        return value if isinstance(value, Order) else None

    def rows(self) -> Sequence[Row]:
        order = self.order
        entries = list(reversed(order.timeline)) if order else ()
        return [
            Row(
                entry.event_id,
                {
                    "number": Cell(str(entry.sequence)),
                    "time": Cell(full_time(entry.occurred_at)),
                    "event": Cell(entry.event_type, event_tone(entry.event_type)),
                    "id": Cell(entry.event_id),
                },
                data=entry,
            )
            for entry in entries
        ]

    def show(self) -> None:
        super().show()
        if self.order is not None:
            self.query_one(Facts).show(facts_of(self.order))

    def place_of(self, row: Row) -> Place:
        return Place("event", row.id, hint=row.cells["number"].text)


def concerns(event: Event, order_id: str) -> bool:
    """Whether an event is about the order itself or a part of it, such as its escrow."""
    return event.aggregate_id == order_id or event.payload.get("order_id") == order_id


def facts_of(order: Order) -> list[tuple[str, object]]:
    """What the top of the screen says."""
    escrow, operation = order.escrow, order.operation
    facts: list[tuple[str, object]] = [
        ("State", label(order.status, resolution=order.resolution)),
        ("Amount", money(order.amount, order.currency)),
        ("Title", order.title),
        ("Buyer", order.buyer_id),
        ("Seller", order.seller_id),
        ("Reference", order.client_order_ref),
        ("Escrow", f"{label(escrow.status)} {escrow.id}" if escrow else None),
        ("Contract", escrow.trustless_contract_id if escrow else None),
        ("Created", f"{full_time(order.created_at)} UTC"),
    ]
    if operation is not None:
        step = f" at {operation.step}" if operation.step else ""
        error = f": {operation.last_error}" if operation.last_error else ""
        facts.append(("Work", f"{label(operation.status)} {operation.kind}{step}{error}"))
    if order.milestones:
        parts = (f"{part.milestone_ref} {part.amount} {part.status}" for part in order.milestones)
        facts.append(("Milestones", ", ".join(parts)))
    return facts

"""Orders: the newest first, with state and age."""

from collections.abc import Iterable, Sequence

from offerhub_tui.formatting import age, money
from offerhub_tui.gateway import Event, Order
from offerhub_tui.messages import Topic
from offerhub_tui.navigation import Place
from offerhub_tui.screens.base import ListView
from offerhub_tui.states import label, tone_of
from offerhub_tui.widgets.rows import Cell, Column, Row


class OrdersView(ListView):
    """Every order that is loaded; more are read as the cursor goes down."""

    noun = "orders"
    empty = "No orders yet."
    columns = (
        Column("order", "Order", 25),
        Column("state", "State", 19),
        Column("age", "Age", 4, align="right"),
        Column("amount", "Amount", 15, align="right"),
        Column("title", "Title", 8, grow=True),
        Column("buyer", "Buyer", 25, priority=2),
        Column("seller", "Seller", 25, priority=3),
    )

    def topics(self) -> Sequence[Topic]:
        return (("orders",),)

    def touched_by(self, events: Iterable[Event]) -> Sequence[Topic]:
        return self.topics() if any(e.event_type.startswith("order.") for e in events) else ()

    def rows(self) -> Sequence[Row]:
        now = self.console.now()
        return [self._row(order, seconds=(now - order.updated_at).total_seconds(),
                          old=age(order.updated_at, now))
                for order in self.source.listed.items]  # fmt: skip

    def _row(self, order: Order, *, seconds: float, old: str) -> Row:
        return Row(
            order.id,
            {
                "order": Cell(order.id),
                "state": Cell(
                    label(order.status, resolution=order.resolution), tone_of(order.status)
                ),
                "age": Cell(old),
                "amount": Cell(money(order.amount, order.currency)),
                "title": Cell(order.title),
                "buyer": Cell(order.buyer_id),
                "seller": Cell(order.seller_id),
            },
            data=order,
            extra={
                "age": str(max(0, int(seconds))),
                "ref": order.client_order_ref or "",
                "user": f"{order.buyer_id} {order.seller_id}",
                "operation": order.operation.status if order.operation else "",
            },
        )

    def place_of(self, row: Row) -> Place:
        return Place("order", row.id)

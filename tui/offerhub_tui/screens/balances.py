"""Balances: what each user has available, reserved, and on the way out.

The API gives balances one user at a time, so they are read for the rows in view only.
"""

from collections.abc import Iterable, Sequence

from offerhub_tui.formatting import money
from offerhub_tui.gateway import Balance, Event, User
from offerhub_tui.messages import Topic
from offerhub_tui.navigation import Place
from offerhub_tui.screens.base import ListView
from offerhub_tui.states import label, tone_of
from offerhub_tui.widgets.rows import Cell, Column, Row


class BalancesView(ListView):
    """Users with their balances; `enter` opens the statement."""

    noun = "users"
    empty = "No users yet."
    columns = (
        Column("user", "User", 25),
        Column("available", "Available", 16, align="right"),
        Column("reserved", "Reserved", 16, align="right"),
        Column("withdrawing", "Withdrawing", 16, align="right"),
        Column("state", "State", 11, priority=2),
        Column("name", "External id", 12, priority=1, grow=True),
    )

    def topics(self) -> Sequence[Topic]:
        return (("users",),)

    def touched_by(self, events: Iterable[Event]) -> Sequence[Topic]:
        in_view = {row.id for row in self.records.visible_rows}
        topics: dict[Topic, None] = {}
        for event in events:
            if event.event_type.startswith("user."):
                topics[("users",)] = None
            for user_id in users_of(event):
                if user_id in in_view:
                    topics[("balance", user_id)] = None
                else:
                    self.console.snapshots.by_topic.pop(("balance", user_id), None)
        return tuple(topics)

    def rows(self) -> Sequence[Row]:
        return [self._row(user) for user in self.source.listed.items]

    def _row(self, user: User) -> Row:
        balance = self.console.snapshots.of(("balance", user.id)).value
        known = isinstance(balance, Balance)
        return Row(
            user.id,
            {
                "user": Cell(user.id),
                "available": Cell(_amount(balance.available, balance) if known else "…"),
                "reserved": Cell(_amount(balance.reserved, balance) if known else "…"),
                "withdrawing": Cell(_amount(balance.withdrawing, balance) if known else "…"),
                "state": Cell(label(user.status), tone_of(user.status)),
                "name": Cell(user.external_user_id),
            },
            data=user,
            extra={"type": user.type, "email": user.email or ""},
        )

    def show(self) -> None:
        super().show()
        self.on_record_list_moved()

    def on_record_list_moved(self) -> None:
        """Read the balances of the rows in view that were never read."""
        for row in self.records.visible_rows:
            snapshot = self.console.snapshots.of(("balance", row.id))
            if not snapshot.known and snapshot.problem is None and not snapshot.loading:
                self.console.load(("balance", row.id))

    def place_of(self, row: Row) -> Place:
        return Place("statement", row.id)


def users_of(event: Event) -> Sequence[str]:
    """The users whose money an event may have moved."""
    listed = event.metadata.get("user_ids")
    return [str(user_id) for user_id in listed] if isinstance(listed, list) else []


def _amount(amount: str, balance: Balance) -> str:
    return money(amount, balance.currency)

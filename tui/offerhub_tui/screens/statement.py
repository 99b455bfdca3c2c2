"""A user's statement: every line of the ledger that moved one of their balances."""

from collections.abc import Iterable, Sequence

from textual.app import ComposeResult
from textual.widgets import Static

from offerhub_tui.formatting import full_time, money
from offerhub_tui.gateway import Balance, Event, LedgerLine, User
from offerhub_tui.messages import Topic
from offerhub_tui.navigation import Place
from offerhub_tui.screens.balances import users_of
from offerhub_tui.screens.base import ListView
from offerhub_tui.screens.facts import Facts
from offerhub_tui.states import TROUBLE, label
from offerhub_tui.widgets.record_list import RecordList
from offerhub_tui.widgets.rows import Cell, Column, Row


class StatementView(ListView):
    """Balances above, lines with the balance after each below; `enter` opens the order."""

    noun = "lines"
    empty = "No money has moved for this user yet."
    columns = (
        Column("time", "When (UTC)", 19),
        Column("account", "Balance", 11),
        Column("amount", "Amount", 16, align="right"),
        Column("after", "After", 16, align="right"),
        Column("cause", "Cause", 8, grow=True),
        Column("subject", "Subject", 25, priority=1),
    )

    def compose(self) -> ComposeResult:
        yield Facts(id="facts")
        yield Static(id="face")
        yield RecordList(self.columns, id="list")

    def topics(self) -> Sequence[Topic]:
        return (("ledger", self.subject), ("balance", self.subject), ("user", self.subject))

    def touched_by(self, events: Iterable[Event]) -> Sequence[Topic]:
        return self.topics() if any(self.subject in users_of(event) for event in events) else ()

    def rows(self) -> Sequence[Row]:
        return [self._row(line) for line in self.source.listed.items]

    def _row(self, line: LedgerLine) -> Row:
        negative = line.amount_exact.startswith("-")
        sign = "" if negative else "+"
        return Row(
            line.id,
            {
                "time": Cell(full_time(line.created_at)),
                "account": Cell(line.account),
                "amount": Cell(money(sign + line.amount), TROUBLE if negative else ""),
                "after": Cell(money(line.balance_after)),
                "cause": Cell(line.kind),
                "subject": Cell(line.subject_id or "-"),
            },
            data=line,
            extra={"description": line.description or ""},
        )

    def show(self) -> None:
        super().show()
        snapshots = self.console.snapshots
        balance = snapshots.of(("balance", self.subject)).value
        user = snapshots.of(("user", self.subject)).value
        facts: list[tuple[str, object]] = [("User", self.subject)]
        if isinstance(user, User):
            facts.append(("External id", user.external_user_id))
            facts.append(("State", f"{label(user.status)} · {user.type}"))
        if isinstance(balance, Balance):
            facts += [
                ("Available", money(balance.available, balance.currency)),
                ("Reserved", money(balance.reserved, balance.currency)),
                ("Withdrawing", money(balance.withdrawing, balance.currency)),
            ]
        self.query_one(Facts).show(facts)

    def place_of(self, row: Row) -> Place | None:
        line = row.data
        if isinstance(line, LedgerLine) and line.subject_id and line.subject_type == "order":
            return Place("order", line.subject_id)
        return None

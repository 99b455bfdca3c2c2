"""The table of screens. A new screen is a class and a line here; keys, `:` and help follow."""

from dataclasses import dataclass
from typing import Final

from offerhub_tui.screens.balances import BalancesView
from offerhub_tui.screens.base import View
from offerhub_tui.screens.event import EventView
from offerhub_tui.screens.events import EventsView
from offerhub_tui.screens.keys import KeysView
from offerhub_tui.screens.order import OrderView
from offerhub_tui.screens.orders import OrdersView
from offerhub_tui.screens.overview import OverviewView
from offerhub_tui.screens.statement import StatementView


@dataclass(frozen=True)
class Entry:
    """A screen. `digit`: its key; "" for one that is about a thing, whose ids have `prefix`."""

    name: str
    view: type[View]
    summary: str
    digit: str = ""
    prefix: str = ""
    scope: str = "read"


HOME: Final = "overview"

_ENTRIES: Final = (
    Entry("overview", OverviewView, "Environment, health, what is open, latest events.", "1"),
    Entry("balances", BalancesView, "What each user has; enter opens the statement.", "2"),
    Entry("orders", OrdersView, "All orders with state and age; enter opens one.", "3"),
    Entry("events", EventsView, "The live event stream; enter opens one.", "8"),
    Entry("keys", KeysView, "API keys; creating and revoking them.", "9", scope="admin"),
    Entry("order", OrderView, "One order and its timeline.", prefix="ord"),
    Entry("statement", StatementView, "One user's ledger lines.", prefix="usr"),
    Entry("event", EventView, "One event and its payload.", prefix="evt"),
)

SCREENS: Final = {entry.name: entry for entry in _ENTRIES}
DIGITS: Final = {entry.digit: entry.name for entry in _ENTRIES if entry.digit}
MENU: Final = tuple(entry for entry in _ENTRIES if entry.digit)


def find(text: str) -> tuple[str, str] | None:
    """Screen and subject for what was typed after `:`: a name, its beginning, or an id."""
    word = text.strip()
    prefix, underscore, _ = word.partition("_")
    for entry in _ENTRIES:
        if underscore and entry.prefix == prefix:
            return entry.name, word
    matches = [entry.name for entry in MENU if entry.name.startswith(word.lower())]
    return (matches[0], "") if word and matches else None

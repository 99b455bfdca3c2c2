"""`:` goes to a screen by name, or to a thing by its id."""

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from offerhub_tui.registry import MENU, find


class GoTo(ModalScreen[tuple[str, str] | None]):
    """Answers with a screen's name and its subject."""

    BINDINGS = [Binding("escape", "dismiss(None)", "Cancel")]

    def compose(self) -> ComposeResult:
        names = [entry.name for entry in MENU]
        with Vertical(id="bar"):
            yield Static(f" Go to: {', '.join(names)}, or an id (ord_… usr_…)", id="hint")
            yield Input(
                placeholder="screen or id",
                suggester=SuggestFromList(names, case_sensitive=False),
                id="where",
            )

    def on_input_submitted(self, event: Input.Submitted) -> None:
        found = find(event.value)
        if found is None:
            self.query_one("#hint", Static).update(f" There is no screen {event.value!r}.")
        else:
            self.dismiss(found)

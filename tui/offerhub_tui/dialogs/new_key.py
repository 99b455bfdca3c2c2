"""The form for a new API key."""

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Checkbox, Input, Static

from offerhub_tui.changes import CreateKey

SCOPES = (
    ("read", "read: see everything"),
    ("write", "write: users, top-ups, orders, withdrawals"),
    ("support", "support: disputes, audit"),
    ("admin", "admin: everything, also keys"),
)


class ScopeBox(Checkbox):
    """A box that shows its state by its mark, not by colour alone."""

    def __init__(self, scope: str, words: str) -> None:
        super().__init__(words, value=scope == "read", id=f"scope-{scope}", compact=True)
        self._mark()

    def watch_value(self) -> None:
        self._mark()
        super().watch_value()

    def _mark(self) -> None:
        self.BUTTON_INNER = "X" if self.value else " "
        self.refresh()


class NewKey(ModalScreen[CreateKey | None]):
    """Answers with the change to confirm. Read is chosen at first: the least that is useful."""

    BINDINGS = [Binding("escape", "dismiss(None)", "Cancel")]

    def compose(self) -> ComposeResult:
        with Vertical(id="window"):
            yield Static("New API key", classes="title")
            yield Input(placeholder="name, such as reporting", id="name", max_length=100)
            for scope, words in SCOPES:
                yield ScopeBox(scope, words)
            yield Static("", id="complaint")
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel")
                yield Button("Next", id="next", variant="primary")

    def on_input_submitted(self) -> None:
        self._submit()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "next":
            self._submit()
        else:
            self.dismiss(None)

    def _submit(self) -> None:
        name = self.query_one("#name", Input).value.strip()
        scopes = tuple(
            scope for scope, _ in SCOPES if self.query_one(f"#scope-{scope}", Checkbox).value
        )
        if name and scopes:
            self.dismiss(CreateKey(name=name, scopes=scopes))
        else:
            self.query_one("#complaint", Static).update("A key needs a name and a scope.")

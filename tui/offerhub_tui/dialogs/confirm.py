"""A change is confirmed by typing what it does. Nothing is submitted by a lone key."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static


class TypedConfirmation(ModalScreen[bool]):
    """Answers True only when the phrase was typed in full and then confirmed.

    `Cancel` has the focus at first. Enter in the field does nothing while the phrase is incomplete.
    """

    BINDINGS = [Binding("escape", "dismiss(False)", "Cancel")]

    def __init__(self, *, title: str, lines: Sequence[str], phrase: str) -> None:
        super().__init__()
        self._title = title
        self._said = lines
        self._phrase = phrase

    def compose(self) -> ComposeResult:
        with Vertical(id="window"):
            yield Static(self._title, classes="title", markup=False)
            for line in self._said:
                yield Static(line, markup=False)
            yield Static(f"Type to confirm:  {self._phrase}", classes="phrase", markup=False)
            yield Input(placeholder=self._phrase, id="phrase")
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel")
                yield Button("Confirm", id="confirm", variant="error", disabled=True)

    def on_mount(self) -> None:
        self.query_one("#cancel", Button).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        self.query_one("#confirm", Button).disabled = event.value != self._phrase

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.value == self._phrase:
            self.dismiss(True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        typed = self.query_one("#phrase", Input).value
        self.dismiss(event.button.id == "confirm" and typed == self._phrase)


def phrase_for(words: str, *, environment: str) -> str:
    """What must be typed; in production the environment's name as well."""
    return f"{words} {environment}" if environment == "production" else words

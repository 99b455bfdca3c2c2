"""The secret of a new key: shown here, this once."""

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from offerhub_tui.widgets.secret import Secret


class ShowSecret(ModalScreen[None]):
    """Stays until it is closed. Copying is asked for, never done by itself."""

    BINDINGS = [Binding("escape", "dismiss(None)", "Close")]

    def __init__(self, *, name: str, secret: str) -> None:
        super().__init__()
        self._name = name
        self._secret = secret

    def compose(self) -> ComposeResult:
        with Vertical(id="window"):
            yield Static(f"Key {self._name} is made", classes="title", markup=False)
            yield Static("This is the only time that its secret is shown. Screenshots mask it.")
            yield Secret(self._secret)
            with Horizontal(classes="buttons"):
                yield Button("Copy", id="copy")
                yield Button("Close", id="close", variant="primary")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "copy":
            self.app.copy_to_clipboard(self._secret)
            self.notify("The secret was sent to the terminal's clipboard.")
        else:
            self.dismiss(None)

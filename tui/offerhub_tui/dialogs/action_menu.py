"""`a`: what can be changed here. Changes start here and nowhere else."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from offerhub_tui.screens.base import Action


class ActionMenu(ModalScreen[Action | None]):
    """Answers with the chosen action. `offered` pairs each with why it cannot be used, if so."""

    BINDINGS = [Binding("escape", "dismiss(None)", "Close")]

    def __init__(self, offered: Sequence[tuple[Action, str | None]]) -> None:
        super().__init__()
        self._actions = {action.id: action for action, _ in offered}
        self._offered = offered

    def compose(self) -> ComposeResult:
        with Vertical(id="window"):
            yield Static("Actions", classes="title")
            yield OptionList(
                *(
                    Option(f"{action.title} - {why}" if why else action.title, id=action.id,
                           disabled=why is not None)
                    for action, why in self._offered
                ),
                markup=False,
            )  # fmt: skip

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._actions[str(event.option_id)])

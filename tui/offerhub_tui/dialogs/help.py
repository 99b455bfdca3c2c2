"""Help, made from the table of commands and the table of screens."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from offerhub_tui.commands import COMMANDS
from offerhub_tui.registry import MENU

KEYS = 15


class Help(ModalScreen[None]):
    """Searchable. `disabled`: what cannot be used now, and why."""

    BINDINGS = [
        Binding("escape,question_mark,f1", "dismiss(None)", "Close", priority=True),
        Binding("down", "scroll(1)", show=False),
        Binding("up", "scroll(-1)", show=False),
        Binding("pagedown", "scroll(10)", show=False),
        Binding("pageup", "scroll(-10)", show=False),
    ]

    def __init__(self, disabled: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._disabled = disabled

    def compose(self) -> ComposeResult:
        with Vertical(id="window"):
            yield Input(placeholder="search help (esc closes, up and down scroll)", id="search")
            with VerticalScroll(id="page", can_focus=False):
                yield Static(id="text")

    def on_mount(self) -> None:
        self._show("")

    def on_input_changed(self, event: Input.Changed) -> None:
        self._show(event.value.lower().strip())

    def action_scroll(self, lines: int) -> None:
        self.query_one("#page").scroll_relative(y=lines, animate=False)

    def _show(self, word: str) -> None:
        table = Table.grid(padding=(0, 2))
        table.add_column(width=KEYS, no_wrap=True)
        table.add_column(ratio=1)
        for group, lines in help_groups(self._disabled):
            matching = [line for line in lines if word in " ".join(line).lower()]
            if matching:
                table.add_row(Text(group, style="bold underline"), "")
            for keys, title, words in matching:
                table.add_row(Text(keys, style="bold"), Text(f"{title}: {words}"))
        self.query_one("#text", Static).update(table)


def help_groups(
    disabled: Sequence[tuple[str, str]],
) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """Groups of `(keys, title, words)`: screens, commands, and what is disabled and why."""
    groups: dict[str, list[tuple[str, str, str]]] = {
        "Screens": [(entry.digit, entry.name.capitalize(), entry.summary) for entry in MENU]
    }
    for command in COMMANDS:
        groups.setdefault(command.group, []).append(
            (command.shown_keys, command.title, command.help)
        )
    if disabled:
        groups["Disabled now"] = [("a", title, why) for title, why in disabled]
    return list(groups.items())

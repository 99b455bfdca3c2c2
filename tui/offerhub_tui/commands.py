"""The one table of commands: keys, palette, help and docs are made from it.

A binding's id is the command's id, so that every key can be rebound by it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from textual.binding import Binding

EVERYWHERE, LIST, ROW, SESSION = "Everywhere", "In a list", "On a row", "Session"


@dataclass(frozen=True)
class Command:
    """One thing that the operator can do. `keys`: as Textual names them, comma-separated.

    `footer`: shown in the bottom line. `needs_unlock`: listed as disabled while read-only.
    """

    id: str
    keys: str
    action: str
    title: str
    help: str
    group: str
    footer: bool = False
    needs_unlock: bool = False

    @property
    def shown_keys(self) -> str:
        return " ".join(_SHOWN.get(key, key) for key in self.keys.split(","))


_SHOWN: Final = {
    "colon": ":",
    "slash": "/",
    "question_mark": "?",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "minus": "-",
    "exclamation_mark": "!",
    "escape": "esc",
}

COMMANDS: Final = (
    Command("goto", "colon", "goto", "Go to", "Go to a screen by name, or to an id.", EVERYWHERE,
            footer=True),
    Command("palette", "ctrl+p", "command_palette", "Palette", "Search all commands.", EVERYWHERE),
    Command("help", "question_mark,f1", "help", "Help", "Keys, and what is disabled and why.",
            EVERYWHERE, footer=True),
    Command("back", "escape", "back", "Back", "Leave the filter, or go up one level.", EVERYWHERE,
            footer=True),
    Command("history.back", "left_square_bracket", "history(-1)", "Earlier", "The place before"
            " this one in time.", EVERYWHERE),
    Command("history.forward", "right_square_bracket", "history(1)", "Later", "The place after"
            " this one in time.", EVERYWHERE),
    Command("history.last", "minus", "last", "Last", "Switch between the last two places.",
            EVERYWHERE),
    Command("refresh", "r", "refresh_now", "Refresh", "Read again; when offline, reconnect now.",
            EVERYWHERE, footer=True),
    Command("pause", "p", "pause", "Pause", "Hold live updates back; the line below counts them.",
            EVERYWHERE),
    Command("theme", "T", "next_theme", "Theme", "Next theme: dark, light, high-contrast, ansi.",
            EVERYWHERE),
    Command("screenshot", "ctrl+s", "screenshot", "Screenshot", "Save an SVG; secrets are masked.",
            EVERYWHERE),
    Command("quit", "q,ctrl+q", "quit", "Quit", "Leave the console.", EVERYWHERE),
    Command("filter", "slash", "filter", "Filter", "Keep rows that match, such as"
            " state:disputed amount:>100 age:>24h.", LIST, footer=True),
    Command("list.down", "j,down", "cursor(1)", "Down", "Next row.", LIST),
    Command("list.up", "k,up", "cursor(-1)", "Up", "Previous row.", LIST),
    Command("list.page_down", "pagedown,ctrl+f", "page(1)", "Page down", "One page on.", LIST),
    Command("list.page_up", "pageup,ctrl+b", "page(-1)", "Page up", "One page back.", LIST),
    Command("list.top", "home,g", "edge(-1)", "Top", "First row.", LIST),
    Command("list.bottom", "end,G", "edge(1)", "Bottom", "Last row that is loaded.", LIST),
    Command("open", "enter", "open", "Open", "Drill into the row.", ROW, footer=True),
    Command("copy.id", "y", "copy_id", "Copy id", "Copy the id of the row.", ROW),
    Command("copy.json", "Y", "copy_json", "Copy JSON", "Copy the row as the API gave it.", ROW),
    Command("actions", "a", "actions", "Actions", "What can be changed here; the only way to"
            " change anything.", ROW, footer=True, needs_unlock=True),
    Command("lock", "exclamation_mark", "lock", "Lock", "Read-only at once; unlocking asks for"
            " the environment's name.", SESSION),
)  # fmt: skip

_IN_LIST: Final = frozenset({"open"} | {c.id for c in COMMANDS if c.id.startswith("list.")})


class KeyConflict(Exception):
    """Two commands want the same key."""


def list_bindings() -> list[Binding]:
    """The bindings of a list: movement and opening."""
    return [_binding(command) for command in COMMANDS if command.id in _IN_LIST]


def app_bindings(screens: Mapping[str, str]) -> list[Binding]:
    """The bindings of the application; `screens` is digit to screen name."""
    own = [_binding(command) for command in COMMANDS if command.id not in _IN_LIST]
    digits = [
        Binding(digit, f"go('{name}')", name.capitalize(), show=False, id=f"screen.{name}")
        for digit, name in screens.items()
    ]
    return own + digits


def check_keys(commands: Iterable[Command], *, taken: Iterable[str] = ()) -> None:
    """Every key belongs to one command. Raises: KeyConflict naming both."""
    owners = dict.fromkeys(taken, "a screen")
    for command in commands:
        for key in command.keys.split(","):
            if key in owners:
                raise KeyConflict(f"{key} is bound to {owners[key]} and to {command.id}")
            owners[key] = command.id


def _binding(command: Command) -> Binding:
    return Binding(
        command.keys,
        command.action,
        command.title,
        show=command.footer,
        key_display=command.shown_keys.split(" ")[0],
        tooltip=command.help,
        id=command.id,
    )

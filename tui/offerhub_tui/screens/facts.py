"""Labels and values in two columns, for the top of a detail screen."""

from collections.abc import Sequence

from rich.text import Text
from textual.widgets import Static

from offerhub_tui.formatting import plain

LABEL = 12


class Facts(Static):
    """A fact sheet. Values are shown whole; what is absent is a dash."""

    def show(self, facts: Sequence[tuple[str, object]]) -> None:
        lines = [Text(f" {label:<{LABEL}} ", style="dim").append(plain(value), style="not dim")
                 for label, value in facts]  # fmt: skip
        self.update(Text("\n").join(lines))

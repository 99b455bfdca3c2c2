"""A list drawn line by line: any number of rows, a cursor bound to an id, one fixed header.

Only the lines that changed are painted again. Texts are cells of text, not markup.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from offerhub_tui.commands import list_bindings
from offerhub_tui.printable import printable
from offerhub_tui.states import TONES
from offerhub_tui.widgets.rows import GAP, MARK, Cell, Column, Row, aligned, fit, widened

HEADER = 1
NEAR_END = 20


class RecordList(ScrollView, can_focus=True):
    """Rows in fixed-width columns. Moving the cursor posts `Moved`, opening a row `Opened`."""

    BINDINGS: ClassVar[list[BindingType]] = [*list_bindings()]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "list--header",
        "list--cursor",
        *(f"tone--{tone}" for tone in TONES),
    }

    class Moved(Message):
        """The cursor is on another row, or rows came into view."""

    class Opened(Message):
        """The operator wants to see the row under the cursor."""

        def __init__(self, row: Row) -> None:
            self.row = row
            super().__init__()

    class NearEnd(Message):
        """The cursor comes near the last loaded row."""

    def __init__(
        self, columns: Sequence[Column], *, id: str | None = None, follows: bool = False
    ) -> None:
        """`follows`: a cursor on the top row stays on top, to watch what arrives."""
        super().__init__(id=id)
        self._follows = follows
        self._columns = tuple(columns)
        self._fitted = fit(columns, 80)
        self._rows: tuple[Row, ...] = ()
        self._index = 0
        self._wanted_id = ""

    @property
    def rows(self) -> tuple[Row, ...]:
        return self._rows

    @property
    def cursor_row(self) -> Row | None:
        return self._rows[self._index] if self._rows else None

    @property
    def visible_rows(self) -> tuple[Row, ...]:
        """The rows that are on the screen now."""
        top = self.scroll_offset.y
        return self._rows[top : top + self._lines]

    @property
    def _lines(self) -> int:
        height: int = self.scrollable_content_region.height
        return max(1, height - HEADER)

    def seek(self, ident: str) -> None:
        """Put the cursor on a row, now or as soon as it is there."""
        self._wanted_id = ident
        self._find_wanted()

    def set_rows(self, rows: Sequence[Row]) -> None:
        """Show these rows. The cursor stays on its id, wherever that has moved to."""
        old, self._rows = self._rows, tuple(rows)
        held = old[self._index].id if old else ""
        self._index = 0 if self._follows and self._index == 0 else self._place_of(held)
        self._find_wanted()
        if self._fit():
            self.refresh()
        if len(old) != len(self._rows):
            self.virtual_size = Size(0, len(self._rows) + HEADER)
            self._show_cursor()
            self.refresh()
        else:
            self._repaint_changed(old)
        if held != (self.cursor_row.id if self.cursor_row else ""):
            self.post_message(self.Moved())

    def _fit(self) -> bool:
        """Lay the columns out for the width and the rows; says if they moved."""
        before = self._fitted
        columns = widened(self._columns, self._rows)
        self._fitted = fit(columns, self.scrollable_content_region.width)
        return self._fitted != before

    def _place_of(self, ident: str) -> int:
        """Where the id is now; without it, the same line as before."""
        rows = self._rows
        if self._index < len(rows) and rows[self._index].id == ident:
            return self._index
        for index, row in enumerate(rows):
            if row.id == ident:
                return index
        return max(0, min(self._index, len(rows) - 1))

    def _find_wanted(self) -> None:
        if not self._wanted_id:
            return
        for index, row in enumerate(self._rows):
            if row.id == self._wanted_id:
                self._wanted_id = ""
                self._index = index
                self._show_cursor()
                self.refresh()
                return

    def _repaint_changed(self, old: Sequence[Row]) -> None:
        top = self.scroll_offset.y
        for line in range(self._lines):
            index = top + line
            if index < len(self._rows) and self._rows[index] != old[index]:
                self._repaint(index)

    def _repaint(self, index: int) -> None:
        line = index - self.scroll_offset.y + HEADER
        if HEADER <= line <= self._lines:
            self.refresh(Region(0, line, self.size.width, 1))

    def _move_to(self, index: int) -> None:
        if not self._rows:
            return
        index = max(0, min(index, len(self._rows) - 1))
        if index != self._index:
            before, self._index = self._index, index
            self._show_cursor()
            self._repaint(before)
            self._repaint(index)
            self.post_message(self.Moved())
        if index >= len(self._rows) - NEAR_END:
            self.post_message(self.NearEnd())

    def _show_cursor(self) -> None:
        top = self.scroll_offset.y
        if self._index < top:
            self.scroll_to(y=self._index, animate=False, immediate=True)
        elif self._index >= top + self._lines:
            self.scroll_to(y=self._index - self._lines + 1, animate=False, immediate=True)

    def action_cursor(self, steps: int) -> None:
        self._move_to(self._index + steps)

    def action_page(self, pages: int) -> None:
        self._move_to(self._index + pages * self._lines)

    def action_edge(self, end: int) -> None:
        self._move_to(len(self._rows) - 1 if end > 0 else 0)

    def action_open(self) -> None:
        if self.cursor_row is not None:
            self.post_message(self.Opened(self.cursor_row))

    def on_click(self, event: events.Click) -> None:
        index = self.scroll_offset.y + event.y - HEADER
        if event.y < HEADER or index >= len(self._rows):
            return
        if index == self._index and event.chain > 1:
            self.action_open()
        self._move_to(index)

    def on_resize(self) -> None:
        self._fit()
        self._show_cursor()
        self.refresh()
        self.post_message(self.Moved())

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self.post_message(self.Moved())

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        base = self.rich_style
        if y < HEADER:
            style = base + self.get_component_rich_style("list--header", partial=True)
            titles = {column.key: Cell(column.title) for column in self._columns}
            return self._strip("  ", titles, style, width)
        index = self.scroll_offset.y + y - HEADER
        if index >= len(self._rows):
            return Strip.blank(width, base)
        row = self._rows[index]
        if index != self._index:
            return self._strip("  ", row.cells, base, width)
        style = base + self.get_component_rich_style("list--cursor", partial=True)
        plain = {key: Cell(cell.text) for key, cell in row.cells.items()}  # one bar, not patches
        return self._strip("> ", plain, style, width)

    def _strip(self, mark: str, cells: Mapping[str, Cell], style: Style, width: int) -> Strip:
        segments = [Segment(mark.ljust(MARK), style)]
        for number, (column, room) in enumerate(self._fitted):
            if number:
                segments.append(Segment(" " * GAP, style))
            cell = cells.get(column.key, Cell(""))
            toned = style
            if cell.tone:
                toned += self.get_component_rich_style(f"tone--{cell.tone}", partial=True)
            text = aligned(printable(cell.text), room, column.align)
            segments.append(Segment(text, toned))
        return Strip(segments).adjust_cell_length(width, style)

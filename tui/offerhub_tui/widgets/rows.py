"""Rows and columns as data: what a list shows, and which columns fit a width. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

GAP = 1
MARK = 2


class Cell(NamedTuple):
    """A text and the tone that a theme turns into a colour ("" for plain)."""

    text: str
    tone: str = ""


@dataclass(frozen=True)
class Column:
    """A column of fixed width in cells. `priority` 0 is always shown; higher ones drop first.

    `grow`: takes what is left, and may be cut. A `whole` column widens instead: amounts and ids
    are never cut.
    """

    key: str
    title: str
    width: int
    align: Literal["left", "right"] = "left"
    priority: int = 0
    grow: bool = False

    @property
    def whole(self) -> bool:
        return not self.grow


@dataclass(frozen=True)
class Row:
    """One record. `sort` texts such as seconds of age are for filters, not shown."""

    id: str
    cells: Mapping[str, Cell]
    data: Any = field(default=None, compare=False, repr=False)
    extra: Mapping[str, str] = field(default_factory=dict, compare=False)

    def fields(self) -> dict[str, str]:
        """What a filter can ask for."""
        return {key: cell.text for key, cell in self.cells.items()} | dict(self.extra)


def widened(columns: Sequence[Column], rows: Iterable[Row]) -> tuple[Column, ...]:
    """The columns, each wide enough for its longest text unless it may be cut."""
    widths = {column.key: column.width for column in columns if column.whole}
    for row in rows:
        for key, width in widths.items():
            cell = row.cells.get(key)
            if cell is not None and len(cell.text) > width:
                widths[key] = len(cell.text)
    return tuple(replace(column, width=widths.get(column.key, column.width)) for column in columns)


def fit(columns: Sequence[Column], width: int) -> list[tuple[Column, int]]:
    """The columns that fit, in order, each with its width; dropped by priority.

    width: cells for everything, the cursor's mark included.
    """
    shown = list(columns)
    while _needed(shown) > width:
        droppable = [column for column in shown if column.priority > 0]
        if not droppable:
            break
        shown.remove(max(droppable, key=lambda column: column.priority))
    rest = max(0, width - _needed(shown))
    growing = [column for column in shown if column.grow]
    share, odd = divmod(rest, len(growing)) if growing else (0, 0)
    fitted = []
    for column in shown:
        extra = 0
        if column.grow:
            extra, odd = share + odd, 0
        fitted.append((column, column.width + extra))
    return fitted


def aligned(text: str, width: int, align: str) -> str:
    """A text in exactly `width` cells; one that is too long ends in an ellipsis."""
    if len(text) > width:
        return text[: max(0, width - 1)] + "…"
    return text.rjust(width) if align == "right" else text.ljust(width)


def _needed(columns: Sequence[Column]) -> int:
    return MARK + sum(column.width for column in columns) + GAP * max(0, len(columns) - 1)

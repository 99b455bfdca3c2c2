"""Columns that fit, and texts that stay whole."""

from offerhub_tui.widgets.rows import Cell, Column, Row, aligned, fit, widened

COLUMNS = (
    Column("id", "Id", 10),
    Column("amount", "Amount", 8, align="right"),
    Column("title", "Title", 5, grow=True),
    Column("extra", "Extra", 10, priority=1),
    Column("more", "More", 10, priority=2),
)


def widths(width: int) -> dict[str, int]:
    return {column.key: room for column, room in fit(COLUMNS, width)}


def test_columns_drop_by_priority_and_the_growing_one_takes_the_rest() -> None:
    assert widths(60) == {"id": 10, "amount": 8, "title": 16, "extra": 10, "more": 10}
    assert widths(40) == {"id": 10, "amount": 8, "title": 7, "extra": 10}
    assert widths(30) == {"id": 10, "amount": 8, "title": 8}


def test_what_must_be_shown_stays_even_when_there_is_no_room() -> None:
    assert widths(5) == {"id": 10, "amount": 8, "title": 5}


def test_amounts_widen_their_column_and_titles_are_cut() -> None:
    rows = [Row("a", {"amount": Cell("123456789.00 USD"), "title": Cell("a long title")})]
    by_key = {column.key: column.width for column in widened(COLUMNS, rows)}
    assert by_key["amount"] == len("123456789.00 USD")
    assert by_key["title"] == 5


def test_texts_are_aligned_and_cut_with_an_ellipsis() -> None:
    assert aligned("ab", 4, "left") == "ab  "
    assert aligned("ab", 4, "right") == "  ab"
    assert aligned("abcdef", 4, "left") == "abc…"

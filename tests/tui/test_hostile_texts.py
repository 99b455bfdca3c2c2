"""What a marketplace's users write is shown to the operator, and obeyed by no terminal."""

import asyncio

import pytest
from offerhub_tui.formatting import plain
from offerhub_tui.printable import Unarmed, printable
from rich.segment import ControlType, Segment
from textual.color import Color

from tests.tui.console import Rig, at_rest, shown, until
from tests.tui.world import World, ident, order

TITLE = "\x1b]0;owned\x07 \x9b31mred \x1b]52;c;cm0=\x07\u202egnp.exe\nState  RELEASED"
OBEYED = ["\x1b", "\x07", "\x9b", "\u202e", "\r"]


def raw_lines(rig: Rig) -> str:
    """Everything on the screen as it is sent to the terminal, without the console's own codes."""
    strips = rig.app.screen._compositor.render_strips(rig.app.size)
    return "".join(segment.text for strip in strips for segment in strip if not segment.control)


def assert_harmless(text: str) -> None:
    assert not [sign for sign in OBEYED if sign in text]


def test_titles_are_shown_in_lists_and_fact_sheets_and_change_nothing() -> None:
    async def test() -> None:
        rig = Rig(World(orders=[order(1, "IN_PROGRESS", title=TITLE, client_order_ref=TITLE)]))
        async with rig.app.run_test(size=(180, 24)) as pilot:
            await pilot.press("3")
            await at_rest(rig, pilot)
            assert_harmless(raw_lines(rig))
            assert "␛]0;owned␇" in shown(rig.app)
            await pilot.press("enter")
            await at_rest(rig, pilot)
            assert ident("ord", 1) in shown(rig.app)
            assert_harmless(raw_lines(rig))
            lines = [line.strip() for line in shown(rig.app).splitlines()]
            assert not any(line.startswith("State  RELEASED") for line in lines)

    asyncio.run(test())


def test_no_widget_can_send_them_to_the_terminal() -> None:
    """Whatever a screen forgets, and what Textual's own widgets draw."""

    async def test() -> None:
        rig = Rig()
        async with rig.app.run_test(size=(100, 24), notifications=True) as pilot:
            await at_rest(rig, pilot)
            rig.app.notify(f"refused: {TITLE}", timeout=600, markup=False)
            await until(pilot, lambda: "owned" in raw_lines(rig))
            assert_harmless(raw_lines(rig))

    asyncio.run(test())


def test_the_last_gate_drops_characters_and_keeps_the_consoles_own_codes() -> None:
    own = Segment("\x1b[?25l", None, [(ControlType.HIDE_CURSOR,)])
    plain_line = [Segment("nothing odd")]
    black = Color(0, 0, 0)
    assert Unarmed().apply(plain_line, black) is plain_line
    passed = Unarmed().apply([Segment(TITLE), own], black)
    assert_harmless(passed[0].text)
    assert "owned" in passed[0].text
    assert passed[1] is own


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Überweisung für 東京 ✓", "Überweisung für 東京 ✓"),
        ("\x1b[31m", "␛[31m"),
        ("a\nb\tc\r", "a␊b␉c␍"),
        ("\x7f\x9b\u202e\u2066\u200f\U000e0041", "������"),
    ],
)
def test_only_what_a_terminal_obeys_is_replaced(text: str, expected: str) -> None:
    assert printable(text) == expected == plain(text)

"""The tables that keys, help, screens and looks are made from."""

from pathlib import Path

import pytest
from offerhub_tui.app import OperatorApp
from offerhub_tui.commands import COMMANDS, Command, KeyConflict, check_keys
from offerhub_tui.dialogs.help import help_groups
from offerhub_tui.launch import THEME_NAMES
from offerhub_tui.registry import DIGITS, SCREENS, find
from offerhub_tui.states import SYMBOLS, TONES, label, tone_of
from offerhub_tui.themes import THEMES, after
from textual.color import Color

from offerhub.cli.tui import THEMES as CLI_THEMES
from offerhub.domain.escrows import ESCROW
from offerhub.domain.operations import OPERATION
from offerhub.domain.orders import ORDER
from offerhub.domain.topups import TOPUP
from offerhub.domain.users import USER
from offerhub.domain.withdrawals import WITHDRAWAL

DOCS = Path(__file__).parents[2] / "docs" / "tui.md"
STATES = sorted(
    state
    for machine in (ORDER, TOPUP, WITHDRAWAL, ESCROW, OPERATION, USER)
    for state in machine.states
)


@pytest.mark.parametrize("state", STATES)
def test_every_state_of_the_domain_has_a_symbol_and_a_word(state: str) -> None:
    assert tone_of(state) in TONES, f"{state} has no tone"
    symbol, _, word = label(state).partition(" ")
    assert symbol in SYMBOLS.values()
    assert state.endswith(word)


def test_no_key_belongs_to_two_commands() -> None:
    check_keys(COMMANDS, taken=DIGITS)


def test_a_conflict_names_both_commands() -> None:
    twice = Command("again", "r", "again", "Again", "", "Everywhere")
    with pytest.raises(KeyConflict, match="r is bound to refresh and to again"):
        check_keys((*COMMANDS, twice))


def test_every_command_has_an_action_that_exists() -> None:
    from offerhub_tui.widgets.record_list import RecordList

    for command in COMMANDS:
        name = "action_" + command.action.partition("(")[0]
        assert hasattr(OperatorApp, name) or hasattr(RecordList, name), command.id


def test_help_lists_every_command_and_every_screen_with_a_digit() -> None:
    said = {(keys, title) for _, lines in help_groups([]) for keys, title, _ in lines}
    for command in COMMANDS:
        assert (command.shown_keys, command.title) in said
    for digit, name in DIGITS.items():
        assert (digit, name.capitalize()) in said


def test_the_documentation_lists_every_command_and_screen() -> None:
    text = DOCS.read_text(encoding="utf-8")
    for command in COMMANDS:
        row = f"| `{command.shown_keys}` | {command.title} | {command.help} |"
        assert row in text, row
    for name in SCREENS:
        assert f"**{name.capitalize()}**" in text, name


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("orders", ("orders", "")),
        ("ORD", ("orders", "")),
        ("k", ("keys", "")),
        (" ord_abc ", ("order", "ord_abc")),
        ("usr_abc", ("statement", "usr_abc")),
        ("evt_abc", ("event", "evt_abc")),
        ("", None),
        ("nowhere", None),
        ("xyz_abc", None),
    ],
)
def test_going_somewhere_by_name_or_id(typed: str, found: tuple[str, str] | None) -> None:
    assert find(typed) == found


def test_the_command_line_offers_the_same_themes() -> None:
    assert tuple(CLI_THEMES) == THEME_NAMES
    assert after(THEME_NAMES[-1]) == THEME_NAMES[0]


def luminance(color: Color) -> float:
    """Relative luminance. Source: WCAG 2.2, "relative luminance"."""
    parts = []
    for part in (color.r, color.g, color.b):
        share = part / 255
        parts.append(share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4)
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


@pytest.mark.parametrize("theme", [t for t in THEMES if not t.ansi], ids=lambda t: t.name)
@pytest.mark.parametrize("tone", [*(f"tone-{tone}" for tone in TONES), "foreground"])
@pytest.mark.parametrize("ground", ["background", "surface", "panel"])
def test_text_has_enough_contrast(theme, tone: str, ground: str) -> None:
    text = theme.variables.get(tone) or theme.foreground
    lighter, darker = sorted(
        (luminance(Color.parse(text)), luminance(Color.parse(getattr(theme, ground)))),
        reverse=True,
    )
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5

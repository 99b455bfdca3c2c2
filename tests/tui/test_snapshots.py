"""Pictures of every screen: sizes, looks, and states of the link and of the data.

Accept a wanted change with `pytest tests/tui/test_snapshots.py --snapshot-update`.
"""

from collections.abc import Awaitable, Callable

import pytest
from offerhub_tui.dialogs.action_menu import ActionMenu
from offerhub_tui.dialogs.confirm import TypedConfirmation
from offerhub_tui.dialogs.new_key import NewKey
from offerhub_tui.dialogs.show_secret import ShowSecret
from offerhub_tui.link import Freshness
from textual.events import Paste
from textual.pilot import Pilot
from textual.widgets import Input

from tests.tui.console import Rig, at_rest, shown, until
from tests.tui.world import World, busy_world, ident

SMALL, LARGE = (80, 24), (120, 40)
Act = Callable[[Pilot[None]], Awaitable[None]]


@pytest.fixture
def picture(snap_compare):
    """Compare the console after some keys, at rest, with its accepted picture."""

    def compare(rig: Rig, *keys: str, size=SMALL, act: Act | None = None) -> bool:
        async def before(pilot: Pilot[None]) -> None:
            await at_rest(rig, pilot)
            for number, kind in enumerate(("order.created", "topup.failed", "order.released")):
                rig.api.emit(kind, ident("ord", number + 1), user_ids=[ident("usr", 1)])
            await until(pilot, lambda: rig.api.down or len(rig.app.recent) == 3)
            for key in keys:
                await pilot.press(key)
                await at_rest(rig, pilot)
            if act is not None:
                await act(pilot)
            for field in rig.app.screen.query(Input):
                field.cursor_blink = False
            await at_rest(rig, pilot)

        return snap_compare(rig.app, terminal_size=size, run_before=before)

    return compare


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x40"])
@pytest.mark.parametrize(
    "keys",
    [["1"], ["2"], ["2", "enter"], ["3"], ["3", "j", "enter"], ["8"], ["9"]],
    ids=["overview", "balances", "statement", "orders", "order", "events", "keys"],
)
def test_each_screen_live_and_dark(picture, keys, size) -> None:
    assert picture(Rig(), *keys, size=size)


@pytest.mark.parametrize("theme", ["light", "high-contrast"])
@pytest.mark.parametrize("keys", [["1"], ["3"]], ids=["overview", "orders"])
def test_the_main_screens_in_other_looks(picture, theme: str, keys) -> None:
    assert picture(Rig(theme=theme), *keys)


@pytest.mark.parametrize("keys", [["1"], ["3"]], ids=["overview", "orders"])
def test_the_main_screens_without_colour(picture, monkeypatch, keys) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert picture(Rig(), *keys)


def test_an_event_with_its_payload(picture) -> None:
    assert picture(Rig(), "8", "enter")


def test_offline_keeps_what_was_read(picture) -> None:
    rig = Rig(pause_s=30.0)

    async def cut(pilot: Pilot[None]) -> None:
        rig.api.cut()
        await until(pilot, lambda: rig.app.freshness is Freshness.OFFLINE)
        rig.clock.pass_s(7)
        await until(pilot, lambda: "retry in 23s" in shown(rig.app))

    assert picture(rig, "3", act=cut)


def test_stale(picture) -> None:
    rig = Rig()

    async def silence(pilot: Pilot[None]) -> None:
        rig.clock.pass_s(34)
        await until(pilot, lambda: "STALE 34s" in shown(rig.app))

    assert picture(rig, "3", act=silence)


def test_started_without_an_appliance(picture) -> None:
    rig = Rig(pause_s=30.0)
    rig.api.down = True

    async def look(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "OFFLINE since" in shown(rig.app))

    assert picture(rig, act=look)


def test_an_empty_list(picture) -> None:
    assert picture(Rig(World()), "3")


def test_a_list_that_cannot_be_read(picture) -> None:
    rig = Rig()
    rig.api.refuse["/auth/api-keys"] = (403, "INSUFFICIENT_SCOPE")
    assert picture(rig, "9")


def test_paused(picture) -> None:
    rig = Rig()

    async def hold(pilot: Pilot[None]) -> None:
        rig.api.emit("order.closed", ident("ord", 9))
        await until(pilot, lambda: "1 waiting" in shown(rig.app))

    assert picture(rig, "8", "p", act=hold)


def test_help(picture) -> None:
    assert picture(Rig(), "9", "question_mark")


def test_production_unlocked(picture) -> None:
    world = busy_world()
    world.environment = "production"
    assert picture(Rig(world, write=True), "9")


def test_the_action_menu_of_a_read_only_session(picture) -> None:
    assert picture(Rig(), "9", "a")


def test_a_typed_confirmation(picture) -> None:
    rig = Rig(write=True)

    async def choose(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: isinstance(rig.app.screen, ActionMenu))
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(rig.app.screen, TypedConfirmation))

    assert picture(rig, "9", "j", "a", act=choose)


def test_a_new_secret_is_masked(picture) -> None:
    rig = Rig(write=True)

    async def make(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: isinstance(rig.app.screen, ActionMenu))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(rig.app.screen, NewKey))
        await pilot.press("n", "enter")
        await until(pilot, lambda: isinstance(rig.app.screen, TypedConfirmation))
        rig.app.screen.query_one("#phrase", Input).post_message(Paste("create n"))
        await pilot.press("shift+tab", "enter")
        await until(pilot, lambda: isinstance(rig.app.screen, ShowSecret))
        rig.app.clear_notifications()
        await until(pilot, lambda: not rig.app.screen_stack[0].query("Toast"))

    assert picture(rig, "9", "a", act=make)

"""Changing things: only unlocked, only live, only after the phrase, and once."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from offerhub_tui.dialogs.action_menu import ActionMenu
from offerhub_tui.dialogs.confirm import TypedConfirmation
from offerhub_tui.dialogs.new_key import NewKey
from offerhub_tui.dialogs.show_secret import ShowSecret
from offerhub_tui.link import Freshness
from textual.events import Paste
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Button, Input

from tests.tui.console import Rig, at_rest, shown, told, until
from tests.tui.world import World, busy_world, ident

KEYS = "/auth/api-keys"
SECRET = "ohk_test_newkey_TOPSECRETVALUE"
Story = Callable[[Rig, Pilot[None]], Awaitable[None]]


def typed(text: str) -> list[str]:
    names = {"_": "underscore", " ": "space", "-": "minus"}
    return [names.get(character, character) for character in text]


def tell(story: Story, world: World | None = None, *, write: bool = True) -> Rig:
    """Run a story on the keys screen of an unlocked session."""

    async def run() -> Rig:
        rig = Rig(world, write=write)
        async with rig.app.run_test(size=(100, 30)) as pilot:
            await pilot.press("9")
            await at_rest(rig, pilot)
            await until(pilot, lambda: rig.app.freshness is Freshness.LIVE)
            await story(rig, pilot)
        return rig

    return asyncio.run(run())


async def on(rig: Rig, pilot: Pilot[None], window: type[Screen]) -> None:
    await until(pilot, lambda: isinstance(rig.app.screen, window))


async def reach_confirmation(rig: Rig, pilot: Pilot[None], *, row: int = 1) -> None:
    """Choose "revoke" for a row and arrive at the phrase."""
    await pilot.press(*["down"] * row, "a")
    await on(rig, pilot, ActionMenu)
    await pilot.press("down", "enter")
    await on(rig, pilot, TypedConfirmation)


async def type_phrase(pilot: Pilot[None], phrase: str) -> None:
    """Paste it, which is allowed and quicker; one test types it."""
    await pilot.press("shift+tab")
    field = pilot.app.focused
    assert isinstance(field, Input)
    field.post_message(Paste(phrase))
    await pilot.pause()
    assert field.value.endswith(phrase)


def changes(rig: Rig) -> list[str]:
    return [r.method for r in rig.api.requests if r.method != "GET"]


def test_a_key_is_revoked_after_the_phrase() -> None:
    async def story(rig: Rig, pilot: Pilot[None]) -> None:
        await reach_confirmation(rig, pilot)
        await pilot.press("shift+tab", *typed(f"revoke {ident('key', 2)}"), "enter")
        await until(pilot, lambda: shown(rig.app).count("▲ REVOKED") == 2)

    rig = tell(story)
    assert changes(rig) == ["DELETE"]
    assert rig.api.world.keys[1]["revoked_at"] is not None
    assert rig.api.asked(f"{KEYS}/{ident('key', 2)}", "DELETE")[0].headers["Idempotency-Key"]


@pytest.mark.parametrize("wrong", ["", "revoke", "revoke key_", "REVOKE " + ident("key", 2)])
def test_enter_does_nothing_while_the_phrase_is_incomplete(wrong: str) -> None:
    async def story(rig: Rig, pilot: Pilot[None]) -> None:
        await reach_confirmation(rig, pilot)
        await type_phrase(pilot, wrong)
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(rig.app.screen, TypedConfirmation)
        assert rig.app.screen.query_one("#confirm", Button).disabled
        await pilot.press("escape")

    assert changes(tell(story)) == []


def test_cancel_has_the_focus_so_a_lone_enter_cancels() -> None:
    async def story(rig: Rig, pilot: Pilot[None]) -> None:
        await reach_confirmation(rig, pilot)
        await pilot.press("enter")
        await until(pilot, lambda: len(rig.app.screen_stack) == 1)

    assert changes(tell(story)) == []


def test_the_target_is_frozen_while_the_list_moves() -> None:
    async def story(rig: Rig, pilot: Pilot[None]) -> None:
        await reach_confirmation(rig, pilot)
        rig.api.world.keys.reverse()
        rig.api.emit("key.created", ident("key", 3))
        await at_rest(rig, pilot)
        await type_phrase(pilot, f"revoke {ident('key', 2)}")
        await pilot.press("enter")
        await until(pilot, lambda: bool(changes(rig)))

    rig = tell(story)
    assert len(rig.api.asked(f"{KEYS}/{ident('key', 2)}", "DELETE")) == 1


def test_a_new_key_is_made_shown_once_and_never_in_a_screenshot(tmp_path: Path) -> None:
    async def story(rig: Rig, pilot: Pilot[None]) -> None:
        await pilot.press("a")
        await on(rig, pilot, ActionMenu)
        await pilot.press("enter")
        await on(rig, pilot, NewKey)
        await pilot.press(*typed("reports"), "enter")
        await on(rig, pilot, TypedConfirmation)
        await type_phrase(pilot, "create reports")
        await pilot.press("enter")
        await on(rig, pilot, ShowSecret)
        await until(pilot, lambda: SECRET in shown(rig.app))
        picture = rig.app.export_screenshot()
        assert "TOPSECRET" not in picture
        assert "*" * 10 in picture
        assert SECRET in shown(rig.app)
        assert rig.app.clipboard == ""
        await pilot.press("escape")
        await at_rest(rig, pilot)
        assert SECRET not in shown(rig.app)
        assert "reports" in shown(rig.app)

    rig = tell(story)
    assert changes(rig) == ["POST"]


def test_a_lost_answer_is_unknown_and_asked_for_again_with_the_same_key() -> None:
    async def story(rig: Rig, pilot: Pilot[None]) -> None:
        rig.api.lose_answers = 2
        await pilot.press("a")
        await on(rig, pilot, ActionMenu)
        await pilot.press("enter")
        await on(rig, pilot, NewKey)
        await pilot.press(*typed("x"), "enter")
        await on(rig, pilot, TypedConfirmation)
        await type_phrase(pilot, "create x")
        await pilot.press("enter")
        await until(pilot, lambda: "Outcome unknown" in told(rig.app))
        await on(rig, pilot, ShowSecret)

    rig = tell(story)
    keys = {r.headers["Idempotency-Key"] for r in rig.api.asked(KEYS, "POST")}
    assert len(rig.api.asked(KEYS, "POST")) == 3
    assert len(keys) == 1
    assert len(rig.api.world.keys) == 4


def test_a_refusal_is_told_in_words() -> None:
    async def story(rig: Rig, pilot: Pilot[None]) -> None:
        await reach_confirmation(rig, pilot)
        rig.api.refuse[f"{KEYS}/{ident('key', 2)}"] = (403, "INSUFFICIENT_SCOPE")
        await type_phrase(pilot, f"revoke {ident('key', 2)}")
        await pilot.press("enter")
        await until(pilot, lambda: "INSUFFICIENT_SCOPE" in told(rig.app))

    tell(story)


def test_nothing_is_changed_when_the_link_was_lost_in_the_dialog() -> None:
    async def story(rig: Rig, pilot: Pilot[None]) -> None:
        await reach_confirmation(rig, pilot)
        rig.clock.pass_s(60)
        await type_phrase(pilot, f"revoke {ident('key', 2)}")
        await pilot.press("enter")
        await until(pilot, lambda: "Not done: not while STALE" in told(rig.app))

    assert changes(tell(story)) == []


def test_in_production_the_environment_belongs_to_the_phrase() -> None:
    world = busy_world()
    world.environment = "production"

    async def story(rig: Rig, pilot: Pilot[None]) -> None:
        await reach_confirmation(rig, pilot)
        await type_phrase(pilot, f"revoke {ident('key', 2)}")
        await pilot.press("enter")
        await pilot.pause()
        assert changes(rig) == []
        await pilot.press(*typed(" production"), "enter")
        await until(pilot, lambda: changes(rig) == ["DELETE"])

    tell(story, world)


def test_a_read_only_session_offers_nothing_that_can_be_chosen() -> None:
    async def story(rig: Rig, pilot: Pilot[None]) -> None:
        await pilot.press("a")
        await on(rig, pilot, ActionMenu)
        assert "the session is read-only" in shown(rig.app)
        await pilot.press("enter", "down", "enter")
        assert isinstance(rig.app.screen, ActionMenu)

    assert changes(tell(story, write=False)) == []


def test_a_key_that_can_only_read_sees_no_action_even_with_write() -> None:
    world = busy_world()
    world.scopes = ("read",)

    async def story(rig: Rig, pilot: Pilot[None]) -> None:
        assert "READ-ONLY" in shown(rig.app)
        await pilot.press("a")
        await until(pilot, lambda: "needs scope admin" in told(rig.app))
        assert not isinstance(rig.app.screen, ActionMenu)
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: "This key can only read" in told(rig.app))
        assert not rig.app.session.unlocked

    tell(story, world)


def test_the_lock_closes_at_once_and_opens_with_the_environments_name() -> None:
    async def story(rig: Rig, pilot: Pilot[None]) -> None:
        assert "UNLOCKED" in shown(rig.app)
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: "READ-ONLY" in shown(rig.app))
        await pilot.press("exclamation_mark")
        await on(rig, pilot, TypedConfirmation)
        await type_phrase(pilot, "dem")
        await pilot.press("enter")
        assert not rig.app.session.unlocked
        await pilot.press("o", "enter")
        await until(pilot, lambda: rig.app.session.unlocked)

    tell(story)


def test_ten_idle_minutes_lock_the_session() -> None:
    async def story(rig: Rig, pilot: Pilot[None]) -> None:
        rig.clock.pass_s(599)
        started_s = time.monotonic()
        await until(pilot, lambda: time.monotonic() - started_s > 1.2)
        assert rig.app.session.unlocked
        rig.clock.pass_s(1)
        await until(pilot, lambda: "READ-ONLY" in shown(rig.app))

    tell(story)

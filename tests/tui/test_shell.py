"""Going about in the console, by keys."""

import asyncio
from pathlib import Path

import pytest
from offerhub_tui.widgets.record_list import RecordList

from tests.tui.console import Rig, at_rest, shown, until
from tests.tui.world import World, ident, order, user


def run(test) -> None:
    asyncio.run(test())


def test_it_starts_on_the_overview_and_says_where_it_is() -> None:
    async def test() -> None:
        rig = Rig()
        async with rig.app.run_test(size=(80, 24)) as pilot:
            await at_rest(rig, pilot)
            text = shown(rig.app)
            assert "OfferHub DEMO" in text
            assert "READ-ONLY" in text
            assert "LIVE · data 12:04:11 UTC" in text
            assert "In escrow           3          90.00 USD" in text
            assert "Stuck orders        1          30.00 USD ▲" in text
            assert "airtm           ▲ degraded" in text

    run(test)


def test_drilling_down_and_back_keeps_the_cursor() -> None:
    async def test() -> None:
        rig = Rig()
        async with rig.app.run_test(size=(80, 24)) as pilot:
            await pilot.press("3")
            await at_rest(rig, pilot)
            await pilot.press("j", "enter")
            await at_rest(rig, pilot)
            assert f"Orders > {ident('ord', 4)}" in shown(rig.app)
            assert "C" + "A" * 55 in shown(rig.app)
            await pilot.press("escape")
            await at_rest(rig, pilot)
            assert rig.app.view.cursor_id == ident("ord", 4)

    run(test)


def test_a_statement_leads_to_the_order_behind_a_line() -> None:
    async def test() -> None:
        rig = Rig()
        async with rig.app.run_test(size=(80, 24)) as pilot:
            await pilot.press("2")
            await at_rest(rig, pilot)
            assert "1250.75 USD" in shown(rig.app)
            await pilot.press("enter")
            await at_rest(rig, pilot)
            assert "-40.00 USD      1250.75 USD" in shown(rig.app)
            await pilot.press("enter")
            await at_rest(rig, pilot)
            crumbs = f"Balances > {ident('usr', 1)} > {ident('ord', 4)}"
            assert crumbs in shown(rig.app)

    run(test)


def test_balances_are_read_for_the_rows_in_view_only() -> None:
    async def test() -> None:
        world = World(users=[user(number) for number in range(1, 91)])
        world.balances = {ident("usr", n): {} for n in range(1, 91)}
        for number in range(1, 91):
            world.balances[ident("usr", number)] = {
                **dict.fromkeys(("available", "reserved", "withdrawing"), "1.00"),
                **dict.fromkeys(
                    ("available_exact", "reserved_exact", "withdrawing_exact"), "1.0000000"
                ),
                "user_id": ident("usr", number),
                "currency": "USD",
                "as_of": "2026-01-10T12:00:00.000Z",
            }
        rig = Rig(world)
        async with rig.app.run_test(size=(80, 24)) as pilot:
            await pilot.press("2")
            await at_rest(rig, pilot)
            asked = [r for r in rig.api.requests if r.url.path.endswith("/balance")]
            assert len(asked) == len(rig.app.view.query_one(RecordList).visible_rows)
            assert 10 < len(asked) < 25

    run(test)


@pytest.mark.parametrize(
    ("typed", "crumbs"), [("ord", "Orders"), (ident("ord", 2), ident("ord", 2)), ("k", "Keys")]
)
def test_the_go_to_line_leads_anywhere(typed: str, crumbs: str) -> None:
    async def test() -> None:
        rig = Rig()
        async with rig.app.run_test(size=(80, 24)) as pilot:
            await at_rest(rig, pilot)
            await pilot.press("colon")
            await pilot.press(*["underscore" if c == "_" else c for c in typed], "enter")
            await until(pilot, lambda: len(rig.app.screen_stack) == 1)
            await at_rest(rig, pilot)
            assert shown(rig.app).splitlines()[1].startswith(f" {crumbs}")

    run(test)


def test_the_palette_finds_a_screen() -> None:
    async def test() -> None:
        rig = Rig()
        async with rig.app.run_test(size=(80, 24)) as pilot:
            await at_rest(rig, pilot)
            await pilot.press("ctrl+p")
            await pilot.press(*"Keys")
            await pilot.pause(0.4)
            await pilot.press("enter")
            await until(pilot, lambda: rig.app.history.here.screen == "keys")

    run(test)


def test_a_filter_keeps_what_matches_and_escape_ends_it() -> None:
    async def test() -> None:
        rig = Rig()
        async with rig.app.run_test(size=(80, 24)) as pilot:
            await pilot.press("3")
            await at_rest(rig, pilot)
            await pilot.press("slash", *"amount", "colon", *">25", "enter")
            assert "3 of 5 orders · filter amount:>25" in shown(rig.app)
            assert len(rig.app.view.query_one(RecordList).rows) == 3
            await pilot.press("slash", *"9999", "enter")
            assert "None of the 5 loaded orders match the filter" in shown(rig.app)
            await pilot.press("escape")
            assert len(rig.app.view.query_one(RecordList).rows) == 5
            assert rig.app.history.here.screen == "orders"

    run(test)


def test_a_filter_is_still_there_on_the_way_back() -> None:
    async def test() -> None:
        rig = Rig()
        async with rig.app.run_test(size=(80, 24)) as pilot:
            await pilot.press("3")
            await at_rest(rig, pilot)
            await pilot.press("slash", *"disputed", "enter", "enter")
            await at_rest(rig, pilot)
            assert rig.app.history.here.subject == ident("ord", 2)
            await pilot.press("escape")
            await at_rest(rig, pilot)
            assert "1 of 5 orders · filter disputed" in shown(rig.app)

    run(test)


def test_more_rows_are_read_as_the_cursor_nears_the_end() -> None:
    async def test() -> None:
        world = World(orders=[order(number, "IN_PROGRESS") for number in range(250, 0, -1)])
        rig = Rig(world)
        async with rig.app.run_test(size=(80, 24)) as pilot:
            await pilot.press("3")
            await at_rest(rig, pilot)
            found = rig.app.view.query_one(RecordList)
            assert len(found.rows) == 100
            for expected in (200, 250, 250):
                await pilot.press("end")
                await at_rest(rig, pilot)
                assert len(found.rows) == expected
            assert "250 orders" in shown(rig.app)

    run(test)


def test_the_history_can_be_walked() -> None:
    async def test() -> None:
        rig = Rig()
        async with rig.app.run_test(size=(80, 24)) as pilot:
            await pilot.press("3", "9", "left_square_bracket", "left_square_bracket")
            assert rig.app.history.here.screen == "overview"
            await pilot.press("right_square_bracket")
            assert rig.app.history.here.screen == "orders"
            await pilot.press("minus")
            assert rig.app.history.here.screen == "overview"

    run(test)


def test_ids_and_rows_are_copied() -> None:
    async def test() -> None:
        rig = Rig()
        async with rig.app.run_test(size=(80, 24)) as pilot:
            await pilot.press("3")
            await at_rest(rig, pilot)
            await pilot.press("y")
            assert rig.app.clipboard == ident("ord", 5)
            await pilot.press("Y")
            assert '"client_order_ref": "ref-5"' in rig.app.clipboard

    run(test)


def test_help_says_what_is_disabled_and_why() -> None:
    async def test() -> None:
        rig = Rig()
        async with rig.app.run_test(size=(80, 40)) as pilot:
            await pilot.press("9")
            await at_rest(rig, pilot)
            await pilot.press("question_mark")
            await pilot.press(*"read-only")
            await until(pilot, lambda: "Disabled now" in shown(rig.app))
            assert "Create a key: the session is read-only (! unlocks" in shown(rig.app)

    run(test)


def test_a_screenshot_is_saved(tmp_path: Path) -> None:
    async def test() -> None:
        rig = Rig(screenshots=tmp_path)
        async with rig.app.run_test(size=(80, 24)) as pilot:
            await at_rest(rig, pilot)
            await pilot.press("ctrl+s")
            (saved,) = tmp_path.glob("*.svg")
            assert "OfferHub" in saved.read_text()

    run(test)


def test_markup_in_data_is_shown_as_it_is() -> None:
    async def test() -> None:
        rig = Rig(World(orders=[order(1, "IN_PROGRESS", title="[red]x[/] [@click=quit]y")]))
        async with rig.app.run_test(size=(120, 24)) as pilot:
            await pilot.press("3")
            await at_rest(rig, pilot)
            assert "[red]x[/] [@click=quit]y" in shown(rig.app)
            await pilot.press("enter")
            await at_rest(rig, pilot)
            assert "[red]x[/] [@click=quit]y" in shown(rig.app)

    run(test)


def test_a_second_that_passes_while_the_program_ends_draws_nothing() -> None:
    async def test() -> None:
        rig = Rig()
        async with rig.app.run_test(size=(80, 24)) as pilot:
            await pilot.press("3")
            await at_rest(rig, pilot)
        assert not rig.app.view.query(RecordList)
        rig.app._every_second()

    run(test)

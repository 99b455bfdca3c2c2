"""Live updates, lost links, and starting without an appliance."""

import asyncio
import threading
import time

from offerhub_tui.link import Freshness
from offerhub_tui.widgets.record_list import RecordList

from tests.tui.console import Rig, at_rest, shown, until
from tests.tui.world import World, ident, order


def run(test) -> None:
    asyncio.run(test())


def test_an_event_brings_the_new_state_of_an_order() -> None:
    async def test() -> None:
        rig = Rig()
        async with rig.app.run_test(size=(80, 24)) as pilot:
            await pilot.press("3")
            await at_rest(rig, pilot)
            rig.api.world.orders[0]["status"] = "FUNDS_RESERVED"
            rig.api.emit("order.funds_reserved", ident("ord", 5))
            await until(pilot, lambda: "FUNDS_RESERVED" in shown(rig.app))

    run(test)


def test_the_cursor_stays_on_its_order_when_newer_ones_arrive() -> None:
    async def test() -> None:
        rig = Rig()
        async with rig.app.run_test(size=(80, 24)) as pilot:
            await pilot.press("3")
            await at_rest(rig, pilot)
            await pilot.press("j", "j")
            before = rig.app.view.cursor_id
            rig.api.world.orders.insert(0, order(6, "ORDER_CREATED", age_s=0))
            rig.api.emit("order.created", ident("ord", 6))
            await until(pilot, lambda: ident("ord", 6) in shown(rig.app))
            assert rig.app.view.cursor_id == before
            line = next(line for line in shown(rig.app).splitlines() if line.startswith("> "))
            assert before in line

    run(test)


def test_the_event_list_is_followed_from_the_top_and_held_below_it() -> None:
    async def test() -> None:
        rig = Rig()
        async with rig.app.run_test(size=(80, 24)) as pilot:
            await pilot.press("8")
            await at_rest(rig, pilot)
            for number in range(60):
                rig.api.emit("order.created", ident("ord", number))
            await until(pilot, lambda: len(rig.app.recent) == 60)
            assert rig.app.view.cursor_id == ident("evt", 60)
            assert ident("ord", 59) in shown(rig.app)
            await pilot.press("j")
            rig.api.emit("order.created", ident("ord", 99))
            await until(pilot, lambda: len(rig.app.recent) == 61)
            assert rig.app.view.cursor_id == ident("evt", 59)

    run(test)


def test_the_timeline_of_an_open_order_grows() -> None:
    async def test() -> None:
        rig = Rig()
        async with rig.app.run_test(size=(80, 24)) as pilot:
            await rig.app.action_go("order", ident("ord", 4))
            await at_rest(rig, pilot)
            asked = len(rig.api.asked(f"/orders/{ident('ord', 4)}"))
            rig.api.emit("order.released", ident("ord", 5))
            await until(pilot, lambda: bool(rig.app.recent))
            await at_rest(rig, pilot)
            assert len(rig.api.asked(f"/orders/{ident('ord', 4)}")) == asked
            rig.api.world.orders[1]["status"] = "RELEASE_REQUESTED"
            rig.api.emit("order.release_requested", ident("ord", 4))
            await until(pilot, lambda: "► RELEASE_REQUESTED" in shown(rig.app))

    run(test)


def test_a_flood_of_events_is_one_reread_and_few_repaints() -> None:
    async def test() -> None:
        rig = Rig()
        rig.app.live.reread_s = 2.0
        async with rig.app.run_test(size=(80, 24)) as pilot:
            await pilot.press("3")
            await at_rest(rig, pilot)
            asked = len(rig.api.asked("/orders"))
            for _ in range(2000):
                rig.api.emit("order.created", ident("ord", 6))
            await until(pilot, lambda: rig.app.live.link.connected and len(rig.app.recent) == 2000)
            assert rig.app.recent[0].sequence == 2000
            assert len(rig.api.asked("/orders")) - asked <= 2

    run(test)


def test_pausing_holds_events_and_counts_them() -> None:
    async def test() -> None:
        rig = Rig()
        async with rig.app.run_test(size=(80, 24)) as pilot:
            await pilot.press("8")
            await at_rest(rig, pilot)
            await pilot.press("p")
            for _ in range(3):
                rig.api.emit("order.created", ident("ord", 6))
            await until(pilot, lambda: "PAUSED, 3 waiting" in shown(rig.app))
            assert "No events yet" in shown(rig.app)
            await pilot.press("p")
            assert len(rig.app.view.query_one(RecordList).rows) == 3
            assert "PAUSED" not in shown(rig.app)

    run(test)


def test_events_from_before_the_console_are_filled_in_once() -> None:
    async def test() -> None:
        rig = Rig()
        for number in range(60):
            rig.api.emit("order.created", ident("ord", number))
        async with rig.app.run_test(size=(80, 24)) as pilot:
            await pilot.press("8")
            await at_rest(rig, pilot)
            await until(pilot, lambda: len(rig.app.recent) == 50)
            rig.api.emit("order.closed", ident("ord", 1))
            await until(pilot, lambda: len(rig.app.recent) == 51)
            assert [e.sequence for e in rig.app.recent] == list(range(61, 10, -1))

    run(test)


def test_an_old_event_of_a_timeline_is_read_by_its_number() -> None:
    async def test() -> None:
        rig = Rig()
        for number in range(1, 70):
            rig.api.emit("order.created", ident("ord", number))
        async with rig.app.run_test(size=(80, 24)) as pilot:
            await rig.app.action_go("order", ident("ord", 4))
            await at_rest(rig, pilot)
            await pilot.press("end", "enter")
            await at_rest(rig, pilot)
            assert '"status": "CREATED"' in shown(rig.app)
            assert f"> {ident('evt', 1)}" in shown(rig.app)

    run(test)


def test_a_cut_says_offline_keeps_the_data_and_comes_back_by_itself() -> None:
    async def test() -> None:
        rig = Rig()
        async with rig.app.run_test(size=(80, 24)) as pilot:
            await pilot.press("3")
            await at_rest(rig, pilot)
            rig.api.cut()
            await until(pilot, lambda: rig.app.freshness is Freshness.OFFLINE)
            text = shown(rig.app)
            assert "OFFLINE since 12:04 · retry in" in text
            assert ident("ord", 5) in text
            rig.api.world.orders[0]["status"] = "CLOSED"
            rig.api.emit("order.closed", ident("ord", 5))
            rig.api.down = False
            await pilot.press("r")
            await until(pilot, lambda: rig.app.freshness is Freshness.LIVE)
            await at_rest(rig, pilot)
            assert "· CLOSED" in shown(rig.app)
            assert [e.event_type for e in rig.app.recent] == ["order.closed"]

    run(test)


def test_silence_becomes_stale_and_a_heartbeat_ends_it() -> None:
    async def test() -> None:
        rig = Rig()
        async with rig.app.run_test(size=(80, 24)) as pilot:
            await at_rest(rig, pilot)
            rig.clock.pass_s(44)
            await until(pilot, lambda: "STALE 44s · no heartbeat" in shown(rig.app))
            rig.api.beat()
            await until(pilot, lambda: "■ LIVE" in shown(rig.app))

    run(test)


def test_a_blocked_stream_is_said_and_the_screen_is_polled() -> None:
    async def test() -> None:
        rig = Rig()
        rig.api.stream_blocked = True
        async with rig.app.run_test(size=(80, 24)) as pilot:
            await pilot.press("3")
            await at_rest(rig, pilot)
            await until(pilot, lambda: "no event stream, polling every 5s" in shown(rig.app))
            asked = len(rig.api.asked("/orders"))
            await until(pilot, lambda: len(rig.api.asked("/orders")) > asked)

    run(test)


def test_it_starts_without_an_appliance_and_keeps_trying() -> None:
    async def test() -> None:
        rig = Rig()
        rig.api.down = True
        async with rig.app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: "OFFLINE since" in shown(rig.app))
            assert "NOT CONNECTED YET" in shown(rig.app)
            await pilot.press("3")
            await until(pilot, lambda: "Cannot read orders" in shown(rig.app))
            assert rig.app.is_running
            rig.api.down = False
            await pilot.press("r")
            await until(pilot, lambda: "OfferHub DEMO" in shown(rig.app))
            await until(pilot, lambda: ident("ord", 5) in shown(rig.app))

    run(test)


def test_a_refused_key_is_said_in_words_and_does_not_end_it() -> None:
    async def test() -> None:
        rig = Rig()
        for path in ("/events", "/orders", "/me"):
            rig.api.refuse[path] = (401, "INVALID_API_KEY")
        async with rig.app.run_test(size=(120, 24)) as pilot:
            await pilot.press("3")
            await until(pilot, lambda: "INVALID_API_KEY" in shown(rig.app))
            assert "req_refused" in shown(rig.app)
            rig.api.refuse.clear()
            await pilot.press("r")
            await until(pilot, lambda: ident("ord", 5) in shown(rig.app))

    run(test)


def test_a_list_has_a_loading_and_an_empty_face() -> None:
    async def test() -> None:
        rig = Rig(World())
        rig.api.hold["/orders"] = gate = threading.Event()
        async with rig.app.run_test(size=(80, 24)) as pilot:
            await pilot.press("3")
            await until(pilot, lambda: "► Loading orders…" in shown(rig.app))
            gate.set()
            await until(pilot, lambda: "○ No orders yet." in shown(rig.app))

    run(test)


def test_leaving_does_not_wait_for_a_server_that_hangs() -> None:
    async def test() -> float:
        rig = Rig()
        rig.api.hold["/orders"] = gate = threading.Event()
        async with rig.app.run_test(size=(80, 24)) as pilot:
            await pilot.press("3")
            left_s = time.monotonic()
            await pilot.press("q")
        gate.set()
        return time.monotonic() - left_s

    assert asyncio.run(test()) < 5


def test_a_long_list_opens_and_moves_quickly() -> None:
    async def test() -> None:
        from offerhub_tui.widgets.rows import Cell, Row

        rig = Rig(World())
        rows = [Row(str(n), {"order": Cell(str(n)), "title": Cell("x")}) for n in range(100_000)]
        async with rig.app.run_test(size=(80, 24)) as pilot:
            await pilot.press("3")
            await at_rest(rig, pilot)
            found = rig.app.view.query_one(RecordList)
            started_s = time.process_time()
            found.set_rows(rows)
            await pilot.press("end")
            assert found.cursor_row is rows[-1]
            await pilot.pause()
            assert time.process_time() - started_s < 2

    run(test)

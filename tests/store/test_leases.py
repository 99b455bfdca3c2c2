"""Leases: one holder at a time, a rising token, and no work under an old one."""

import threading

import pytest

from offerhub.store import leases
from offerhub.store.database import atomic, connection
from tests.store.threads import all_at_once

TTL_MS = 5_000


def _take(holder: str, now: int) -> int | None:
    with atomic():
        return leases.take("relay", holder=holder, now=now, ttl_ms=TTL_MS)


def _holds(holder: str, token: int) -> bool:
    with atomic():
        return leases.still_held("relay", holder=holder, token=token)


def test_of_eight_that_ask_at_once_one_gets_the_lease(database: str) -> None:
    tokens = all_at_once(lambda n: _take(f"p{n}", 100))
    assert sorted(token for token in tokens if token is not None) == [1]


def test_the_holder_renews_under_its_token_and_others_wait(database: str) -> None:
    assert _take("a", 0) == 1
    assert _take("b", TTL_MS - 1) is None
    assert _take("a", TTL_MS - 1) == 1
    assert _take("b", TTL_MS + 100) is None
    assert _take("b", 2 * TTL_MS - 1) == 2


def test_a_lease_says_since_when_its_holder_has_it(database: str) -> None:
    def since() -> int | None:
        with connection():
            return leases.Lease.get().taken_at

    _take("a", 100)
    _take("a", TTL_MS)
    assert since() == 100
    _take("b", 3 * TTL_MS)
    assert since() == 3 * TTL_MS


def test_whoever_asks_in_vain_stands_by_until_it_gets_the_lease_or_asks_no_more(
    database: str,
) -> None:
    def standbys(now: int) -> int:
        with connection():
            return leases.standbys(["relay"], now=now)["relay"]

    _take("a", 0)
    assert standbys(0) == 0
    for holder in ("b", "c", "b"):
        assert _take(holder, 1) is None
    assert standbys(1) == 2
    _take("b", TTL_MS)
    assert standbys(TTL_MS) == 1
    assert standbys(1 + leases.STANDBY_TTL_MS) == 0
    _take("d", 2 * TTL_MS - 1)
    with connection():
        assert {row.holder for row in leases.Standby.select()} == {"c", "d"}
    later = TTL_MS + leases.STANDBY_TTL_MS
    assert _take("b", later) is not None
    assert _take("e", later) is None
    with connection():
        assert {row.holder for row in leases.Standby.select()} == {"d", "e"}
    with atomic():
        leases.give_up("relay", holder="e")
    assert standbys(later) == 1


def test_an_old_token_is_worth_nothing_once_somebody_took_over(database: str) -> None:
    assert _take("a", 0) == 1
    assert _holds("a", 1)
    assert _take("b", TTL_MS) == 2
    assert not _holds("a", 1)
    assert not _holds("a", 2)
    assert _holds("b", 2)


def test_one_that_comes_back_after_its_time_gets_a_new_token(database: str) -> None:
    assert _take("a", 0) == 1
    assert _take("a", TTL_MS) == 2
    assert not _holds("a", 1)


def test_giving_up_lets_the_next_in_at_once_and_only_the_holder_can(database: str) -> None:
    assert _take("a", 0) == 1
    with atomic():
        leases.give_up("relay", holder="b")
    assert _take("b", 1) is None
    with atomic():
        leases.give_up("relay", holder="a")
    assert _take("b", 1) == 2


def test_leases_of_different_names_do_not_touch_each_other(database: str) -> None:
    assert _take("a", 0) == 1
    with atomic():
        assert leases.take("deposits", holder="b", now=0, ttl_ms=TTL_MS) == 1
        assert not leases.still_held("scheduler", holder="a", token=1)


def test_nobody_takes_over_while_fenced_work_is_not_committed(postgres: str) -> None:
    """The row is locked: a takeover waits for the commit, so the work under it is in order."""
    assert _take("a", 0) == 1
    taken = threading.Event()

    def take_over() -> None:
        assert _take("b", TTL_MS) == 2
        taken.set()

    thread = threading.Thread(target=take_over)
    with atomic():
        assert leases.still_held("relay", holder="a", token=1)
        thread.start()
        assert not taken.wait(0.3)
    assert taken.wait(10)
    thread.join(10)


def test_flags_keep_json_and_the_newest_value(database: str) -> None:
    with connection():
        assert leases.flag("maintenance") is None
    for value in ({"on": True, "message": "Back at noon ☕"}, None, [1, "2"], "text", 0):
        with atomic():
            if value is None:
                continue
            leases.set_flag("maintenance", value, now=1)
            assert leases.flag("maintenance") == value


def test_a_cursor_moves_only_from_where_its_reader_saw_it(database: str) -> None:
    def move(seen: str, to: str) -> bool:
        with atomic():
            return leases.advance_cursor("c", seen=seen, to=to, now=1)

    assert move("0", "10")
    assert not move("0", "20")
    assert move("10", "20")
    with connection():
        assert leases.flag("c") == "20"
    assert sum(all_at_once(lambda n: move("20", f"3{n}"))) == 1


@pytest.mark.parametrize("holder", ["", "host:1:é", "x" * 300])
def test_any_name_can_hold_a_lease(database: str, holder: str) -> None:
    assert _take(holder, 0) == 1
    assert _holds(holder, 1)


@pytest.mark.proves("F16")
@pytest.mark.parametrize("jump_ms", [3_600_000, 86_400_000])
def test_a_clock_that_was_set_back_locks_nobody_out(database: str, jump_ms: int) -> None:
    assert _take("a", jump_ms) == 1
    assert _take("b", 0) == 2
    assert not _holds("a", 1)
    assert _take("a", 1) is None


@pytest.mark.proves("F16")
@pytest.mark.parametrize("jump_ms", [3_600_000, 86_400_000])
def test_a_clock_that_jumps_ahead_leaves_one_holder(database: str, jump_ms: int) -> None:
    assert _take("a", 0) == 1
    assert _take("b", jump_ms) == 2
    assert (_holds("a", 1), _holds("b", 2)) == (False, True)


@pytest.mark.proves("F16")
def test_on_a_server_leases_go_by_its_clock_and_not_by_the_callers(postgres: str) -> None:
    with connection():
        told = [leases.clock_ms(own) for own in (0, 2**40)]
    assert told[0] > 1_700_000_000_000
    assert 0 <= told[1] - told[0] < 10_000

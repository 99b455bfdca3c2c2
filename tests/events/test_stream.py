"""Reading the stream: pages that choose, and waiting that wakes."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from offerhub.events import stream
from offerhub.store.database import proxy
from tests.events.world import event, record, relay_all


def _fill() -> None:
    """Eight events: four of orders, two of balances, one top-up, one wallet."""
    record(
        event("ord_1", "order.created", "usr_b", "usr_s"),
        event("topup_1", "topup.succeeded", "usr_b"),
        event("usr_b", "balance.credited", "usr_b"),
        event("ord_1", "order.funds_reserved", "usr_b", "usr_s"),
        event("wal_1", "wallet.created", "usr_s"),
        event("ord_2", "order.created", "usr_x", "usr_b"),
        event("usr_s", "balance.credited", "usr_s"),
        event("ord_1", "order.canceled", "usr_b", "usr_s"),
    )
    assert relay_all() == 8


def _places(after: int = 0, *, limit: int = 100, **filters) -> list[int]:
    return [row.sequence for row in stream.page(after, limit=limit, **filters)]


def test_a_page_begins_after_a_place_and_ends_at_its_limit(database: str) -> None:
    _fill()
    assert _places() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert _places(3, limit=2) == [4, 5]
    assert _places(8) == []
    assert _places(10_000) == []


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"types": ["order.*"]}, [1, 4, 6, 8]),
        ({"types": ["order.created", "wallet.*"]}, [1, 5, 6]),
        ({"types": ["*"]}, [1, 2, 3, 4, 5, 6, 7, 8]),
        ({"types": []}, [1, 2, 3, 4, 5, 6, 7, 8]),
        ({"types": ["dispute.*"]}, []),
        ({"user_id": "usr_s"}, [1, 4, 5, 7, 8]),
        ({"user_id": "usr_x"}, [6]),
        ({"user_id": "usr_nobody"}, []),
        ({"resource_types": ["balance", "topup"]}, [2, 3, 7]),
        ({"types": ["order.*"], "user_id": "usr_x"}, [6]),
        ({"types": ["balance.*", "order.*"], "user_id": "usr_b", "resource_types": ["order"]},
         [1, 4, 6, 8]),
        ({"types": ["order.*"], "resource_types": ["balance"]}, []),
    ],
    ids=str,
)  # fmt: skip
def test_a_page_holds_what_all_of_its_filters_choose(database: str, filters, expected) -> None:
    _fill()
    assert _places(**filters) == expected
    assert _places(4, **filters) == [place for place in expected if place > 4]


@pytest.mark.proves("P6")
def test_filtered_pages_walk_the_whole_stream(database: str) -> None:
    _fill()
    seen, after = [], 0
    while page := _places(after, limit=1, user_id="usr_b"):
        seen += page
        after = page[-1]
    assert seen == [1, 2, 3, 4, 6, 8]


def test_what_has_no_place_yet_is_not_on_the_stream(database: str) -> None:
    _fill()
    record(event("ord_9"))
    assert _places(8) == []
    assert stream.head_sequence() == 8
    relay_all()
    assert _places(8) == [9]


@pytest.mark.parametrize("pattern", ["order", "orders.*", "wallet.updated", "order.cre*"])
def test_a_pattern_that_can_never_match_is_refused(database: str, pattern: str) -> None:
    with pytest.raises(ValueError, match="event"):
        stream.page(0, limit=1, types=["order.*", pattern])


def test_reading_gives_every_connection_back(database: str) -> None:
    _fill()
    stream.page(0, limit=10)
    stream.head_sequence()
    stream.oldest_sequence()
    assert proxy.is_closed()
    assert proxy.obj._in_use == {}


def test_who_waits_is_woken_by_what_comes(database: str) -> None:
    _fill()
    tail = stream.Tail()
    with ThreadPoolExecutor(6) as pool:
        waiting = [pool.submit(tail.wait_for_newer, 8, 20) for _ in range(6)]
        time.sleep(0.3)
        assert not any(one.done() for one in waiting)
        record(event("ord_9"))
        relay_all()
        began = time.monotonic()
        assert [one.result(10) for one in waiting] == [9] * 6
        assert time.monotonic() - began < 5


def test_who_is_behind_waits_for_nothing(database: str) -> None:
    _fill()
    began = time.monotonic()
    assert stream.Tail().wait_for_newer(3, 20) == 8
    assert time.monotonic() - began < 5


def test_waiting_ends_in_its_time_when_nothing_comes(database: str) -> None:
    _fill()
    tail = stream.Tail()
    began = time.monotonic()
    assert tail.wait_for_newer(8, 0.3) <= 8
    assert 0.2 < time.monotonic() - began < 5
    assert tail.wait_for_newer(0, 0.0) in (0, 8)


def test_many_readers_share_one_look_at_the_database(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    real = stream.store.head_sequence

    def counted() -> int:
        looks.append(1)
        return real()

    monkeypatch.setattr(stream.store, "head_sequence", counted)
    tail = stream.Tail()
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: tail.wait_for_newer(0, 0.7), range(20)))
    assert 1 <= len(looks) <= 2 + 0.9 / stream.POLL_S


def test_nobody_looks_when_nobody_waits_and_looking_begins_again(database: str) -> None:
    tail = stream.Tail()
    tail.wait_for_newer(0, 0.05)
    for _ in range(100):
        if "stream-tail" not in {thread.name for thread in threading.enumerate()}:
            break
        time.sleep(0.05)
    else:
        pytest.fail("the thread stays")
    record(event())
    relay_all()
    assert tail.wait_for_newer(0, 10) == 1


def test_readers_outlive_a_database_that_is_away(database: str, monkeypatch) -> None:
    _fill()
    away = threading.Event()
    real = stream.store.head_sequence

    def sometimes() -> int:
        if not away.is_set():
            raise OSError("away")
        return real()

    monkeypatch.setattr(stream.store, "head_sequence", sometimes)
    threading.Timer(0.4, away.set).start()
    assert stream.Tail().wait_for_newer(0, 10) == 8

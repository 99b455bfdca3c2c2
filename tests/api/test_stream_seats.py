"""Seats of event streams: of one owner, and in all; by Redis, and by each process without it."""

from collections.abc import Iterator

import pytest
import redis

from offerhub.api import stream_seats
from offerhub.api.redis_gate import RedisGate
from offerhub.api.stream_seats import Seat, StreamSeats


@pytest.fixture(params=["redis", "away"])
def gate(request: pytest.FixtureRequest) -> Iterator[RedisGate]:
    if request.param == "away":
        yield RedisGate(None)
        return
    with redis.Redis.from_url(request.getfixturevalue("redis_url")) as client:
        yield RedisGate(client)


def _seats(gate: RedisGate, *, most_in_all: int) -> StreamSeats:
    return StreamSeats(gate, marketplace_id="mkt_seats", most_in_all=most_in_all)


def test_an_owner_has_so_many_seats_and_no_more(gate: RedisGate) -> None:
    seats = _seats(gate, most_in_all=100)
    taken = [seats.take("key:a", f"seat-{n}", most=3) for n in range(5)]
    assert taken == [Seat.TAKEN] * 3 + [Seat.OWNER_HAS_ALL_OF_ITS_OWN] * 2
    assert seats.take("key:b", "seat-b", most=3) is Seat.TAKEN


def test_all_owners_together_have_so_many_seats_and_admins_come_on_top(gate: RedisGate) -> None:
    seats = _seats(gate, most_in_all=4)
    taken = [seats.take(f"token:{n}", f"seat-{n}", most=1) for n in range(6)]
    assert taken == [Seat.TAKEN] * 4 + [Seat.NONE_LEFT] * 2
    assert seats.take("admin:a", "seat-admin", most=10, counted=False) is Seat.TAKEN
    seats.give_up("admin:a", "seat-admin")
    assert seats.take("token:9", "seat-9", most=1) is Seat.NONE_LEFT, "it was none of the four"


def test_a_seat_that_is_given_up_is_free_and_a_refusal_takes_none(gate: RedisGate) -> None:
    seats = _seats(gate, most_in_all=1)
    assert seats.take("key:a", "first", most=10) is Seat.TAKEN
    for number in range(20):
        assert seats.take("key:a", f"more-{number}", most=10) is Seat.NONE_LEFT
    seats.give_up("key:a", "first")
    assert seats.take("key:a", "second", most=10) is Seat.TAKEN


def test_a_seat_is_renewed_also_when_all_are_taken(gate: RedisGate) -> None:
    seats = _seats(gate, most_in_all=1)
    assert seats.take("key:a", "mine", most=1) is Seat.TAKEN
    assert seats.take("key:a", "mine", most=1) is Seat.TAKEN
    assert seats.take("key:b", "theirs", most=1) is Seat.NONE_LEFT


def test_seats_that_nobody_renews_are_free_again(
    gate: RedisGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_seats, "SEAT_MS", 1)
    seats = _seats(gate, most_in_all=2)
    for number in range(3):
        taken = None
        while taken is not Seat.TAKEN:  # at the latest a moment later
            taken = seats.take(f"key:{number}", f"of-a-dead-process-{number}", most=1)


def test_processes_share_the_seats_as_long_as_redis_is_there(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        one, other = (_seats(RedisGate(client), most_in_all=2) for _ in range(2))
        assert one.take("key:a", "a", most=10) is Seat.TAKEN
        assert other.take("key:b", "b", most=10) is Seat.TAKEN
        assert one.take("key:c", "c", most=10) is Seat.NONE_LEFT
        other.give_up("key:b", "b")
        assert one.take("key:c", "c", most=10) is Seat.TAKEN

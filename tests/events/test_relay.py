"""The relay: every committed event gets one place, without a gap, under one fenced lease."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from peewee import OperationalError

from offerhub.events import relay, stream
from offerhub.store.database import atomic, connection, proxy
from offerhub.store.events import Event
from tests.events.world import event, lease, record, record_here, relay_all
from tests.events.world import stream as placed

WRITERS = 8
EACH = 12


def test_places_are_one_two_three_in_the_order_of_recording(database: str) -> None:
    record(event("a"), event("b"))
    record(event("c"))
    assert relay_all() == 3
    assert placed() == [(1, "a"), (2, "b"), (3, "c")]
    assert relay_all() == 0
    record(event("d"))
    assert relay_all() == 1
    assert placed()[-1] == (4, "d")
    assert (stream.oldest_sequence(), stream.head_sequence()) == (1, 4)


def test_an_empty_stream_begins_at_nothing(database: str) -> None:
    assert relay_all() == 0
    assert (stream.oldest_sequence(), stream.head_sequence()) == (0, 0)


def test_more_than_a_batch_is_placed_batch_by_batch(database: str, monkeypatch) -> None:
    monkeypatch.setattr(relay, "BATCH", 7)
    record(*(event(f"o{n}") for n in range(20)))
    token = lease()
    counts = [relay.sequence_events(holder="a", token=token) for _ in range(4)]
    assert counts == [7, 7, 6, 0]
    assert placed() == [(n + 1, f"o{n}") for n in range(20)]


def test_a_full_batch_is_placed_in_one_statement(database: str) -> None:
    record(*(event(f"o{n}") for n in range(relay.BATCH + 1)))
    token = lease()
    assert relay.sequence_events(holder="a", token=token) == relay.BATCH
    assert relay.sequence_events(holder="a", token=token) == 1
    assert [sequence for sequence, _ in placed()] == list(range(1, relay.BATCH + 2))


def test_eight_writers_and_a_relay_leave_no_gap_and_lose_nothing(database: str) -> None:
    done = threading.Event()
    token = lease()

    def write(number: int) -> None:
        for turn in range(EACH):
            with atomic():
                record_here(event(f"w{number}", n=turn))
                if turn % 3 == 0:
                    time.sleep(0.003)  # longer transactions commit after younger ones
                record_here(event(f"w{number}", n=turn))

    def relay_on() -> list[int]:
        heads = []
        while not done.is_set():
            relay.sequence_events(holder="a", token=token)
            heads.append(stream.head_sequence())
        return heads

    with ThreadPoolExecutor(WRITERS + 1) as pool:
        relaying = pool.submit(relay_on)
        for writing in [pool.submit(write, n) for n in range(WRITERS)]:
            writing.result(60)
        done.set()
        heads = relaying.result(20)
    relay_all()

    found = placed()
    assert [sequence for sequence, _ in found] == list(range(1, 2 * WRITERS * EACH + 1))
    assert heads == sorted(heads)
    with connection():
        for number in range(WRITERS):
            rows = Event.select().where(Event.aggregate_id == f"w{number}").order_by(Event.sequence)
            assert [row.payload["n"] for row in rows] == [n for n in range(EACH) for _ in "ab"]


def test_an_event_that_commits_late_comes_behind_and_is_not_skipped(postgres: str) -> None:
    """Its row is older than the one that was placed before it could be seen."""
    recorded, commit = threading.Event(), threading.Event()

    def slow() -> None:
        with atomic():
            record_here(event("slow"))
            recorded.set()
            commit.wait(10)

    thread = threading.Thread(target=slow)
    thread.start()
    assert recorded.wait(10)
    record(event("quick"))
    assert relay_all() == 1
    assert placed() == [(1, "quick")]
    commit.set()
    thread.join(10)
    assert relay_all() == 1
    assert placed() == [(1, "quick"), (2, "slow")]
    with connection():
        positions = {row.aggregate_id: row.position for row in Event.select()}
    assert positions["slow"] < positions["quick"]


@pytest.mark.proves("F11")
def test_only_the_holder_of_the_lease_places_anything(database: str) -> None:
    record(event("a"))
    old = lease("a", 0)
    assert relay.take_lease(holder="b", now_ms=relay.LEASE_TTL_MS - 1) is None
    new = lease("b", relay.LEASE_TTL_MS)
    assert new == old + 1
    for holder, token in (("a", old), ("a", new), ("b", old), ("nobody", 0)):
        with pytest.raises(relay.LeaseLost):
            relay.sequence_events(holder=holder, token=token)
    assert placed() == []
    assert relay.sequence_events(holder="b", token=new) == 1
    assert placed() == [(1, "a")]


@pytest.mark.proves("F11")
def test_a_relay_that_was_paused_past_its_lease_changes_nothing(database: str) -> None:
    record(event("a"), event("b"))
    paused = lease("a", 0)
    awake = lease("b", relay.LEASE_TTL_MS)
    assert relay.sequence_events(holder="b", token=awake) == 2
    record(event("c"))
    with pytest.raises(relay.LeaseLost):
        relay.sequence_events(holder="a", token=paused)
    assert relay.sequence_events(holder="b", token=awake) == 1
    assert [sequence for sequence, _ in placed()] == [1, 2, 3]


@pytest.mark.proves("F11")
def test_two_relays_that_both_believe_in_their_lease_place_nothing_twice(database: str) -> None:
    """One of them is wrong, and finds out in the transaction in which it would do harm."""
    for number in range(60):
        record(event(f"o{number}"))
    tokens = {"a": lease("a", 0)}
    tokens["b"] = lease("b", relay.LEASE_TTL_MS)
    lost = []

    def work(holder: str) -> None:
        for _ in range(30):
            try:
                relay.sequence_events(holder=holder, token=tokens[holder])
            except relay.LeaseLost:
                lost.append(holder)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, tokens))
    assert set(lost) <= {"a"}
    assert [sequence for sequence, _ in placed()] == list(range(1, 61))


def test_giving_up_lets_a_standby_in_at_once(database: str) -> None:
    lease("a", 0)
    relay.give_up(holder="a")
    assert relay.take_lease(holder="b", now_ms=1) == 2


def test_the_database_refuses_one_place_twice(database: str) -> None:
    record(event("a"), event("b"))
    relay_all()
    with pytest.raises(Exception, match=r"(?i)unique"), atomic():
        Event.update(sequence=1).where(Event.sequence == 2).execute()


def test_a_relay_survives_a_restart_of_the_database(postgres: str) -> None:
    """Every connection that it had is dead; within a few rounds it works on new ones."""
    record(event("a"))
    token = lease()
    assert relay.sequence_events(holder="a", token=token) == 1
    assert relay.seal_audit(holder="a", token=token) == (0, 0)
    assert proxy.is_closed()

    with psycopg.connect(postgres, autocommit=True) as operator:
        operator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    def one_round() -> bool:
        try:
            record(event("b"))
            relay.sequence_events(holder="a", token=token)
            relay.seal_audit(holder="a", token=token)
        except OperationalError:
            return False
        return True

    assert any(one_round() for _ in range(5))
    assert placed()[-1][1] == "b"

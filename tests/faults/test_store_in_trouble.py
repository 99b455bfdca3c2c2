"""The database has no room, no connection to spare, or somebody who does not finish.

Simulated: on SQLite the disk is full because the file may not grow (`max_page_count`), which SQLite
reports as it does a full disk; on Postgres the server itself refuses a write as it does without
room (SQLSTATE 53100, raised by a trigger), since a file system of a test's own needs privileges.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from offerhub.events import relay
from offerhub.services import treasury
from offerhub.store.backup import sqlite_path
from offerhub.store.database import atomic, connection, execute
from tests.api.caller import Caller, code, open_api
from tests.fixtures.proof import Figure
from tests.services.world import World

pytestmark = pytest.mark.proves("F20")


@pytest.fixture
def api(world: World) -> Caller:
    return open_api(world)


@pytest.fixture
def people(world: World) -> tuple[str, str]:
    return world.funded_user("ana", "500.00")["id"], world.user("ben")["id"]


def _on_sqlite(world: World) -> bool:
    return world.environ["DATABASE_URL"].startswith("sqlite")


def _order(api: Caller, people: tuple[str, str], key: str = "") -> Any:
    buyer, seller = people
    body = {
        "buyer_id": buyer, "seller_id": seller, "amount": "5.00",
        "title": "t" * 100, "description": "d" * 500,
    }  # fmt: skip
    return api.post("/orders", body, key=key)


def _is_told_to_come_back(answer: Any) -> bool:
    assert (answer.status_code, code(answer)) == (503, "PROVIDER_UNAVAILABLE"), answer.text
    assert int(answer.headers["Retry-After"]) >= 1
    return True


def _figures() -> dict[str, int]:
    """How many rows of each table of the books and of what goes with them."""
    tables = ("orders", "transfers", "entries", "events", "audit_records", "idempotent_answers")
    with connection():
        return {name: int(execute(f"SELECT COUNT(*) FROM {name}").fetchone()[0]) for name in tables}


def _sequence(world: World) -> int:
    token = relay.take_lease(holder="test", now_ms=world.app.now_ms())
    assert token is not None
    done = 0
    while made := relay.sequence_events(holder="test", token=token):
        done += made
    return done


@contextmanager
def _full_disk(world: World) -> Iterator[None]:
    if _on_sqlite(world):
        with connection():
            (pages,) = execute("PRAGMA page_count").fetchone()
        world.database.close_all()
        world.database.pragma("max_page_count", pages, permanent=True)
        try:
            yield
        finally:
            world.database.close_all()
            world.database.pragma("max_page_count", 2**31, permanent=True)
            world.database.close_all()
        return
    with psycopg.connect(world.environ["DATABASE_URL"], autocommit=True) as own:
        own.execute(
            "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION"
            " 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$"
        )
        own.execute("CREATE TRIGGER no_room BEFORE INSERT ON events EXECUTE FUNCTION no_room()")
        try:
            yield
        finally:
            own.execute("DROP TRIGGER no_room ON events")


def test_a_full_disk_is_told_leaves_nothing_half_done_and_passes(
    world: World, api: Caller, people: tuple[str, str], figure: Figure
) -> None:
    ready = [_order(api, people).json["data"]["id"] for _ in range(3)]
    refused: list[tuple[str, str, Any]] = []
    with _full_disk(world):
        for _ in range(400):
            before = _figures()
            key = str(uuid4())
            answer = _order(api, people, key)
            assert answer.status_code in {201, 503}, answer.text
            if answer.status_code == 503:
                assert _is_told_to_come_back(answer)
                assert _figures() == before, "something of it stayed"
                refused.append(("/orders", key, answer))
                if len(refused) == 5:
                    break
        assert len(refused) == 5, "the disk never was full"
        for order_id in ready:
            before = _figures()
            key = str(uuid4())
            answer = api.post(f"/orders/{order_id}/reserve", {}, key=key)
            if answer.status_code == 503:
                assert _is_told_to_come_back(answer)
                assert _figures() == before
                refused.append((f"/orders/{order_id}/reserve", key, answer))
        assert api.get(f"/orders/{ready[0]}").status_code == 200, "reading needs no room"
        assert treasury.check_books(world.ctx) == []
    for path, key, _ in refused:
        again = _order(api, people, key) if path == "/orders" else api.post(path, {}, key=key)
        assert again.status_code in {200, 201}, again.text
        assert "Idempotency-Replayed" not in again.headers
    assert _sequence(world) > 0
    world.drain()
    world.check()
    figure("refused_then_done", len(refused))


def test_without_a_connection_to_spare_clients_are_told_and_the_relay_goes_on(
    world: World, api: Caller, people: tuple[str, str], figure: Figure
) -> None:
    """The API's pool is its own: the relay is another process with a pool of its own."""
    pool = world.database
    patience, most = pool._wait_timeout, pool._max_connections
    pool._wait_timeout, pool._max_connections = 0.3, 3
    pool.close_all()
    release, held = threading.Event(), threading.Semaphore(0)

    def hold() -> None:
        with connection():
            held.release()
            release.wait(30)

    holders = [threading.Thread(target=hold) for _ in range(3)]
    try:
        for thread in holders:
            thread.start()
        for _ in holders:
            assert held.acquire(timeout=10)
        key = str(uuid4())
        began = time.monotonic()
        assert _is_told_to_come_back(_order(api, people, key))
        waited_s = time.monotonic() - began
    finally:
        release.set()
        for thread in holders:
            thread.join()
        pool._wait_timeout, pool._max_connections = patience, most
    assert 0.2 < waited_s < 10
    assert _order(api, people, key).status_code == 201
    assert _sequence(world) > 0
    assert treasury.check_books(world.ctx) == []
    figure("told_after_s", waited_s)


@contextmanager
def _long_reader(world: World) -> Iterator[None]:
    """Somebody looks at one moment of the database and does not finish."""
    other: Any
    if _on_sqlite(world):
        other = sqlite3.connect(sqlite_path(world.environ["DATABASE_URL"]), isolation_level=None)
        other.execute("BEGIN")
    else:
        other = psycopg.connect(world.environ["DATABASE_URL"])
        other.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    other.execute("SELECT COUNT(*) FROM events").fetchall()
    try:
        yield
    finally:
        other.close()


def test_a_reader_that_never_ends_holds_up_neither_writers_nor_the_relay(
    world: World, api: Caller, people: tuple[str, str], figure: Figure
) -> None:
    _sequence(world)
    with _long_reader(world):
        for _ in range(10):
            order_id = _order(api, people).json["data"]["id"]
            assert api.post(f"/orders/{order_id}/reserve", {}).status_code == 200
        figure("events_sequenced_meanwhile", sequenced := _sequence(world))
        assert sequenced >= 20
    assert treasury.check_books(world.ctx) == []


def test_a_writer_that_never_ends_starves_nobody_for_ever(
    world: World, api: Caller, people: tuple[str, str]
) -> None:
    """On Postgres it holds only its rows; on SQLite all writers, who are told to come back."""
    _sequence(world)
    if not _on_sqlite(world):
        with psycopg.connect(world.environ["DATABASE_URL"]) as other:
            other.execute("INSERT INTO flags (name, value, updated_at) VALUES ('long', '1', 1)")
            assert _order(api, people).status_code == 201
            assert _sequence(world) > 0
            other.rollback()
        return
    world.database.close_all()
    world.database.pragma("busy_timeout", 300, permanent=True)
    other_one = sqlite3.connect(sqlite_path(world.environ["DATABASE_URL"]), isolation_level=None)
    key = str(uuid4())
    try:
        other_one.execute("BEGIN IMMEDIATE")
        before = _figures()
        assert _is_told_to_come_back(_order(api, people, key))
        assert _figures() == before
        assert api.get("/orders").status_code == 200
    finally:
        other_one.close()
        world.database.pragma("busy_timeout", 30_000, permanent=True)
        world.database.close_all()
    assert _order(api, people, key).status_code == 201
    assert _sequence(world) > 0
    with atomic():
        assert treasury.check_books(world.ctx) == []

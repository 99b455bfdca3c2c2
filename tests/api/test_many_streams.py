"""Streams of the served API: hundreds at once, and one that is cut five hundred times."""

import os
import random
import sys
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import pytest

from bench.measuring import percentiles
from offerhub.events import stream
from offerhub.store.database import atomic, connection, execute
from offerhub.store.events import Event
from tests.api.caller import Caller, fields
from tests.api.followers import (
    Follower,
    Writers,
    commit,
    memory_mb,
    place,
    read_all,
    read_keys,
)
from tests.api.test_events import Reader
from tests.fixtures.processes import Launch, Process
from tests.fixtures.proof import Figure
from tests.services.world import World

SEATS_PER_KEY = 10


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """What production runs on."""
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def served(
    world: World, launch: Launch, free_port: Callable[[], int], tmp_path: Path
) -> tuple[int, Process]:
    port = free_port()
    environ = {
        **world.environ,
        "OFFERHUB_BIND": f"127.0.0.1:{port}",
        "OFFERHUB_WEB_WORKERS": "2",
        "OFFERHUB_HOME": "",
        "PYTHONPATH": os.getcwd(),
    }
    process = launch(
        sys.executable, "-m", "offerhub.cli", "serve",
        env=environ, cwd=tmp_path, ready_url=f"http://127.0.0.1:{port}/api/v1/health/live",
    )  # fmt: skip
    return port, process


def _committed(after: int) -> list[tuple[int, str]]:
    with connection():
        rows = Event.select().where(Event.sequence > after).order_by(Event.sequence)
        return [(row.sequence, row.id) for row in rows]


@pytest.mark.proves("F9")
@pytest.mark.timeout(400)
@pytest.mark.parametrize("cuts", [20, pytest.param(500, marks=pytest.mark.full)])
def test_a_client_that_is_cut_again_and_again_misses_nothing_while_eight_write(
    world: World, served: tuple[int, Process], cuts: int, figure: Figure, proof_seed: int
) -> None:
    port, _ = served
    chance = random.Random(proof_seed)
    keys = cycle(read_keys(world, 60))
    place(world)
    first = stream.head_sequence()
    client = Follower(port, next(keys), last=first)
    with Writers(world, threads=8, pause_s=0.05):
        for _ in range(cuts):
            client.key = next(keys)
            client.open().read_for(chance.uniform(0.005, 0.08))
            client.cut()
    wanted = _committed(first)
    client.key = next(keys)
    assert read_all([client.open()], until=len(wanted), limit_s=60) == []
    client.cut()
    figure("cuts", cuts)
    figure("events", len(wanted))
    assert len(wanted) >= 8
    assert client.received == wanted
    assert [sequence for sequence, _ in wanted] == list(range(first + 1, first + 1 + len(wanted)))
    assert client.resets == 0


@pytest.mark.full
@pytest.mark.timeout(300)
def test_hundreds_of_streams_all_receive_everything_and_share_few_connections(
    world: World, served: tuple[int, Process], figure: Figure
) -> None:
    port, process = served
    streams, events = 300, 20
    keys = read_keys(world, streams // SEATS_PER_KEY)
    place(world)
    first = stream.head_sequence()
    before_mb = memory_mb(process.pid)
    followers = [Follower(port, keys[n % len(keys)], last=first).open() for n in range(streams)]
    for follower in followers:
        assert follower.read(), "refused"
    sent_s = []
    for number in range(events):
        with atomic():
            commit(world, f"ord_{number}")
        place(world)
        sent_s.append(time.monotonic())
        assert read_all(followers, until=number + 1, limit_s=30) == [], f"event {number}"
    with connection():
        sessions = execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        ).fetchone()[0]
    grown_mb = memory_mb(process.pid) - before_mb
    late_ms = percentiles(
        [
            (at - sent) * 1000
            for f in followers
            for at, sent in zip(f.arrived_s, sent_s, strict=True)
        ]
    )
    wanted = _committed(first)
    for follower in followers:
        follower.cut()
    print(f"{streams} streams: {late_ms} ms, {grown_mb:.0f} MB more, {sessions} sessions")
    figure("streams", streams)
    assert all(follower.received == wanted for follower in followers)
    assert sessions < 60  # two pools of twenty, and the test: not one for each stream
    assert grown_mb < 300


@pytest.mark.proves("F10")
def test_an_old_position_is_read_in_full_a_pruned_one_reset_and_nonsense_refused(
    api: Caller, world: World, figure: Figure
) -> None:
    for number in range(120):
        with atomic():
            commit(world, f"ord_{number}")
    place(world)
    head = stream.head_sequence()
    reader = Reader(api, Last_Event_ID="0")
    assert reader.events(head) == list(range(1, head + 1))
    reader.close()
    figure("replayed", head)
    with atomic():
        Event.delete().where(Event.sequence <= head - 5).execute()
    reader = Reader(api, Last_Event_ID="3")
    reader.next()
    reset = reader.next()
    assert (reset["event"], reset["data"]["reason"]) == ("reset", "too_old")
    assert reset["data"]["oldest_sequence"] == head - 4
    assert reader.events(5) == list(range(head - 4, head + 1))
    reader.close()
    for said in ("abc", "-1", "1e3", "9" * 30, "evt_1"):
        refused = api.get("/events", Accept="text/event-stream", Last_Event_ID=said)
        assert (refused.status_code, set(fields(refused))) == (400, {"Last-Event-ID"})

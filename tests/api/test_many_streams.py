"""Streams of the served API: hundreds at once, and one that is cut five hundred times."""

import os
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path

import pytest

from bench.measuring import percentiles
from bench.processes import tree_cpu_s
from offerhub.events import stream
from offerhub.services import api_keys
from offerhub.store.database import atomic, connection, execute
from offerhub.store.events import Event
from tests.api.caller import Caller, fields
from tests.api.followers import (
    Follower,
    Requests,
    Writers,
    ask_ms,
    commit,
    http_get,
    lets_in,
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
USUAL_OPEN_FILES = 1024


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """What production runs on."""
    return str(request.getfixturevalue("postgres_url"))


Serve = Callable[[int], tuple[int, Process]]


@pytest.fixture
def serve(
    world: World, launch: Launch, free_port: Callable[[], int], tmp_path: Path
) -> Iterator[Serve]:
    """Start the API as a deployment does, under a usual limit of open files, with so many streams.

    Its port and its process. The test's own limit is raised: it holds the other ends.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    def start(streams: int) -> tuple[int, Process]:
        port = free_port()
        environ = {
            **world.environ,
            "OFFERHUB_BIND": f"127.0.0.1:{port}",
            "OFFERHUB_WEB_WORKERS": "2",
            "OFFERHUB_EVENT_STREAMS": str(streams),
            "OFFERHUB_HOME": "",
            "PYTHONPATH": os.getcwd(),
        }
        process = launch(
            "sh", "-c", f'ulimit -Sn {USUAL_OPEN_FILES} && exec "$0" -m offerhub.cli serve',
            sys.executable, env=environ, cwd=tmp_path,
            ready_url=f"http://127.0.0.1:{port}/api/v1/health/live", timeout_s=60,
        )  # fmt: skip
        return port, process

    yield start
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def served(serve: Serve) -> tuple[int, Process]:
    return serve(100)


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
@pytest.mark.timeout(900)
def test_a_thousand_streams_all_receive_everything_in_order_beside_requests(
    world: World, serve: Serve, figure: Figure
) -> None:
    streams, events = 1_000, 20
    port, process = serve(streams)
    keys = read_keys(world, streams // SEATS_PER_KEY + 1)
    admin = str(api_keys.create_key(world.ctx, name="operator", scopes_wanted=["admin"])["key"])
    place(world)
    first = stream.head_sequence()
    alone_ms = percentiles([ask_ms(port, admin) for _ in range(20)])
    before_mb = memory_mb(process.pid)
    followers = []
    for number in range(streams):
        follower = Follower(port, keys[number // SEATS_PER_KEY], last=first).open()
        assert follower.read(), "refused"
        followers.append(follower)

    began_s = time.monotonic()
    refused = http_get(port, "/api/v1/events", keys[-1], accept="text/event-stream")
    refused_ms = (time.monotonic() - began_s) * 1000
    assert refused.status == 429
    assert int(refused.headers["Retry-After"]) >= 1
    assert f"All {streams} event streams" in refused.body["error"]["message"]
    operator = Follower(port, admin, last=first).open()
    assert operator.read(), "an operator is let in although all are taken"
    operator.cut()

    idle_s = streams / 200
    spent_s = tree_cpu_s(process.pid)
    time.sleep(idle_s)
    idle_cpus = (tree_cpu_s(process.pid) - spent_s) / idle_s  # heartbeats, while nothing happens

    sent_s = []
    with Requests(port, admin) as requests:
        for number in range(events):
            with atomic():
                commit(world, f"ord_{number}")
            place(world)
            sent_s.append(time.monotonic())
            assert read_all(followers, until=number + 1, limit_s=60) == [], f"event {number}"
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
    assert all(follower.received == wanted for follower in followers)
    assert [sequence for sequence, _ in wanted] == list(range(first + 1, first + events + 1))

    followers[0].cut()
    late = Follower(port, keys[-1], last=first)
    assert lets_in(late, limit_s=30), "a seat that was given up is free again"
    for follower in (*followers[1:], late):
        follower.cut()
    requests_ms = percentiles(requests.took_ms)
    print(
        f"{streams} streams: events {late_ms} ms, {grown_mb:.0f} MB more, {sessions} sessions;"
        f" requests {requests_ms} ms ({len(requests.took_ms)}), alone {alone_ms} ms;"
        f" refused in {refused_ms:.0f} ms; {idle_cpus:.2f} processors while nothing happens"
    )
    figure("streams", streams)
    figure("event_p50_ms", late_ms["p50"])
    figure("event_p99_ms", late_ms["p99"])
    figure("request_p99_ms", requests_ms["p99"])
    figure("streams_memory_mb", grown_mb)
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

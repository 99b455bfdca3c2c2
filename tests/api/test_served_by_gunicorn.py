"""The real server: gunicorn with gevent, streams beside requests, a client that stops reading."""

import http.client
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from offerhub.events import relay
from offerhub.services import api_keys
from tests.fixtures.processes import Launch, Process
from tests.services.world import World

pytestmark = pytest.mark.timeout(60)


class Served:
    """A running API: where it listens, and an admin key."""

    def __init__(self, world: World, process: Process, port: int) -> None:
        self.world, self.process, self.port = world, process, port
        made = api_keys.create_key(world.ctx, name="admin", scopes_wanted=["admin"])
        self.key, self.key_id = made["key"], made["id"]

    def ask(self, path: str, *, key: str | None = None) -> tuple[int, dict[str, object]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        headers = {"Authorization": f"Bearer {key or self.key}"}
        connection.request("GET", f"/api/v1{path}", headers=headers)
        answer = connection.getresponse()
        body = json.loads(answer.read())
        connection.close()
        return answer.status, body

    def stream(self, key: str | None = None, *, after: int = 0) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=15)
        connection.sendall(
            f"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
            f"Authorization: Bearer {key or self.key}\r\nLast-Event-ID: {after}\r\n\r\n".encode()
        )
        return connection


@pytest.fixture
def database_url(postgres_url: str) -> str:
    """What production runs on; the other tests of the API run on both."""
    return postgres_url


@pytest.fixture
def served(world: World, launch: Launch, free_port: Callable[[], int], tmp_path: Path) -> Served:
    port = free_port()
    environ = {
        **world.environ,
        "OFFERHUB_BIND": f"127.0.0.1:{port}",
        "OFFERHUB_WEB_WORKERS": "1",
        "OFFERHUB_HOME": "",
        "PYTHONPATH": os.getcwd(),
    }
    process = launch(
        sys.executable, "-m", "offerhub.cli", "serve",
        env=environ, cwd=tmp_path, ready_url=f"http://127.0.0.1:{port}/api/v1/health/live",
    )  # fmt: skip
    return Served(world, process, port)


def _sequence(world: World) -> None:
    token = relay.take_lease(holder="test", now_ms=world.app.now_ms())
    assert token is not None
    while relay.sequence_events(holder="test", token=token):
        pass


def _read_until(connection: socket.socket, mark: bytes, *, limit_s: float = 12) -> bytes:
    text, deadline = b"", time.monotonic() + limit_s
    while mark not in text:
        assert time.monotonic() < deadline, text[-500:]
        chunk = connection.recv(65536)
        assert chunk, text[-500:]
        text += chunk
    return text


def test_streams_and_requests_are_served_side_by_side(served: Served) -> None:
    streams = [served.stream(after=0) for _ in range(5)]
    for stream in streams:
        _read_until(stream, b"event: heartbeat")
    assert served.ask("/me")[0] == 200
    api_keys.create_key(served.world.ctx, name="new", scopes_wanted=["read"])
    _sequence(served.world)
    for stream in streams:
        text = _read_until(stream, b'"key.created"')
        assert b"id: 1\nevent: key.created\ndata: " in text
        stream.close()


def test_a_revoked_key_ends_its_stream_on_the_wire(served: Served) -> None:
    made = api_keys.create_key(served.world.ctx, name="soon gone", scopes_wanted=["read"])
    stream = served.stream(made["key"])
    _read_until(stream, b"event: heartbeat")
    api_keys.revoke_key(served.world.ctx, key_id=made["id"])
    deadline = time.monotonic() + 12
    while stream.recv(65536):
        assert time.monotonic() < deadline
    assert served.ask("/me", key=made["key"])[0] == 401


def test_many_requests_at_once_are_all_answered(served: Served) -> None:
    statuses: list[int] = []

    def ask() -> None:
        for _ in range(5):
            statuses.append(served.ask("/users")[0])

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert statuses == [200] * 40


def test_it_stops_soon_although_streams_are_open(served: Served) -> None:
    stream = served.stream()
    _read_until(stream, b"event: heartbeat")
    assert served.process.returncode is None
    os.kill(served.process.pid, signal.SIGTERM)
    deadline = time.monotonic() + 10
    while served.process.returncode is None:
        assert time.monotonic() < deadline, served.process.log()[-3000:]
        time.sleep(0.2)
    stream.close()

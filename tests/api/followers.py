"""Clients that follow a served stream by raw sockets, many and cut at will; and who writes it."""

import contextlib
import http.client
import json
import re
import selectors
import socket
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from offerhub.events import outbox, relay
from offerhub.events.outbox import NewEvent
from offerhub.services import api_keys
from offerhub.store.database import atomic
from tests.services.world import World

_EVENT = re.compile(rb"id: (\d+)\nevent: ([a-z_.]+)\ndata: ([^\n]*)\n\n")


@dataclass
class Follower:
    """One connection to the stream. `last` is what it would resume after."""

    port: int
    key: str
    last: int
    received: list[tuple[int, str]] = field(default_factory=list)
    arrived_s: list[float] = field(default_factory=list)
    resets: int = 0
    connection: socket.socket | None = None
    _rest: bytes = b""

    def open(self) -> "Follower":
        self._rest = b""
        self.connection = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        self.connection.sendall(
            f"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
            f"Authorization: Bearer {self.key}\r\nLast-Event-ID: {self.last}\r\n\r\n".encode()
        )
        return self

    def read_for(self, seconds: float) -> None:
        """Read what comes within this time."""
        assert self.connection is not None
        ends_at_s = time.monotonic() + seconds
        with contextlib.suppress(TimeoutError):
            while (left_s := ends_at_s - time.monotonic()) > 0:
                self.connection.settimeout(left_s)
                if not self.read():
                    return

    def cut(self) -> None:
        """As if the client's machine had died: what was on its way is lost."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def read(self) -> bool:
        """Take what has arrived; false when the server ended the stream or refused it."""
        assert self.connection is not None
        chunk = self.connection.recv(262_144)
        if not chunk or chunk.startswith(b"HTTP/1.1 4"):
            return False
        now = time.monotonic()
        # The chunked encoding's own lines never look like the lines of an event.
        self._rest += re.sub(rb"\r\n[0-9a-fA-F]+\r\n|\r\n[0-9a-fA-F]+\r\n", b"", chunk)
        end = 0
        for match in _EVENT.finditer(self._rest):
            end = match.end()
            kind = match[2].decode()
            if kind == "reset":
                self.resets += 1
            elif kind != "heartbeat":
                body = json.loads(match[3])
                self.received.append((body["sequence"], body["event_id"]))
                self.arrived_s.append(now)
                self.last = body["sequence"]
        self._rest = self._rest[end:]
        return True


class Writers:
    """Threads that commit events one by one until the block ends, and a relay that places them."""

    def __init__(self, world: World, *, threads: int, pause_s: float) -> None:
        self._world, self._pause_s = world, pause_s
        self._enough, self._stop = threading.Event(), threading.Event()
        self.faults: list[BaseException] = []
        self._threads = [threading.Thread(target=self._write, args=(n,)) for n in range(threads)]
        self._relay = threading.Thread(target=self._place)

    def __enter__(self) -> "Writers":
        for thread in [*self._threads, self._relay]:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        for thread in self._threads:
            thread.join()
        self._stop.set()
        self._relay.join()
        assert self.faults == []

    def _write(self, number: int) -> None:
        try:
            turn = 0
            while not self._enough.is_set():
                turn += 1
                with atomic():
                    commit(self._world, f"ord_{number}_{turn}")
                time.sleep(self._pause_s)
        except BaseException as error:  # noqa: BLE001 - told to the test
            self.faults.append(error)

    def _place(self) -> None:
        try:
            while not self._stop.is_set():
                place(self._world)
                time.sleep(0.02)
            place(self._world)
        except BaseException as error:  # noqa: BLE001 - told to the test
            self.faults.append(error)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: dict[str, Any]


def http_get(port: int, path: str, key: str, *, accept: str = "application/json") -> Answer:
    """One request on a connection of its own; fails when nothing comes for half a minute."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        client.request("GET", path, headers={"Authorization": f"Bearer {key}", "Accept": accept})
        answer = client.getresponse()
        return Answer(answer.status, dict(answer.headers), json.loads(answer.read()))
    finally:
        client.close()


def ask_ms(port: int, key: str) -> float:
    """How long an ordinary request takes that reads the database."""
    began_s = time.monotonic()
    answer = http_get(port, "/api/v1/orders", key)
    assert answer.status == 200, answer
    return (time.monotonic() - began_s) * 1000


class Requests:
    """A thread that asks for something ordinary again and again until the block ends."""

    def __init__(self, port: int, key: str, *, pause_s: float = 0.7) -> None:
        self._port, self._key, self._pause_s = port, key, pause_s  # within a key's own limit
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self._faults: list[BaseException] = []
        self.took_ms: list[float] = []

    def __enter__(self) -> "Requests":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._thread.join()
        assert self._faults == []
        assert self.took_ms

    def _ask(self) -> None:
        try:
            while not self._enough.is_set():
                self.took_ms.append(ask_ms(self._port, self._key))
                self._enough.wait(self._pause_s)
        except BaseException as error:  # noqa: BLE001 - told to the test
            self._faults.append(error)


def lets_in(follower: Follower, *, limit_s: float) -> bool:
    """Whether the stream opens within this time, tried again and again."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if follower.open().read():
            return True
        follower.cut()
        time.sleep(1)
    return False


def commit(world: World, order_id: str) -> None:
    """One event, in the open transaction."""
    outbox.record(
        [NewEvent("order.created", order_id, {"id": order_id})],
        now_ms=world.app.now_ms(),
        marketplace_id=world.app.policy.marketplace_id,
        correlation_id=None,
    )


def place(world: World) -> None:
    token = relay.take_lease(holder="test", now_ms=world.app.now_ms())
    if token is not None:
        with contextlib.suppress(relay.LeaseLost):
            while relay.sequence_events(holder="test", token=token):
                pass


def read_keys(world: World, number: int) -> list[str]:
    return [
        str(api_keys.create_key(world.ctx, name=f"reader {n}", scopes_wanted=["read"])["key"])
        for n in range(number)
    ]


def read_all(followers: list[Follower], *, until: int, limit_s: float) -> list[Follower]:
    """Read until each has `until` events; those that ended or stayed short are returned."""
    waiting = selectors.DefaultSelector()
    for follower in followers:
        assert follower.connection is not None
        waiting.register(follower.connection, selectors.EVENT_READ, follower)
    short = {id(follower): follower for follower in followers}
    deadline = time.monotonic() + limit_s
    while short and time.monotonic() < deadline:
        for ready, _ in waiting.select(timeout=0.5):
            follower = ready.data
            if not follower.read():
                waiting.unregister(ready.fileobj)
            if len(follower.received) >= until:
                short.pop(id(follower), None)
    waiting.close()
    return list(short.values())


def memory_mb(pid: int) -> float:
    """Resident memory of a process and its children."""
    pages = sum(
        int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in (pid, *_children(pid))
    )
    return pages * 4096 / 2**20


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]

"""How often a request asks the database and waits, counted on the wire between them.

A count does not depend on the machine, and nothing that the driver or the pool sends can hide
from it: not BEGIN or COMMIT, not a pool's own checks, not the preparation of a statement.
"""

import contextlib
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import pytest

from offerhub.ledger import journal, transfers
from offerhub.services import maintenance
from offerhub.store.database import atomic, proxy
from tests.api.caller import Caller, open_api
from tests.services.world import USD, World, open_world

# A driver prepares a statement once it has sent it some times; the counted requests come later.
WARM_UP = 8

RESERVE_AT_MOST = 10
CREATE_AT_MOST = 9


class Wire:
    """Stands between the application and Postgres, and counts the questions.

    Source: PostgreSQL manual, "Message Formats": the server answers after a Query ("Q") or a
    Sync ("S"), and all messages but the first are one letter and a length.
    """

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.round_trips = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                for run, ends in ((self._ask, (client, server)), (_pass_on, (server, client))):
                    threading.Thread(target=run, args=ends, daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError), client.makefile("rb") as stream:
            length = stream.read(4)  # the first message has no letter
            server.sendall(length + stream.read(int.from_bytes(length) - 4))
            while letter := stream.read(1):
                length = stream.read(4)
                if letter in b"QS":
                    self.round_trips += 1
                server.sendall(letter + length + stream.read(int.from_bytes(length) - 4))
            server.shutdown(socket.SHUT_WR)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def wire(postgres_url: str) -> Iterator[Wire]:
    parts = urlsplit(postgres_url)
    assert parts.port is not None
    made = Wire(parts.hostname or "127.0.0.1", parts.port)
    yield made
    made.close()


@pytest.fixture
def world(wire: Wire, postgres_url: str, redis_url: str) -> Iterator[World]:
    parts = urlsplit(postgres_url)
    through = parts.netloc.replace(f":{parts.port}", f":{wire.port}")
    url = urlunsplit(parts._replace(netloc=through, query="sslmode=disable&gssencmode=disable"))
    made = open_world(database_url=url, redis_url=redis_url)
    try:
        yield made
    finally:
        made.sandbox.stop()
        proxy.obj.close_all()


@pytest.fixture
def api(world: World) -> Caller:
    return open_api(world)


@pytest.fixture
def parties(api: Caller, world: World) -> dict[str, str]:
    """A buyer with money and a seller."""
    buyer, seller = api.user("ana"), api.user("ben")
    credit = transfers.deposit_credited(
        deposit_key="test", deposit_id="test", user_id=buyer, amount=1000 * USD
    )
    with atomic():
        journal.post(credit, now_ms=world.app.now_ms())
    return {"buyer_id": buyer, "seller_id": seller}


def counted(wire: Wire, api: Caller, path: str, body: object) -> tuple[int, str]:
    """Round trips of one request, and the id of what it answered with."""
    before = wire.round_trips
    resource = api.made(path, body)
    return wire.round_trips - before, str(resource["id"])


def test_a_reserve_asks_the_database_ten_times_at_most(
    wire: Wire, api: Caller, parties: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A process also asks once a second whether there is maintenance, whatever its requests.
    monkeypatch.setattr(maintenance, "CACHE_S", 3600.0)
    order = {**parties, "amount": "1.00", "title": "Logo"}
    create_counts, reserve_counts = [], []
    for _ in range(WARM_UP + 3):
        count, order_id = counted(wire, api, "/orders", order)
        create_counts.append(count)
        count, _ = counted(wire, api, f"/orders/{order_id}/reserve", {})
        reserve_counts.append(count)
    # One look-up of key and kept answer, BEGIN, order, balances, transfer, entries, audit record,
    # events, kept answer, COMMIT: fewer would mean that one of them no longer happens.
    assert reserve_counts[WARM_UP:] == [RESERVE_AT_MOST] * 3
    assert max(create_counts[WARM_UP:]) <= CREATE_AT_MOST


def test_the_pool_asks_nothing_when_it_hands_out_a_connection(
    wire: Wire, api: Caller, parties: dict[str, str]
) -> None:
    path = f"/users/{parties['buyer_id']}/balance"
    for _ in range(WARM_UP):
        api.get(path)
    before = wire.round_trips
    assert api.get(path).status_code == 200
    # The key, the user, the balances.
    assert wire.round_trips - before <= 3

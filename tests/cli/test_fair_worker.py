"""New connections are shared out among the API's workers."""

import http.client
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
import gevent.socket
import pytest
from gevent.pool import Pool

from offerhub.cli.fair_worker import FairServer, Hurried
from tests.fixtures.processes import Launch

CONNECTIONS = 16
BURSTS = 5
_APPLICATION = """
import os

def application(environ, start_response):
    environ["wsgi.input"].read()
    body = str(os.getpid()).encode().ljust(int(environ["QUERY_STRING"] or 0))
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""
_SERVE = """
from gevent import monkey
monkey.patch_all()
import sys
from offerhub.cli.fair_worker import FairWorker
from offerhub.cli.serve import run_gunicorn
FairWorker.body_s = FairWorker.piece_s = 1.0
run_gunicorn(
    {
        "bind": sys.argv[1],
        "workers": 2,
        "worker_class": "offerhub.cli.fair_worker.FairWorker",
        "worker_connections": int(sys.argv[2]),
        "keepalive": 30,
        "control_socket_disable": True,
    },
    "who:application",
)
"""


def test_the_emptier_server_takes_the_connection() -> None:
    listener = gevent.socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(16)
    full, empty = Pool(100), Pool(100)
    for _ in range(8):
        full.spawn(gevent.sleep, 60)
    taken: list[str] = []

    def serve(name: str) -> Callable[[Any, Any], None]:
        def handle(_connection: Any, _address: Any) -> None:
            taken.append(name)
            gevent.sleep(60)

        return handle

    # The fuller one is asked first, and would have taken them all.
    servers = [
        FairServer(listener, serve("full"), spawn=full),
        FairServer(listener, serve("empty"), spawn=empty),
    ]
    for server in servers:
        server.start()
    clients = [gevent.socket.create_connection(listener.getsockname()) for _ in range(6)]
    with gevent.Timeout(10):
        while len(taken) < len(clients):
            gevent.sleep(0.005)
    for server in servers:
        server.stop(timeout=0)
    full.kill()
    empty.kill()
    assert taken.count("empty") >= 4


def test_no_worker_takes_all_connections(
    launch: Launch, free_port: Callable[[], int], tmp_path: Path
) -> None:
    port = free_port()
    (tmp_path / "who.py").write_text(_APPLICATION)
    launch(
        sys.executable, "-c", _SERVE, f"127.0.0.1:{port}", "1000",
        name="fair", env={"PYTHONPATH": str(tmp_path)}, ready_url=f"http://127.0.0.1:{port}/",
        timeout_s=60,
    )  # fmt: skip
    time.sleep(0.5)  # until the second worker is there as well
    served: Counter[bytes] = Counter()
    for _ in range(BURSTS):
        connections = [http.client.HTTPConnection("127.0.0.1", port) for _ in range(CONNECTIONS)]
        for connection in connections:
            connection.connect()
        for connection in connections:
            connection.request("GET", "/")
            answer = connection.getresponse()
            assert answer.status == 200
            served[answer.read()] += 1
        for connection in connections:
            connection.close()
        time.sleep(0.1)
    assert len(served) == 2
    assert min(served.values()) >= BURSTS * CONNECTIONS // 4


def test_clients_that_never_finish_do_not_hold_all_places(
    launch: Launch, free_port: Callable[[], int], tmp_path: Path
) -> None:
    port = free_port()
    (tmp_path / "who.py").write_text(_APPLICATION)
    launch(
        sys.executable, "-c", _SERVE, f"127.0.0.1:{port}", "4",
        name="slow", env={"PYTHONPATH": str(tmp_path)}, ready_url=f"http://127.0.0.1:{port}/",
        timeout_s=60,
    )  # fmt: skip
    slow = [_idle(port) for _ in range(20)]
    for connection in slow:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{")
    deaf = [_idle(port) for _ in range(20)]
    for connection in deaf:
        connection.sendall(b"GET /?9000000 HTTP/1.1\r\nHost: x\r\n\r\n")
    time.sleep(0.2)
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    client.request("POST", "/", body=b"x" * 500_000)  # a whole body is read whole meanwhile
    assert client.getresponse().status == 200
    for connection in slow:
        connection.settimeout(30)
        while connection.recv(4096):
            pass  # answered, and closed
        connection.close()
    for connection in deaf:
        connection.close()


def _idle(port: int) -> socket.socket:
    """A connection that takes hardly anything unread."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    made.connect(("127.0.0.1", port))
    return made


def test_bytes_that_drip_do_not_prolong_the_time() -> None:
    ours, theirs = gevent.socket.socketpair()

    def drip() -> None:
        for _ in range(20):
            theirs.send(b".")
            gevent.sleep(0.05)

    dripping = gevent.spawn(drip)
    hurried, got = Hurried(ours, body_s=0.3), b""
    while part := hurried.recv(1):
        got += part
    assert hurried.late
    assert 1 <= len(got) <= 8
    assert hurried.fileno() == ours.fileno()
    dripping.kill()


@pytest.mark.parametrize("sent", [b"", b"all"])
def test_a_client_that_is_quick_or_gone_is_not_late(sent: bytes) -> None:
    ours, theirs = gevent.socket.socketpair()
    theirs.sendall(sent)
    theirs.close()
    hurried = Hurried(ours, body_s=5)
    assert hurried.recv(10) == sent
    assert hurried.recv(10) == b""
    assert not hurried.late


def test_a_client_that_does_not_read_is_as_good_as_gone() -> None:
    ours, theirs = gevent.socket.socketpair()
    hurried = Hurried(ours, body_s=5, piece_s=0.2)
    hurried.sendall(b"a small piece goes out at once")
    with pytest.raises(BrokenPipeError):
        hurried.sendall(b"x" * 10_000_000)
    theirs.close()

"""New connections are shared out among the API's workers."""

import http.client
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
import gevent.socket
from gevent.pool import Pool

from offerhub.cli.fair_worker import FairServer
from tests.fixtures.processes import Launch

CONNECTIONS = 16
BURSTS = 5
_APPLICATION = """
import os

def application(environ, start_response):
    body = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""
_SERVE = """
from gevent import monkey
monkey.patch_all()
import sys
from offerhub.cli.serve import run_gunicorn
run_gunicorn(
    {
        "bind": sys.argv[1],
        "workers": 2,
        "worker_class": "offerhub.cli.fair_worker.FairWorker",
        "worker_connections": 1000,
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
        sys.executable, "-c", _SERVE, f"127.0.0.1:{port}",
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

"""The load: connections that create an order and reserve its funds, over and over.

A program of its own (`python -m bench.clients`, its task as JSON on standard input), so that the
interpreter that measures is not the one that serves. Plain sockets: a client library would cost
more than the answer.
"""

import json
import socket
import sys
import time
import uuid
from typing import Any

from bench import measuring
from bench.measuring import Refused, Steps


class Client:
    """One kept-alive connection of one API key."""

    def __init__(self, host: str, port: int, *, key: str) -> None:
        self._address = (host, port)
        self._head = f"Host: {host}:{port}\r\nAuthorization: Bearer {key}\r\n"
        self._open()

    def post(self, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        """Status and body of the answer. Raises: OSError."""
        sent = json.dumps(body).encode()
        head = (
            f"POST /api/v1{path} HTTP/1.1\r\n{self._head}Content-Type: application/json\r\n"
            f"Idempotency-Key: {uuid.uuid4()}\r\nContent-Length: {len(sent)}\r\n\r\n"
        )
        return self._ask(head.encode() + sent)

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body of the answer. Raises: OSError."""
        return self._ask(f"GET /api/v1{path} HTTP/1.1\r\n{self._head}\r\n".encode())

    def reopen(self) -> None:
        """A new connection, for one that the server closed because nobody used it."""
        self._socket.close()
        self._open()

    def _ask(self, sent: bytes) -> tuple[int, bytes]:
        self._socket.sendall(sent)
        line = self._file.readline()
        if not line:
            raise ConnectionResetError("the server closed the connection without an answer")
        status = int(line.split()[1])
        length, closing = 0, False
        while line := self._file.readline().strip():
            name, _, value = line.lower().partition(b":")
            if name == b"content-length":
                length = int(value)
            elif name == b"connection":
                closing = b"close" in value
        answer = self._file.read(length)
        if closing:
            self._open()
        return status, answer

    def _open(self) -> None:
        self._socket = socket.create_connection(self._address, timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")


class Pair:
    """Create an order, reserve its funds."""

    def __init__(self, client: Client, *, buyer_id: str, seller_id: str) -> None:
        self._client = client
        self._order = {
            "buyer_id": buyer_id, "seller_id": seller_id, "amount": "10.00",
            "title": "Logo design", "description": "Three drafts, one final file",
            "metadata": {"project": "spring"},
        }  # fmt: skip

    def __call__(self) -> Steps:
        began = time.perf_counter()
        status, answer = self._client.post("/orders", self._order)
        if status != 201:
            raise Refused(f"create {status}")
        created = time.perf_counter()
        order_id = json.loads(answer)["data"]["id"]
        status, _ = self._client.post(f"/orders/{order_id}/reserve", {})
        if status != 200:
            raise Refused(f"reserve {status}")
        reserved = time.perf_counter()
        return {
            "create": (created - began) * 1000,
            "reserve": (reserved - created) * 1000,
            "pair": (reserved - began) * 1000,
        }


def main() -> None:
    task = json.load(sys.stdin)
    buyers = task["buyers"]
    pairs: list[measuring.Work] = [
        Pair(
            Client(task["host"], task["port"], key=task["key"]),
            buyer_id=buyers[number % len(buyers)],
            seller_id=task["seller"],
        )
        for number in range(task["connections"])
    ]
    window = measuring.run(
        pairs, warm_up_s=task["warm_up_s"], seconds=task["seconds"], watched=task["watched"]
    )
    json.dump(window.as_json(), sys.stdout)


if __name__ == "__main__":
    main()

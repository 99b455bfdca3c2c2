"""A server of raw bytes: it answers exactly what a test scripts, broken answers included."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.fixtures.ports import free_port

Reply = Callable[[socket.socket], None]


class RawServer:
    """Reads one whole request per connection, keeps it, and lets `reply` answer it."""

    def __init__(self, reply: Reply) -> None:
        self.requests: list[bytes] = []
        self._reply = reply
        self._done = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", free_port()))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def stop(self) -> None:
        self._done.set()
        with socket.create_connection(self._listener.getsockname(), timeout=5):
            pass
        self._thread.join(timeout=10)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection:
                if self._done.is_set():
                    return
                connection.settimeout(10)
                request = _read_request(connection)
                if request:
                    self.requests.append(request)
                    try:
                        self._reply(connection)
                    except OSError:
                        continue  # the client had enough, which is what some tests are about


@contextmanager
def raw_server(reply: Reply) -> Iterator[RawServer]:
    server = RawServer(reply)
    try:
        yield server
    finally:
        server.stop()


def answer(
    status: int, body: str | bytes = b"", *, length: int | None = None, **headers: str
) -> Reply:
    """A reply with this status and body; `length` may lie about it."""
    raw = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} Word", f"Content-Length: {len(raw) if length is None else length}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = "\r\n".join([*lines, "Connection: close", "", ""]).encode()
    return lambda connection: connection.sendall(head + raw)


def reset(connection: socket.socket) -> None:
    """End the connection with an RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hang_up(_connection: socket.socket) -> None:
    """Close without a byte."""


def drip(data: bytes, *, every_s: float) -> Reply:
    """Send a byte at a time, each well within a read timeout."""
    pause = threading.Event()

    def reply(connection: socket.socket) -> None:
        for byte in data:
            connection.sendall(bytes([byte]))
            pause.wait(every_s)

    return reply


def silence(connection: socket.socket) -> None:
    """Say nothing until the client goes away."""
    connection.recv(1)


def _read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        if not chunk:
            return data
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    expected = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            expected = int(line.split(b":")[1])
    while len(body) < expected:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body

"""A small real HTTP server that answers what a test has scripted, and a client for it."""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from offerhub.sdk import Backoff, OfferHub


@dataclass(frozen=True)
class Seen:
    """A request as it reached the server."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


Act = Callable[["Handler"], None]


@dataclass
class Script:
    """What the server will answer, one entry per request, and what it has been asked."""

    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    acts: deque[Act] = field(default_factory=deque)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, status: int, body: Any, *, headers: dict[str, str] | None = None) -> "Script":
        self.acts.append(lambda handler: handler.send(status, body, headers or {}))
        return self

    def data(self, data: Any, *, status: int = 200, next_cursor: str | None = None) -> "Script":
        body: dict[str, Any] = {"data": data, "meta": {"request_id": "req_x"}}
        if isinstance(data, list):
            body["pagination"] = {"has_more": next_cursor is not None, "next_cursor": next_cursor}
        return self.answer(status, body)

    def error(
        self,
        status: int,
        code: str,
        *,
        details: Any = None,
        headers: dict[str, str] | None = None,
    ) -> "Script":
        error = {
            "code": code,
            "message": f"because {code}",
            "details": details or {},
            "request_id": "req_err",
        }
        return self.answer(status, {"error": error}, headers=headers)

    def hang_up(self) -> "Script":
        """Read the request, then close without an answer."""
        self.acts.append(lambda handler: handler.hang_up())
        return self

    def do(self, act: Act) -> "Script":
        self.acts.append(act)
        return self


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: Script

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length)
        parts = urlsplit(self.path)
        with self.script.lock:
            self.script.seen.append(
                Seen(
                    self.command,
                    parts.path,
                    dict(parse_qsl(parts.query)),
                    {name.lower(): value for name, value in self.headers.items()},
                    json.loads(raw) if raw else None,
                )
            )
            act = self.script.acts.popleft() if self.script.acts else None
        if act is None:
            self.send(500, {"error": {"code": "UNSCRIPTED", "message": "no answer left"}}, {})
        else:
            act(self)

    do_GET = do_POST = do_DELETE = do_PATCH = _handle  # noqa: N815  (names of the base class)

    def send(self, status: int, body: Any, headers: dict[str, str]) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(0 if status == 204 else len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if status != 204:
            self.wfile.write(content)

    def hang_up(self) -> None:
        self.close_connection = True

    def start_stream(self) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Connection", "close")
        self.end_headers()

    def push(self, text: str) -> None:
        self.wfile.write(text.encode())
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def script() -> Iterator[Script]:
    script = Script()
    handler = type("ScriptedHandler", (Handler,), {"script": script})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    script.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield script
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class Pauses:
    """The pauses that the client would have made; they take no time."""

    taken: list[float] = field(default_factory=list)

    def __call__(self, pause_s: float) -> None:
        self.taken.append(pause_s)


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
def client(script: Script, pauses: Pauses) -> Iterator[OfferHub]:
    backoff = Backoff(first_s=0.02, chance=lambda: 1.0, sleep=pauses)
    with OfferHub(
        script.url, "ohk_test_key_secret", timeout_s=2.0, max_retries=3, backoff=backoff
    ) as client:
        yield client

"""An appliance for the console's tests, at the seam of the client's transport.

It answers the API's routes from a small world in memory, keeps the event stream open, can be cut
off, slowed and made to refuse, and remembers every request. Its clock is the tests' clock.
"""

import json
import queue
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx

from tests.tui.world import START, World, api_key, text

ROUTE = "/api/v1"


class Clock:
    """A clock that tests move; it can be read from any thread."""

    def __init__(self) -> None:
        self.moment = START

    def __call__(self) -> datetime:
        return self.moment

    def pass_s(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


class Stream(httpx.SyncByteStream):
    """The body of an open event stream."""

    def __init__(self) -> None:
        self.chunks: queue.SimpleQueue[bytes | Exception | None] = queue.SimpleQueue()

    def __iter__(self) -> Iterator[bytes]:
        while True:
            chunk = self.chunks.get()
            if chunk is None:
                return
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk

    def abort(self) -> None:
        self.chunks.put(None)


class FakeApi(httpx.BaseTransport):
    """Routes over a `World`. `down` cuts the network; `refuse` maps a path to (status, code)."""

    def __init__(self, world: World, clock: Clock) -> None:
        self.world = world
        self.clock = clock
        self.down = False
        self.stream_blocked = False
        self.refuse: dict[str, tuple[int, str]] = {}
        self.hold: dict[str, threading.Event] = {}
        self.lose_answers = 0
        self.requests: list[httpx.Request] = []
        self.streams: list[Stream] = []
        self.made: dict[str, dict[str, Any]] = {}
        self.sequence = 0
        self.history: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def asked(self, path: str, method: str = "GET") -> list[httpx.Request]:
        full = ROUTE + path
        return [r for r in list(self.requests) if r.url.path == full and r.method == method]

    def emit(self, event_type: str, aggregate_id: str, **metadata: Any) -> None:
        """An event happens, now."""
        self.sequence += 1
        body = {
            "event_id": f"evt_{self.sequence:021d}",
            "event_type": event_type,
            "occurred_at": text(self.clock()),
            "aggregate_id": aggregate_id,
            "aggregate_type": event_type.partition(".")[0],
            "sequence": self.sequence,
            "payload": {"status": event_type.rpartition(".")[2].upper()},
            "metadata": {"correlation_id": "req_fake", "causation_id": None, **metadata},
        }
        self.history.append(body)
        self.push(event_text(body))

    def beat(self) -> None:
        self.push(self._heartbeat())

    def _heartbeat(self) -> str:
        body = {"position": self.sequence, "head_sequence": self.sequence}
        return f": heartbeat\nid: {self.sequence}\nevent: heartbeat\ndata: {json.dumps(body)}\n\n"

    def push(self, chunk: str) -> None:
        for stream in self.streams:
            stream.chunks.put(chunk.encode())

    def cut(self) -> None:
        """Pull the cable: open streams break, and new requests find nobody."""
        self.down = True
        streams, self.streams = self.streams, []
        for stream in streams:
            stream.chunks.put(httpx.ReadError("connection reset"))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix(ROUTE)
        with self._lock:
            self.requests.append(request)
        gate = self.hold.get(path)
        if gate is not None:
            gate.wait(10)
        if self.down:
            raise httpx.ConnectError("connection refused", request=request)
        if path in self.refuse:
            status, code = self.refuse[path]
            return self._error(status, code)
        if path == "/events" and "text/event-stream" in request.headers["Accept"]:
            return self._open_stream(request)
        response = self._route(request, path)
        if request.method != "GET" and self.lose_answers:
            self.lose_answers -= 1
            raise httpx.ReadTimeout("lost", request=request)
        return response

    def _open_stream(self, request: httpx.Request) -> httpx.Response:
        if self.stream_blocked:
            return httpx.Response(200, html="<p>proxy</p>")
        stream = Stream()
        after = int(request.headers.get("Last-Event-ID", self.sequence))
        for body in self.history[after:]:
            stream.chunks.put(event_text(body).encode())
        stream.chunks.put(self._heartbeat().encode())
        self.streams.append(stream)
        return httpx.Response(200, headers={"Content-Type": "text/event-stream"}, stream=stream)

    def _route(self, request: httpx.Request, path: str) -> httpx.Response:
        world = self.world
        match [part for part in path.split("/") if part], request.method:
            case ["me"], "GET":
                return self._data(self._me())
            case ["config"], "GET":
                return self._data(self._config())
            case ["health"], "GET":
                return self._data(self._health())
            case [("users" | "orders" | "topups" | "withdrawals") as kind], "GET":
                return self._page(request, getattr(world, kind))
            case ["events"], "GET":
                return self._page(request, self.history)
            case ["auth", "api-keys"], "GET":
                return self._page(request, world.keys)
            case ["auth", "api-keys"], "POST":
                return self._make_key(request)
            case ["auth", "api-keys", key_id], "DELETE":
                return self._revoke_key(key_id)
            case ["users", user_id, "balance"], "GET":
                return self._data(world.balances[user_id])
            case ["users", user_id, "ledger"], "GET":
                return self._page(request, world.ledger.get(user_id, []))
            case [("users" | "orders") as kind, ident], "GET":
                return self._one(getattr(world, kind), ident, f"{kind[:-1].upper()}_NOT_FOUND")
        return self._error(404, "NOT_FOUND")

    def _one(self, items: list[dict[str, Any]], ident: str, code: str) -> httpx.Response:
        found = next((item for item in items if item["id"] == ident), None)
        return self._data(found) if found is not None else self._error(404, code)

    def _page(self, request: httpx.Request, items: list[dict[str, Any]]) -> httpx.Response:
        start = int(request.url.params.get("cursor", "0"))
        size = int(request.url.params.get("limit", "20"))
        more = start + size < len(items)
        body = {
            "data": items[start : start + size],
            "meta": {"request_id": "req_fake", "timestamp": text(self.clock())},
            "pagination": {
                "has_more": more,
                "next_cursor": str(start + size) if more else None,
            },
        }
        return httpx.Response(200, json=body)

    def _make_key(self, request: httpx.Request) -> httpx.Response:
        key = request.headers["Idempotency-Key"]
        if key not in self.made:
            body = json.loads(request.content)
            made = api_key(len(self.made) + 500, name=body["name"], scopes=body["scopes"])
            self.world.keys.insert(0, made)
            self.made[key] = {**made, "key": "ohk_test_newkey_TOPSECRETVALUE"}
        return self._data(self.made[key], status=201)

    def _revoke_key(self, key_id: str) -> httpx.Response:
        for key in self.world.keys:
            if key["id"] == key_id:
                key["revoked_at"] = text(self.clock())
                return httpx.Response(204)
        return self._error(404, "API_KEY_NOT_FOUND")

    def _data(self, data: Any, *, status: int = 200) -> httpx.Response:
        meta = {"request_id": "req_fake", "timestamp": text(self.clock())}
        return httpx.Response(status, json={"data": data, "meta": meta})

    def _error(self, status: int, code: str) -> httpx.Response:
        error = {
            "code": code,
            "message": "The appliance said no.",
            "details": {},
            "request_id": "req_refused",
        }
        return httpx.Response(status, json={"error": error})

    def _me(self) -> dict[str, Any]:
        return {
            "type": "api_key",
            "key_id": "key_000000000000000000001",
            "name": "ops",
            "scopes": list(self.world.scopes),
            "user_id": None,
            "marketplace_id": "mkt_000000000000000000001",
            "environment": self.world.environment,
            "expires_at": None,
        }

    def _config(self) -> dict[str, Any]:
        return {
            "marketplace_id": "mkt_000000000000000000001",
            "environment": self.world.environment,
            "currency": "USD",
            "features": {},
            "limits": {},
            "providers": {},
            "fees": {
                "platform_fee_bps": 250,
                "protocol_fee_bps": 30,
                "airtm_fee_bearer": "user",
            },
        }

    def _health(self) -> dict[str, Any]:
        names = ["database", "redis", "worker", "scheduler", "airtm", "trustless_work", "stellar"]
        components = {name: {"status": "healthy"} for name in names}
        components["airtm"] = {"status": "degraded"}
        return {"status": "degraded", "components": components}


def event_text(body: dict[str, Any]) -> str:
    """An event as the stream carries it."""
    return f"id: {body['sequence']}\nevent: {body['event_type']}\ndata: {json.dumps(body)}\n\n"

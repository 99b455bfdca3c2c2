"""An appliance for the console's tests, at the seam of the client's transport.

It answers the API's routes from a small world in memory, keeps the event stream open, can be cut
off, slowed and made to refuse, and remembers every request. Its clock is the tests' clock.
"""

import json
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

START = datetime(2026, 1, 10, 12, 4, 11, tzinfo=UTC)
ROUTE = "/api/v1"
PAGE = 100


def text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


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


@dataclass
class World:
    """What the appliance knows, as JSON."""

    environment: str = "demo"
    scopes: tuple[str, ...] = ("admin",)
    users: list[dict[str, Any]] = field(default_factory=list)
    balances: dict[str, dict[str, Any]] = field(default_factory=dict)
    ledger: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    orders: list[dict[str, Any]] = field(default_factory=list)
    topups: list[dict[str, Any]] = field(default_factory=list)
    withdrawals: list[dict[str, Any]] = field(default_factory=list)
    keys: list[dict[str, Any]] = field(default_factory=list)


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
        self.push(f"id: {self.sequence}\nevent: {event_type}\ndata: {json.dumps(body)}\n\n")

    def beat(self) -> None:
        self.push(": heartbeat\n\n")

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
        if path == "/events":
            return self._open_stream()
        response = self._route(request, path)
        if request.method != "GET" and self.lose_answers:
            self.lose_answers -= 1
            raise httpx.ReadTimeout("lost", request=request)
        return response

    def _open_stream(self) -> httpx.Response:
        if self.stream_blocked:
            return httpx.Response(200, html="<p>proxy</p>")
        stream = Stream()
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


def ident(prefix: str, number: int) -> str:
    return f"{prefix}_{number:021d}"


def api_key(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": ident("key", number),
        "name": f"key {number}",
        "scopes": ["read"],
        "created_at": text(START - timedelta(days=number)),
        "expires_at": None,
        "revoked_at": None,
        "last_used_at": None,
        **changes,
    }


def user(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": ident("usr", number),
        "external_user_id": f"shop-{number}",
        "type": "BOTH",
        "status": "ACTIVE",
        "email": None,
        "metadata": {},
        "airtm": None,
        "wallet": None,
        "created_at": text(START),
        "updated_at": text(START),
        **changes,
    }


def balance(number: int, available: str, reserved: str = "0.00") -> dict[str, Any]:
    return {
        "user_id": ident("usr", number),
        "currency": "USD",
        "available": available,
        "available_exact": f"{available}00000",
        "reserved": reserved,
        "reserved_exact": f"{reserved}00000",
        "withdrawing": "0.00",
        "withdrawing_exact": "0.0000000",
        "as_of": text(START),
    }


def order(number: int, status: str, *, age_s: int = 60, **changes: Any) -> dict[str, Any]:
    when = text(START - timedelta(seconds=age_s))
    return {
        "id": ident("ord", number),
        "buyer_id": ident("usr", 1),
        "seller_id": ident("usr", 2),
        "amount": f"{number * 10}.00",
        "amount_exact": f"{number * 10}.0000000",
        "currency": "USD",
        "title": f"Work number {number}",
        "description": None,
        "client_order_ref": f"ref-{number}",
        "platform_fee_bps": 250,
        "status": status,
        "resolution": None,
        "metadata": {},
        "escrow": None,
        "milestones": [],
        "dispute": None,
        "operation": None,
        "timeline": [],
        "created_at": when,
        "updated_at": when,
        **changes,
    }


def ledger_line(number: int, amount: str, after: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"{ident('ldg', number)}_1",
        "transfer_id": ident("ldg", number),
        "kind": "TOPUP_CREDIT",
        "account": "available",
        "amount": amount,
        "amount_exact": f"{amount}00000",
        "balance_after": after,
        "balance_after_exact": f"{after}00000",
        "subject_type": "topup",
        "subject_id": ident("topup", 1),
        "description": None,
        "created_at": text(START - timedelta(minutes=number)),
        **changes,
    }


def timeline(*types: str) -> list[dict[str, Any]]:
    return [
        {
            "sequence": number,
            "event_type": event_type,
            "occurred_at": text(START - timedelta(seconds=60 - number)),
            "event_id": ident("evt", number),
        }
        for number, event_type in enumerate(types, start=1)
    ]


Make = Callable[[], World]


def busy_world() -> World:
    """A marketplace in the middle of a day."""
    escrow = {
        "id": ident("esc", 1),
        "kind": "SINGLE_RELEASE",
        "status": "FUNDED",
        "resolution": None,
        "amount": "40.00",
        "amount_exact": "40.0000000",
        "platform_fee_bps": 250,
        "trustless_contract_id": "C" + "A" * 55,
        "deploy_tx_hash": None,
        "fund_tx_hash": None,
        "release_tx_hash": None,
        "buyer_address": None,
        "seller_address": None,
        "created_at": text(START),
        "updated_at": text(START),
    }
    stuck = {
        "id": ident("opn", 1),
        "kind": "RELEASE",
        "status": "STUCK",
        "step": "send",
        "last_error": "PROVIDER_TIMEOUT",
    }
    orders = [
        order(5, "ORDER_CREATED", age_s=14),
        order(
            4,
            "IN_PROGRESS",
            age_s=200,
            escrow=escrow,
            timeline=timeline("order.created", "order.funds_reserved", "order.escrow_creating"),
        ),
        order(3, "RELEASE_REQUESTED", age_s=7200, operation=stuck),
        order(2, "DISPUTED", age_s=90_000),
        order(1, "CLOSED", age_s=400_000, resolution="RELEASED"),
    ]
    withdrawal = {
        "id": ident("wd", 1),
        "user_id": ident("usr", 2),
        "amount": "25.00",
        "amount_exact": "25.0000000",
        "currency": "USD",
        "destination_type": "CRYPTO",
        "destination_ref": "GABC",
        "status": "WITHDRAWAL_PENDING",
        "created_at": text(START),
        "updated_at": text(START),
    }
    return World(
        users=[user(1), user(2, status="SUSPENDED"), user(3, external_user_id="shop-ü")],
        balances={
            ident("usr", 1): balance(1, "1250.75", "40.00"),
            ident("usr", 2): balance(2, "0.00"),
            ident("usr", 3): balance(3, "99.99"),
        },
        ledger={
            ident("usr", 1): [
                ledger_line(
                    1,
                    "-40.00",
                    "1250.75",
                    kind="ORDER_RESERVE",
                    subject_type="order",
                    subject_id=ident("ord", 4),
                ),
                ledger_line(2, "1290.75", "1290.75"),
            ]
        },
        orders=orders,
        withdrawals=[withdrawal],
        keys=[
            api_key(1, name="ops", scopes=["admin"], last_used_at=text(START)),
            api_key(2, name="shop", scopes=["read", "write"]),
            api_key(3, name="old", revoked_at=text(START)),
        ],
    )

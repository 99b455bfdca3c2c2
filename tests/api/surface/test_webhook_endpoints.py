"""Outgoing webhooks over HTTP: endpoints, secrets, deliveries, replays."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from offerhub.domain.events import EVENT_TYPES
from offerhub.services import deliveries
from tests.api.caller import code
from tests.api.surface.market import Market
from tests.services.sending import send_all_due


@dataclass
class Sink:
    """A marketplace's endpoint: keeps what it got, and answers as it is told."""

    url: str = ""
    status: int = 204
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def sink() -> Iterator[Sink]:
    found = Sink()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(found.status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}/hooks"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def endpoint(market: Market, sink: Sink) -> Iterator[dict[str, Any]]:
    """An endpoint for user events; gone afterwards."""
    market.sequence()
    made = market.api.made("/webhook-endpoints", {"url": sink.url, "events": ["user.*"]})
    yield made
    market.api.delete(f"/webhook-endpoints/{made['id']}")


def _is_signed(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Whether the official library takes this at the moment that it was signed for.

    The world's clock, which tests move, may be ahead of the library's by more than it allows.
    """
    at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)

    class Then(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return at

    with patch("standardwebhooks.webhooks.datetime", Then):
        try:
            Webhook(secret).verify(body, headers)
        except WebhookVerificationError:
            return False
    return True


def _deliver(market: Market) -> None:
    market.sequence()
    deliveries.fan_out(market.world.ctx)
    send_all_due(market.world.ctx)


def _deliveries(market: Market, endpoint: dict[str, Any], query: str = "") -> list[Any]:
    return list(market.shown(f"/webhook-endpoints/{endpoint['id']}/deliveries{query}"))


def test_an_endpoint_shows_its_secret_once(market: Market, sink: Sink) -> None:
    body = {"url": sink.url, "events": ["order.*", "topup.succeeded"], "description": "shop"}
    key = str(uuid4())
    first = market.api.post("/webhook-endpoints", body, key=key)
    again = market.api.post("/webhook-endpoints", body, key=key)
    assert (first.status_code, again.data) == (201, first.data)
    made = first.json["data"]
    assert made["secret"].startswith("whsec_")
    shown = market.shown(f"/webhook-endpoints/{made['id']}")
    assert shown == {name: value for name, value in made.items() if name != "secret"}
    assert made["id"] in [e["id"] for e in market.shown("/webhook-endpoints?limit=100")]
    assert made["secret"] not in market.api.get("/audit/logs?limit=100").text
    assert market.api.delete(f"/webhook-endpoints/{made['id']}").status_code == 204
    assert market.api.get(f"/webhook-endpoints/{made['id']}").status_code == 404
    assert market.api.delete(f"/webhook-endpoints/{made['id']}").status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"events": []}, "events"),
        ({"events": ["nothing.*"]}, "events"),
        ({"events": "order.*"}, "events"),
        ({"url": "ftp://shop.example/"}, "url"),
        ({"url": "https://user:pw@shop.example/"}, "url"),
        ({"url": "https://"}, "url"),
        ({"secret": "mine"}, "secret"),
    ],
)
def test_an_endpoint_that_could_not_work_is_refused(
    market: Market, sink: Sink, body: dict[str, Any], field: str
) -> None:
    answer = market.api.post("/webhook-endpoints", {"url": sink.url, "events": ["*"], **body})
    assert (answer.status_code, code(answer)) == (400, "VALIDATION_ERROR")
    assert [f["field"] for f in answer.json["error"]["details"]["fields"]] == [field]


def test_an_event_is_delivered_signed_and_listed(
    market: Market, sink: Sink, endpoint: dict[str, Any]
) -> None:
    user = market.user()
    _deliver(market)
    (headers, body), *_ = sink.got
    event = json.loads(body)
    assert _is_signed(endpoint["secret"], headers, body)
    assert (event["event_type"], event["aggregate_id"]) == ("user.created", user)
    assert event["event_type"] in EVENT_TYPES
    assert not _is_signed(endpoint["secret"], headers, body + b" ")
    (delivery,) = _deliveries(market, endpoint)
    assert (delivery["status"], delivery["attempts"], delivery["event_id"]) == (
        "SUCCEEDED", 1, headers["webhook-id"],
    )  # fmt: skip
    stream = market.api.get(f"/events?cursor={event['sequence'] - 1}&limit=1").json["data"][0]
    assert json.loads(body) == stream


def test_a_delivery_is_replayed_with_the_same_id(
    market: Market, sink: Sink, endpoint: dict[str, Any]
) -> None:
    sink.status = 500
    market.user()
    _deliver(market)
    (waiting,) = _deliveries(market, endpoint, "?status=PENDING")
    assert (waiting["last_status_code"], waiting["last_error"]) == (500, "HTTP 500")
    sink.status = 204
    replayed = market.api.post(f"/webhook-deliveries/{waiting['id']}/replay", {})
    assert (replayed.status_code, replayed.json["data"]["attempts"]) == (202, 0)
    _deliver(market)
    assert [d["status"] for d in _deliveries(market, endpoint)] == ["SUCCEEDED"]
    assert len({headers["webhook-id"] for headers, _ in sink.got}) == 1
    assert _deliveries(market, endpoint, "?status=FAILED") == []


def test_a_test_says_what_came_back(market: Market, sink: Sink, endpoint: dict[str, Any]) -> None:
    path = f"/webhook-endpoints/{endpoint['id']}/test"
    key = str(uuid4())
    first, again = market.api.post(path, {}, key=key), market.api.post(path, {}, key=key)
    assert first.json["data"] == {"accepted": True, "status_code": 204, "error": None}
    assert (again.data, len(sink.got)) == (first.data, 1)
    sink.status = 302
    assert market.api.made(path) == {"accepted": False, "status_code": 302, "error": None}


def test_a_rotated_secret_signs_beside_the_old_one(
    market: Market, sink: Sink, endpoint: dict[str, Any]
) -> None:
    rotated = market.api.made(f"/webhook-endpoints/{endpoint['id']}/rotate-secret")
    assert rotated["secret"] != endpoint["secret"]
    market.api.made(f"/webhook-endpoints/{endpoint['id']}/test")
    headers, body = sink.got[0]
    for secret in (endpoint["secret"], rotated["secret"]):
        assert _is_signed(secret, headers, body)
    assert json.loads(body)["event_type"] == "webhook.test"


def test_an_endpoint_is_changed_and_goes_on_where_it_stopped(
    market: Market, sink: Sink, endpoint: dict[str, Any]
) -> None:
    path = f"/webhook-endpoints/{endpoint['id']}"
    assert market.patch(path, {"enabled": False}).json["data"]["enabled"] is False
    market.user()
    _deliver(market)
    assert sink.got == []
    assert market.patch(path, {"enabled": "yes"}).status_code == 400
    assert market.patch(path, {"events": ["nothing.*"]}).status_code == 400
    assert market.patch(path, {"url": "https://[broken"}).status_code == 400
    changed = market.patch(path, {"enabled": True, "description": "back"}).json["data"]
    assert (changed["enabled"], changed["description"]) == (True, "back")
    _deliver(market)
    assert len(sink.got) == 1

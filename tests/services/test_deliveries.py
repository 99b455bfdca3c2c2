"""Outgoing webhooks over real HTTP: signed, retried, replayed, and never to our own network."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from svix.webhooks import Webhook, WebhookVerificationError

from offerhub.domain.errors import OfferHubError
from offerhub.events import relay
from offerhub.providers.outgoing import SafeSender
from offerhub.providers.outgoing.addresses import is_public
from offerhub.services import deliveries, users, webhook_endpoints
from tests.services.sending import send_all_due
from tests.services.world import World

pytestmark = pytest.mark.proves("F17")


@dataclass
class Sink:
    """A marketplace's endpoint: keeps what it got, and answers as it is told."""

    url: str = ""
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def sink() -> Iterator[Sink]:
    found = Sink()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(found.status)
            for name, value in found.headers.items():
                self.send_header(name, value)
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


def _sequence(world: World) -> None:
    token = relay.take_lease(holder="test", now_ms=world.app.now_ms())
    assert token is not None
    while relay.sequence_events(holder="test", token=token):
        pass


def _deliver(world: World) -> int:
    _sequence(world)
    deliveries.fan_out(world.ctx)
    return send_all_due(world.ctx)


def test_each_wanted_event_is_delivered_once_and_verifies(world: World, sink: Sink) -> None:
    _sequence(world)
    endpoint = webhook_endpoints.create_endpoint(world.ctx, url=sink.url, events=["user.*"])
    made = users.create_user(world.ctx, external_user_id="one", type="BUYER")
    assert _deliver(world) == 1
    assert _deliver(world) == 0
    headers, body = sink.got[0]
    Webhook(endpoint["secret"]).verify(body, headers)
    event = json.loads(body)
    assert (event["event_type"], event["aggregate_id"]) == ("user.created", made["id"])
    assert headers["webhook-id"] == event["event_id"]
    with pytest.raises(WebhookVerificationError):
        Webhook(endpoint["secret"]).verify(body + b" ", headers)
    shown = deliveries.list_deliveries(world.ctx, endpoint["id"]).items
    assert [d["status"] for d in shown] == ["SUCCEEDED"]


def test_a_failure_is_tried_again_and_a_replay_starts_anew(world: World, sink: Sink) -> None:
    _sequence(world)
    sink.status = 500
    endpoint = webhook_endpoints.create_endpoint(world.ctx, url=sink.url, events=["user.created"])
    users.create_user(world.ctx, external_user_id="one", type="BUYER")
    assert _deliver(world) == 1
    (waiting,) = deliveries.list_deliveries(world.ctx, endpoint["id"]).items
    assert (waiting["status"], waiting["attempts"]) == ("PENDING", 1)
    assert waiting["last_status_code"] == 500
    assert _deliver(world) == 0  # not before its time
    sink.status = 200
    deliveries.replay(world.ctx, waiting["id"])
    assert _deliver(world) == 1
    (done,) = deliveries.list_deliveries(world.ctx, endpoint["id"]).items
    assert (done["status"], done["attempts"]) == ("SUCCEEDED", 1)
    assert sink.got[0][0]["webhook-id"] == sink.got[1][0]["webhook-id"]


def test_a_redirect_is_a_failure_and_is_not_followed(world: World, sink: Sink) -> None:
    _sequence(world)
    sink.status, sink.headers = 302, {"Location": "http://169.254.169.254/latest"}
    endpoint = webhook_endpoints.create_endpoint(world.ctx, url=sink.url, events=["*"])
    users.create_user(world.ctx, external_user_id="one", type="BUYER")
    _deliver(world)
    shown = deliveries.list_deliveries(world.ctx, endpoint["id"]).items
    assert {d["last_status_code"] for d in shown} == {302}
    assert {d["status"] for d in shown} == {"PENDING"}


def test_an_endpoint_that_is_gone_is_switched_off(world: World, sink: Sink) -> None:
    _sequence(world)
    sink.status = 410
    endpoint = webhook_endpoints.create_endpoint(world.ctx, url=sink.url, events=["*"])
    users.create_user(world.ctx, external_user_id="one", type="BUYER")
    _deliver(world)
    shown = webhook_endpoints.get_endpoint(world.ctx, endpoint["id"])
    assert (shown["enabled"], shown["disabled_reason"]) == (False, "the endpoint answered 410 Gone")


def test_after_a_rotation_both_secrets_verify(world: World, sink: Sink) -> None:
    _sequence(world)
    first = webhook_endpoints.create_endpoint(world.ctx, url=sink.url, events=["*"])
    second = webhook_endpoints.rotate_secret(world.ctx, first["id"])
    assert first["secret"] != second["secret"]
    assert deliveries.send_test(world.ctx, first["id"])["accepted"]
    headers, body = sink.got[0]
    for secret in (first["secret"], second["secret"]):
        Webhook(secret).verify(body, headers)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.20.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "198.18.0.1", "192.0.2.1", "224.0.0.1", "255.255.255.255", "::1", "::",
        "fe80::1", "fc00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1",
        "2002:7f00:1::", "::127.0.0.1", "::8.8.8.8", "::ffff:0:10.0.0.1", "64:ff9b::808:808",
        "64:ff9b:1::1", "5f00::1", "3fff:fff::1", "2001:2::1", "fec0::1", "2001:db8::1",
        "ff02::1", "not an address", "3fff::1", "100::1",
    ],
)  # fmt: skip
def test_an_address_that_is_not_of_the_open_internet_is_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111"])
def test_an_address_of_the_open_internet_is_accepted(address: str) -> None:
    assert is_public(address)


def test_a_name_that_leads_to_a_private_address_is_never_connected_to(
    world: World, sink: Sink
) -> None:
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])
    safe = SafeSender(resolve=lambda host, port: next(answers))
    app = replace(world.app, webhook_sender=safe)
    ctx = replace(world.ctx, app=app)
    webhook_endpoints.check_url(ctx, "https://rebinding.example.com/hooks")
    answer = safe.post("https://rebinding.example.com/hooks", headers={}, body=b"{}")
    assert answer.status is None
    assert "private" in str(answer.error)
    assert sink.got == []


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/", "https://user:pw@example.com/", "ftp://example.com/",
        "https:///nothing", "https://example.com/#part", "https://exa mple.com/",
        "https://[::1]/", "https://127.0.0.1/", "https://2130706433/", "https://localhost/",
    ],
)  # fmt: skip
def test_a_url_that_must_not_be_posted_to_is_refused_by_name(world: World, url: str) -> None:
    ctx = replace(world.ctx, app=replace(world.app, webhook_sender=SafeSender()))
    with pytest.raises(OfferHubError, match="VALIDATION_ERROR"):
        webhook_endpoints.check_url(ctx, url)

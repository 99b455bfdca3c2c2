"""Outgoing webhooks to receivers that are away, flapping, rude or hostile, on a simulated clock.

The signatures are checked by the library that the marketplace would use, Svix's.
"""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any

import pytest
from svix.webhooks import Webhook, WebhookVerificationError

from offerhub.events import relay
from offerhub.providers.outgoing import SafeSender, sender
from offerhub.services import dead_letters, deliveries, users, webhook_endpoints
from offerhub.store import deliveries as store
from offerhub.store.database import connection
from tests.fixtures.proof import Figure
from tests.services.sending import send_all_due
from tests.services.world import World

pytestmark = pytest.mark.proves("F17")

HOUR_S = 3600
Answer = tuple[int, dict[str, str]]


@dataclass
class Sink:
    """A marketplace's endpoint. `answer` says what an attempt gets, by its number from 1."""

    url: str = ""
    answer: Callable[[int], Answer] = lambda _: (204, {})
    got: list[tuple[dict[str, str], bytes, float]] = field(default_factory=list)


@pytest.fixture
def sink(world: World) -> Iterator[Sink]:
    found = Sink()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {k.lower(): v for k, v in self.headers.items()}
            found.got.append((headers, body, world.clock.time()))
            status, more = found.answer(len(found.got))
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}/hooks"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()


def _sequence(world: World) -> None:
    token = relay.take_lease(holder="test", now_ms=world.app.now_ms())
    assert token is not None
    while relay.sequence_events(holder="test", token=token):
        pass


def _event(world: World, name: str) -> None:
    users.create_user(world.ctx, external_user_id=name, type="BUYER")
    _sequence(world)
    deliveries.fan_out(world.ctx)


def _endpoint(world: World, sink: Sink, *events: str) -> dict[str, Any]:
    _sequence(world)
    return webhook_endpoints.create_endpoint(
        world.ctx, url=sink.url, events=list(events or ("user.created",))
    )


def _run(world: World, *, lasting_h: float) -> None:
    """Attempt whatever falls due within so many simulated hours; the clock jumps between."""
    end = world.clock.time() + lasting_h * HOUR_S
    while send_all_due(world.ctx) or _jump(world, until=end):
        pass


def _jump(world: World, *, until: float) -> bool:
    """Skip to the next attempt; false when none is due before `until`, which is then now."""
    with connection():
        waiting = (
            store.WebhookDelivery.select(store.WebhookDelivery.next_attempt_at)
            .join(store.WebhookEndpoint, on=store.WebhookEndpoint.id == _ENDPOINT_ID)
            .where((store.WebhookDelivery.status == "PENDING") & store.WebhookEndpoint.enabled)
            .order_by(store.WebhookDelivery.next_attempt_at)
            .first()
        )
    at = waiting.next_attempt_at / 1000 if waiting is not None else until
    world.clock.skip(min(at, until) - world.clock.time() + 0.01)
    return waiting is not None and at < until


_ENDPOINT_ID = store.WebhookDelivery.endpoint_id


def _only(world: World, endpoint: dict[str, Any]) -> dict[str, Any]:
    (found,) = deliveries.list_deliveries(world.ctx, endpoint["id"]).items
    return dict(found)


def _verified(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """As Svix's library verifies it at the simulated time of the attempt."""
    signer = Webhook(secret)
    at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    fresh = {**headers, "webhook-timestamp": str(int(time.time()))}
    try:
        signer.verify(body, {**headers})
        return True
    except WebhookVerificationError:
        # The world's clock is ahead of the library's: then its own signature is compared.
        assert fresh["webhook-timestamp"] != headers["webhook-timestamp"]
        expected = signer.sign(headers["webhook-id"], at, body.decode())
        return expected in headers["webhook-signature"].split(" ")


def test_a_sink_that_is_down_for_80_hours_is_tried_on_schedule_then_switched_off_then_replayed(
    world: World, sink: Sink, figure: Figure
) -> None:
    endpoint = _endpoint(world, sink)
    sink.answer = lambda _: (503, {})
    _event(world, "one")
    began = world.clock.time()
    _run(world, lasting_h=84)
    times = [at - began for _, _, at in sink.got]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    planned = deliveries.SCHEDULE_S[: len(gaps)]
    for gap_s, plan_s in zip(gaps, planned, strict=True):
        assert plan_s <= gap_s <= plan_s * 1.1 + 3, (gap_s, plan_s)
    assert sum(deliveries.SCHEDULE_S) > 72 * HOUR_S, "three days, as published"
    assert times[-1] > 72 * HOUR_S, "it was given up too early"
    stamps = [int(headers["webhook-timestamp"]) for headers, _, _ in sink.got]
    assert stamps == sorted(set(stamps)), "each attempt has its own time"
    ids = {headers["webhook-id"] for headers, _, _ in sink.got}
    assert ids == {_only(world, endpoint)["event_id"]}
    assert len({body for _, body, _ in sink.got}) == 1
    assert all(_verified(endpoint["secret"], headers, body) for headers, body, _ in sink.got)
    shown = webhook_endpoints.get_endpoint(world.ctx, endpoint["id"])
    assert (shown["enabled"], shown["disabled_reason"]) == (
        False, "every attempt failed for three days",
    )  # fmt: skip
    tried = len(sink.got)
    _event(world, "two")
    _run(world, lasting_h=1)
    assert len(sink.got) == tried, "an endpoint that is off is left alone"

    sink.answer = lambda _: (204, {})
    webhook_endpoints.update_endpoint(world.ctx, endpoint["id"], enabled=True)
    dead = [
        one
        for one in dead_letters.list_dead_letters(world.ctx, limit=100).items
        if one["kind"] == "delivery"
    ]
    for one in dead:
        assert one["reason"] == "HTTP 503"
        dead_letters.retry(world.ctx, one["id"])
    deliveries.fan_out(world.ctx)
    _run(world, lasting_h=80)
    delivered = {json.loads(body)["payload"]["user"]["external_user_id"]
                 for _, body, _ in sink.got[tried:]}  # fmt: skip
    assert delivered == {"one", "two"}, "what happened meanwhile is delivered afterwards"
    assert dead_letters.list_dead_letters(world.ctx, limit=100).items == []
    figure("attempts", tried)
    figure("hours_down", times[-1] / HOUR_S)


def test_a_delivery_out_of_attempts_is_a_dead_letter_with_its_reason_and_can_be_replayed(
    world: World, sink: Sink
) -> None:
    """Another event that gets through now and then keeps the endpoint itself alive."""
    endpoint = _endpoint(world, sink)
    _event(world, "doomed")
    _event(world, "fine")
    doomed = next(
        d["id"] for d in deliveries.list_deliveries(world.ctx, endpoint["id"]).items[::-1]
    )
    sink.answer = lambda _: (500, {})
    for _ in range(len(deliveries.SCHEDULE_S) + 1):
        with connection():
            row = store.get(doomed)
        assert row is not None
        world.clock.skip((row.next_attempt_at or 0) / 1000 - world.clock.time() + 0.01)
        send_all_due(world.ctx)
        webhook_endpoints.update_endpoint(world.ctx, endpoint["id"], enabled=True)
    letters = {one["id"]: one for one in dead_letters.list_dead_letters(world.ctx, limit=100).items}
    assert letters[doomed]["reason"] == "HTTP 500"
    assert letters[doomed]["attempts"] == len(deliveries.SCHEDULE_S) + 1
    sink.answer = lambda _: (200, {})
    for id_ in letters:
        dead_letters.retry(world.ctx, id_)
    _run(world, lasting_h=84)
    assert dead_letters.list_dead_letters(world.ctx, limit=100).items == []
    listed = deliveries.list_deliveries(world.ctx, endpoint["id"]).items
    assert {d["status"] for d in listed} == {"SUCCEEDED"}


def test_a_flapping_sink_gets_every_event_and_is_never_switched_off(
    world: World, sink: Sink, figure: Figure
) -> None:
    endpoint = _endpoint(world, sink)
    statuses = (500, 204, 502, 504, 204, 408, 204)
    sink.answer = lambda n: (statuses[n % len(statuses)], {})
    for number in range(12):
        _event(world, f"user-{number}")
        _run(world, lasting_h=12)
    _run(world, lasting_h=60)
    listed = deliveries.list_deliveries(world.ctx, endpoint["id"], limit=100).items
    assert [one["status"] for one in listed] == ["SUCCEEDED"] * 12
    shown = webhook_endpoints.get_endpoint(world.ctx, endpoint["id"])
    assert (shown["enabled"], shown["failing_since"]) == (True, None)
    figure("attempts", len(sink.got))


@pytest.mark.parametrize("status", [429, pytest.param(503, marks=pytest.mark.full)])
def test_a_receiver_that_says_when_is_not_asked_before(
    world: World, sink: Sink, status: int
) -> None:
    _endpoint(world, sink)
    sink.answer = lambda n: (status, {"Retry-After": "1200"}) if n == 1 else (204, {})
    _event(world, "one")
    _run(world, lasting_h=1)
    first, second = (at for _, _, at in sink.got)
    assert second - first >= 1200


@pytest.mark.parametrize(
    "status", [429, *(pytest.param(one, marks=pytest.mark.full) for one in (502, 504))]
)
def test_a_receiver_that_is_overloaded_gets_its_other_events_later_too(
    world: World, sink: Sink, status: int
) -> None:
    """One after the other: a hundred events are no reason to knock a hundred times."""
    _endpoint(world, sink)
    sink.answer = lambda _: (status, {"Retry-After": "600"})
    for number in range(8):
        users.create_user(world.ctx, external_user_id=f"u{number}", type="BUYER")
    _sequence(world)
    deliveries.fan_out(world.ctx)
    while send_all_due(world.ctx, limit=5):
        pass
    assert len(sink.got) == 1
    sink.answer = lambda _: (204, {})
    _run(world, lasting_h=24)
    assert len({headers["webhook-id"] for headers, _, _ in sink.got}) == 8


def test_410_switches_the_endpoint_off_at_once(world: World, sink: Sink) -> None:
    endpoint = _endpoint(world, sink)
    sink.answer = lambda _: (410, {})
    _event(world, "one")
    _run(world, lasting_h=80)
    assert len(sink.got) == 1
    shown = webhook_endpoints.get_endpoint(world.ctx, endpoint["id"])
    assert (shown["enabled"], shown["disabled_reason"]) == (False, "the endpoint answered 410 Gone")


def test_both_secrets_sign_for_a_day_after_a_rotation_and_then_the_new_one_alone(
    world: World, sink: Sink
) -> None:
    endpoint = _endpoint(world, sink)
    old = endpoint["secret"]
    new = webhook_endpoints.rotate_secret(world.ctx, endpoint["id"])["secret"]
    seen = []
    for name, skip_h in (("at once", 0), ("within a day", 23), ("after it", 2)):
        world.clock.skip(skip_h * HOUR_S)
        _event(world, name)
        _run(world, lasting_h=0.01)
        headers, body, _ = sink.got[-1]
        seen.append((_verified(old, headers, body), _verified(new, headers, body)))
    assert seen == [(True, True), (True, True), (False, True)]


class _Trap:
    """Listens where nothing may ever connect."""

    def __init__(self, host: str) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._server = socket.create_server((host, 0), family=family)
        self._server.settimeout(0.05)
        self.port = self._server.getsockname()[1]

    def was_connected_to(self) -> bool:
        try:
            self._server.accept()[0].close()
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        self._server.close()


@pytest.fixture
def traps() -> Iterator[list[_Trap]]:
    made = [_Trap("127.0.0.1"), *([_Trap("::1")] if socket.has_ipv6 else [])]
    yield made
    for one in made:
        one.close()


PRIVATE = (
    ["127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"], ["::ffff:7f00:1"], ["64:ff9b::7f00:1"],
    ["2002:7f00:1::"], ["169.254.169.254"], ["10.0.0.1"], ["0.0.0.0"], ["::"],
    ["93.184.216.34", "127.0.0.1"], ["127.0.0.1", "93.184.216.34"], ["fe80::1%lo"],
)  # fmt: skip


def test_no_name_leads_to_a_private_address(
    world: World, traps: list[_Trap], figure: Figure
) -> None:
    """Rebinding: what counts is not what the name said when the endpoint was made."""
    now: list[str] = ["93.184.216.34"]
    safe = SafeSender(resolve=lambda host, port: list(now))
    ctx = replace(world.ctx, app=replace(world.app, webhook_sender=safe))
    _sequence(world)
    url = f"https://rebinding.example.com:{traps[0].port}/"
    webhook_endpoints.check_url(ctx, url)
    endpoint = webhook_endpoints.create_endpoint(ctx, url=url, events=["user.created"])
    _event(world, "one")
    delivery = _only(world, endpoint)
    for addresses in PRIVATE:
        now[:] = addresses
        deliveries.replay(ctx, delivery["id"])
        assert send_all_due(ctx) == 1
        shown = _only(world, endpoint)
        assert (shown["status"], shown["last_status_code"]) == ("PENDING", None), addresses
        assert "private or reserved" in shown["last_error"], addresses
    connected = sum(trap.was_connected_to() for trap in traps)
    assert connected == 0
    figure("private_addresses_refused", len(PRIVATE))
    figure("private_connections", connected)


def test_a_redirect_to_a_link_local_address_is_a_failure_and_is_not_followed(
    world: World, sink: Sink, traps: list[_Trap]
) -> None:
    endpoint = _endpoint(world, sink)
    places = ("http://169.254.169.254/latest", f"http://127.0.0.1:{traps[0].port}/", "//[::1]/")
    sink.answer = lambda n: (301 + n % 3, {"Location": places[n % 3]})
    _event(world, "one")
    for _ in range(3):
        send_all_due(world.ctx)
        world.clock.skip(HOUR_S)
    shown = _only(world, endpoint)
    assert (shown["status"], shown["attempts"]) == ("PENDING", 3)
    assert not any(trap.was_connected_to() for trap in traps)


def test_a_receiver_that_answers_byte_by_byte_holds_nobody_up_for_long(
    world: World, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "ATTEMPT_TIMEOUT_S", 0.6)
    listening = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        connection_, _ = listening.accept()
        with connection_:
            try:
                for byte in b"HTTP/1.1 200 OK\r\nX: " + b"y" * 10_000:
                    connection_.sendall(bytes([byte]))
                    time.sleep(0.02)
            except OSError:
                return

    threading.Thread(target=drip, daemon=True).start()
    slow = Sink(url=f"http://127.0.0.1:{listening.getsockname()[1]}/")
    first, second = _endpoint(world, slow), _endpoint(world, sink)
    _event(world, "one")
    began = time.monotonic()
    assert send_all_due(world.ctx) == 2
    assert time.monotonic() - began < 5
    assert _only(world, first)["last_error"] == "ReadTimeout"
    assert _only(world, second)["status"] == "SUCCEEDED"
    listening.close()

"""Airtm's webhooks and rate limit as the sandbox plays them, against our verifier and limiter."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import redis

from offerhub.ports.errors import ProviderFailure
from offerhub.ports.webhooks import SignatureInvalid
from offerhub.providers.airtm import AirtmWebhooks, build_airtm
from offerhub.providers.limiter import RedisLimiter
from offerhub.sandbox.knobs import AirtmKnobs, WebhookKnobs
from offerhub.sandbox.webhook_queue import Target
from tests.contracts.payments_world import AirtmInSandbox, airtm_in_sandbox

SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

Received = list[tuple[dict[str, str], bytes]]


@pytest.fixture
def receiver() -> Iterator[tuple[str, Received]]:
    """The URL of an endpoint that takes everything, and what it took."""
    received: Received = []

    class Take(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((dict(self.headers.items()), body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Take)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/webhooks/airtm", received
    server.shutdown()
    thread.join(timeout=5)
    server.server_close()


@pytest.fixture
def world() -> Iterator[AirtmInSandbox]:
    with airtm_in_sandbox() as made:
        yield made


def wait_for(received: Received, count: int) -> None:
    ends_s = time.monotonic() + 5
    while len(received) < count and time.monotonic() < ends_s:
        time.sleep(0.01)
    assert len(received) >= count


@pytest.mark.parametrize("family", ["svix", "webhook", "both"])
def test_every_webhook_of_a_payin_verifies(
    world: AirtmInSandbox, receiver: tuple[str, Received], family: str
) -> None:
    url, received = receiver
    world.server.knobs.change(WebhookKnobs, {"header_family": family, "two_signatures": True})
    world.server.webhook_queue.set_target(Target(url, SECRET))
    world.payments.create_payin(
        code="topup_1",
        amount_stroops=500_000_000,
        description="Top-up",
        confirmed_url="https://shop.example/ok",
        canceled_url="https://shop.example/no",
    )
    world.pay("topup_1")
    wait_for(received, 2)
    verifier = AirtmWebhooks(SECRET)
    events = [verifier.verify(headers, body, now_s=int(time.time())) for headers, body in received]
    assert {event.event_type for event in events} == {"payin.created", "payin.confirmed"}
    assert {event.code for event in events} == {"topup_1"}
    assert len({event.event_id for event in events}) == len(events)


@pytest.mark.parametrize("knob", ["corrupt_signature", "old_timestamp"])
def test_what_the_sandbox_spoils_is_refused(
    world: AirtmInSandbox, receiver: tuple[str, Received], knob: str
) -> None:
    url, received = receiver
    world.server.knobs.change(WebhookKnobs, {knob: -1})
    world.server.webhook_queue.set_target(Target(url, SECRET))
    world.payments.create_payout(
        code="wd_1", amount_stroops=200_000_000, recipient_email=world.friend, note="Withdrawal"
    )
    wait_for(received, 1)
    with pytest.raises(SignatureInvalid):
        AirtmWebhooks(SECRET).verify(*received[0], now_s=int(time.time()))


def test_calls_of_several_threads_never_break_airtm_s_rate_limit(redis_url: str) -> None:
    failures: list[ProviderFailure] = []
    with airtm_in_sandbox(knobs=AirtmKnobs(enforce_rate_limits=True)) as world:

        def ask() -> None:
            client = redis.Redis.from_url(redis_url, socket_timeout=1.0)
            payments = build_airtm(
                base_url=world.server.airtm_base_url,
                api_key="key",
                api_secret="s3cret",
                checkout_url_template=world.server.checkout_url_template,
                limiter=RedisLimiter(client, {"airtm": (10, 1.0)}, longest_wait_s=5.0),
            )
            for _ in range(8):
                try:
                    payments.ping()
                except ProviderFailure as failure:
                    failures.append(failure)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert world.calls() == 32
    assert failures == []

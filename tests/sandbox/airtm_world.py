"""A running sandbox and a webhook receiver for tests of the Airtm half."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
from svix.webhooks import Webhook

from offerhub.sandbox.config import SandboxConfig
from offerhub.sandbox.knobs import AirtmKnobs, WebhookKnobs
from offerhub.sandbox.server import SandboxServer

KEY, SECRET, TRUSTLESS_WORK_KEY = "test-key", "test-secret", "test-tw-key"
WEBHOOK_SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


class Received:
    """One webhook as it arrived."""

    def __init__(self, headers: dict[str, str], body: bytes) -> None:
        self.headers = headers
        self.body = body
        self.json = json.loads(body)

    @property
    def type(self) -> str:
        return self.json["type"]

    def verify(self) -> None:
        """Raises WebhookVerificationError of the `svix` library unless the signature is good."""
        Webhook(WEBHOOK_SECRET).verify(self.body, self.headers)


class Sink:
    """A webhook receiver; `answers` are the statuses of the next deliveries, then 200."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answers: list[int] = []
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                sink.received.append(Received(headers, body))
                self.send_response(sink.answers.pop(0) if sink.answers else 200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hooks"
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    def types(self) -> list[str]:
        return [received.type for received in self.received]

    def wait_for(self, count: int) -> list[Received]:
        until(lambda: len(self.received) >= count)
        return self.received

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def until(condition: Callable[[], bool], *, timeout_s: float = 10.0) -> None:
    """Wait until `condition` holds; fail the test when it does not in time."""
    end_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end_s, "it did not happen in time"
        time.sleep(0.01)


def config(**changes: Any) -> SandboxConfig:
    """A quick sandbox without rate limits; `changes` as in SandboxConfig."""
    defaults: dict[str, Any] = {
        "airtm_key": KEY,
        "airtm_secret": SECRET,
        "trustless_work_api_key": TRUSTLESS_WORK_KEY,
        "ledger_interval_ms": 0,
        "enforce_rate_limits": False,
        "airtm_knobs": AirtmKnobs(payout_step_delay_ms=20),
        "webhook_knobs": WebhookKnobs(retry_scale_percent=1),
    }
    return SandboxConfig(**{**defaults, **changes})


@contextmanager
def running(**changes: Any) -> Iterator[SandboxServer]:
    server = SandboxServer(config(**changes))
    server.start()
    try:
        yield server
    finally:
        server.stop()


def airtm_client(server: SandboxServer) -> httpx.Client:
    return httpx.Client(
        base_url=server.airtm_base_url, auth=(KEY, SECRET), timeout=10, verify=False
    )


def control_client(server: SandboxServer) -> httpx.Client:
    return httpx.Client(base_url=server.control_url, timeout=10, verify=False)


def payin_body(code: str = "topup_1", amount: float = 50.0, **changes: Any) -> dict[str, Any]:
    return {
        "code": code,
        "amount": amount,
        "description": "Wallet top-up",
        "items": [{"description": "Wallet top-up", "amount": amount, "quantity": 1}],
        "confirmationUri": "https://pay.shop.example/return",
        "cancelUri": "https://pay.shop.example/cancel",
        **changes,
    }


def payout_body(code: str = "wd_1", amount: float = 20.0, **changes: Any) -> dict[str, Any]:
    return {
        "code": code,
        "airtmUserEmail": "seller@example.com",
        "amount": amount,
        "notes": f"Withdrawal {code}",
        **changes,
    }

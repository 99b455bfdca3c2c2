"""The marketplace's end of webhooks: what it believes, what it does not, what was only cut off."""

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx
import pytest
from standardwebhooks import Webhook

from proof.rig.sink import Sink

SECRET = "whsec_" + "c2VjcmV0" * 4
BODY = json.dumps({"event_id": "evt_1"}).encode()


@pytest.fixture
def sink() -> Iterator[Sink]:
    opened = Sink()
    opened.trust(SECRET)
    yield opened
    opened.close()


def _headers() -> dict[str, str]:
    now = datetime.now(UTC)
    signature = Webhook(SECRET).sign("msg_1", now, BODY.decode())
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }


def test_what_was_signed_is_remembered_and_what_was_changed_is_named(sink: Sink) -> None:
    assert httpx.post(sink.url, content=BODY, headers=_headers()).status_code == 204
    assert httpx.post(sink.url, content=BODY + b" ", headers=_headers()).status_code == 401
    assert sink.seen == {"evt_1": 1}
    assert sink.forged == [f"no signature matches ({len(BODY) + 1} bytes)"]


def test_a_body_that_ends_too_soon_is_no_forgery(sink: Sink) -> None:
    address = urlsplit(sink.url)
    lines = [f"{name}: {value}" for name, value in _headers().items()]
    head = "\r\n".join(
        ["POST /webhooks HTTP/1.1", "Host: x", f"Content-Length: {len(BODY)}", *lines]
    )
    with socket.create_connection((address.hostname, address.port)) as sender:
        sender.sendall(f"{head}\r\n\r\n".encode() + BODY[:5])
        sender.shutdown(socket.SHUT_WR)
        assert sender.recv(1000) == b""  # nobody is left to be answered
    assert (sink.cut_off, sink.forged, dict(sink.seen)) == (1, [], {})


def test_before_a_secret_is_known_nothing_is_judged() -> None:
    untold = Sink()
    try:
        assert httpx.post(untold.url, content=BODY, headers=_headers()).status_code == 503
        assert (untold.forged, dict(untold.seen)) == ([], {})
    finally:
        untold.close()

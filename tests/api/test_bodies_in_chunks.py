"""Bodies without a length, as gunicorn hands them on: read whole, or refused."""

import json
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from gunicorn.http.body import Body, ChunkedReader
from gunicorn.http.unreader import IterUnreader
from werkzeug.test import TestResponse

from offerhub.api.app import MAX_BODY_BYTES
from tests.api import conformance
from tests.api.caller import BASE, Caller, code

USER = json.dumps({"external_user_id": "ana", "type": "BOTH"}).encode()
GARBLED = [
    b"zz\r\nab\r\n0\r\n\r\n",
    b"-2\r\nab\r\n0\r\n\r\n",
    b"2\r\nabXX0\r\n\r\n",
    b"2;a\rb\r\nab\r\n0\r\n\r\n",
    b"5\r\nab",
    b"",
]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One is enough: what is refused here is refused before any database is asked."""
    return sqlite_url


def _send(api: Caller, path: str, wire: bytes) -> TestResponse:
    """A request whose body arrives as gunicorn reads it from a connection."""
    unreader = IterUnreader(iter([wire[at : at + 8192] for at in range(0, len(wire), 8192)]))
    request = SimpleNamespace(limit_request_fields=100, limit_request_field_size=8190)
    answer = api.flask_app.test_client().open(
        BASE + path,
        method="POST",
        headers={"Authorization": f"Bearer {api.key}", "Content-Type": "application/json"},
        environ_overrides={
            "wsgi.input": Body(ChunkedReader(request, unreader)),
            "wsgi.input_terminated": True,
            "HTTP_TRANSFER_ENCODING": "chunked",
        },
    )
    conformance.check(answer)
    return answer


def _chunks(body: bytes, size: int = 65_536) -> bytes:
    def parts() -> Iterator[bytes]:
        for at in range(0, len(body), size):
            part = body[at : at + size]
            yield b"%x\r\n%b\r\n" % (len(part), part)

    return b"".join(parts()) + b"0\r\n\r\n"


def test_a_body_in_chunks_is_read(api: Caller) -> None:
    assert _send(api, "/users", _chunks(USER, size=7)).status_code == 201


def test_chunks_that_make_no_sense_are_the_clients_fault(api: Caller) -> None:
    for path in ("/users", "/webhooks/airtm", "/webhooks/trustless-work"):
        for wire in GARBLED:
            answer = _send(api, path, wire)
            # 503: that receiver has no secret, and says so first.
            assert answer.status_code in {400, 503}, (path, wire, answer.text)
            assert code(answer) != "INTERNAL_ERROR"


def test_a_body_beyond_the_limit_is_refused_and_not_cut(api: Caller) -> None:
    most = USER.ljust(MAX_BODY_BYTES)
    for path in ("/users", "/webhooks/airtm"):
        assert _send(api, path, _chunks(most + b" ")).status_code == 413
        assert _send(api, path, _chunks(most + b"}")).status_code == 413
        assert _send(api, path, _chunks(most)).status_code in {201, 400}

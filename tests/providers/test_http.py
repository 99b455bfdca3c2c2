"""The outbound client: every way in which a call can go wrong, and what it then claims."""

import contextlib
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

import pytest

from offerhub.ports.errors import (
    OutcomeUnknown,
    ProviderFailure,
    RateLimited,
    Rejected,
    Unavailable,
)
from offerhub.providers import jsontext
from offerhub.providers.answers import Answer, retry_after_s
from offerhub.providers.http import HttpClient
from tests.fixtures.ports import free_port
from tests.providers.raw_server import (
    RawServer,
    Reply,
    answer,
    drip,
    hang_up,
    raw_server,
    reset,
    silence,
)

Serve = Callable[[Reply], RawServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    open_servers = []

    def start(reply: Reply) -> RawServer:
        manager = raw_server(reply)
        server = manager.__enter__()
        open_servers.append(manager)
        return server

    yield start
    for manager in open_servers:
        manager.__exit__(None, None, None)


def client(base_url: str, **options: Any) -> HttpClient:
    return HttpClient(
        **{
            "provider": "acme",
            "base_url": base_url,
            "read_timeout_s": 0.3,
            "deadline_s": 2.0,
            **options,
        }
    )


def failure_of(call: Callable[[], object]) -> ProviderFailure:
    with pytest.raises(ProviderFailure) as caught:
        call()
    return caught.value


def test_a_good_answer_is_parsed_without_floats(serve: Serve) -> None:
    server = serve(answer(200, '{"amount": 48.75, "count": 2}'))
    body = client(server.url).get("/things").body
    assert body == {"amount": Decimal("48.75"), "count": 2}
    assert type(body["amount"]) is Decimal


def test_money_goes_out_as_an_exact_number_and_the_rest_as_json(serve: Serve) -> None:
    server = serve(answer(200, "{}"))
    client(server.url).call("POST", "/pay", json={"amount": Decimal("50.00"), "n": [1, None, True]})
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert body == b'{"amount":50.00,"n":[1,null,true]}'
    assert b"content-type: application/json" in head.lower()


def test_a_form_goes_out_url_encoded(serve: Serve) -> None:
    server = serve(answer(200, "{}"))
    client(server.url).call("POST", "/transactions", form={"tx": "AA+/="})
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert body == b"tx=AA%2B%2F%3D"
    assert b"application/x-www-form-urlencoded" in head.lower()


def test_path_values_are_single_encoded_segments_under_the_base_path(serve: Serve) -> None:
    server = serve(answer(200, "{}"))
    client(server.url + "/v2/").get(
        "/users/{email}", path={"email": "a+b/c@x.io"}, query={"q": "1 2"}
    )
    assert server.requests[0].startswith(b"GET /v2/users/a%2Bb%2Fc%40x.io?q=1")


@pytest.mark.parametrize("segment", ["", ".", ".."])
def test_a_path_value_that_would_address_something_else_is_refused(segment: str) -> None:
    with pytest.raises(ValueError, match="id is no path segment"):
        client("http://127.0.0.1:1").get("/payins/{id}", path={"id": segment})


def test_basic_credentials_and_headers_are_sent(serve: Serve) -> None:
    server = serve(answer(200, "{}"))
    client(server.url, basic_auth=("key", "pass"), headers={"x-api-key": "k"}).get("/me")
    assert b"authorization: basic a2v5onbhc3m=" in server.requests[0].lower()
    assert b"x-api-key: k" in server.requests[0].lower()


@pytest.mark.parametrize(
    "base_url",
    ["ftp://x", "example.org", "https://", "https://u:p@example.org", "https://example.org?a=1"],
)
def test_a_base_url_that_cannot_be_right_is_refused(base_url: str) -> None:
    with pytest.raises(ValueError, match="base URL"):
        client(base_url)


def test_a_refused_connection_means_that_nothing_happened() -> None:
    nobody = client(f"http://127.0.0.1:{free_port()}")
    failure = failure_of(lambda: nobody.call("POST", "/pay", json={}))
    assert type(failure) is Unavailable
    assert failure.provider == "acme"


def test_a_name_that_does_not_resolve_means_that_nothing_happened() -> None:
    failure = failure_of(lambda: client("http://nowhere.invalid").call("POST", "/pay", json={}))
    assert type(failure) is Unavailable


def test_a_connection_that_nobody_takes_means_that_nothing_happened() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        slow = client(f"http://127.0.0.1:{port}", connect_timeout_s=0.2)
        failure = failure_of(lambda: slow.call("POST", "/pay", json={}))
        for one in waiting:
            one.close()
    assert type(failure) is Unavailable
    assert "ConnectTimeout" in failure.message


BROKEN: dict[str, Reply] = {
    "silence": silence,
    "reset": reset,
    "hang up": hang_up,
    "not http": lambda connection: connection.sendall(b"hello there\r\n\r\n"),
    "cut off in the head": lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nConte"),
    "cut off in the body": answer(200, '{"id": "1', length=50),
    "cut off json": answer(200, '{"id": "1'),
    "empty 200": answer(200, ""),
    "html 200": answer(200, "<html>hello</html>"),
    "not a number": answer(200, '{"amount": NaN}'),
    "nested too deeply": answer(200, "[" * 200_000),
    "html 502": answer(502, "<html>Bad Gateway</html>"),
    "json 500": answer(500, '{"message": "oops"}'),
    "504": answer(504),
    "html 404": answer(404, "<html>no such host</html>"),
    "json 408": answer(408, "{}"),
    "redirect": answer(302, "", Location="http://127.0.0.1:1/"),
    "see other": answer(303, "{}", Location="http://127.0.0.1:1/"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_answer_to_a_change_leaves_the_outcome_unknown(serve: Serve, name: str) -> None:
    server = serve(BROKEN[name])
    failure = failure_of(lambda: client(server.url).call("POST", "/pay", json={}))
    assert type(failure) is OutcomeUnknown
    assert len(server.requests) == 1, "a change is never sent twice"


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_answer_to_a_read_is_unavailable(serve: Serve, name: str) -> None:
    server = serve(BROKEN[name])
    assert type(failure_of(lambda: client(server.url).get("/things"))) is Unavailable


def test_a_post_that_changes_nothing_fails_like_a_read(serve: Serve) -> None:
    server = serve(hang_up)
    failure = failure_of(lambda: client(server.url).call("POST", "/build", json={}, changes=False))
    assert type(failure) is Unavailable


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_every_writing_method_counts_as_a_change(serve: Serve, method: str) -> None:
    server = serve(hang_up)
    assert type(failure_of(lambda: client(server.url).call(method, "/x"))) is OutcomeUnknown


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
def test_a_refusal_in_json_is_final(serve: Serve, status: int) -> None:
    server = serve(answer(status, '{"error": "no"}'))
    failure = failure_of(lambda: client(server.url).call("POST", "/pay", json={}))
    assert type(failure) is Rejected
    assert failure.error_code == "PROVIDER_ERROR"


def test_429_says_when_to_come_back_and_that_nothing_happened(serve: Serve) -> None:
    server = serve(answer(429, "slow down", Retry_After="7"))
    failure = failure_of(lambda: client(server.url).call("POST", "/pay", json={}))
    assert type(failure) is RateLimited
    assert failure.retry_after_s == 7


def test_an_accepted_status_comes_back_for_the_caller_to_judge(serve: Serve) -> None:
    for status in (404, 503):
        server = serve(answer(status, '{"detail": 1}'))
        got = client(server.url).call("POST", "/x", json={}, accept={404, 503})
        assert (got.status, got.body, got.is_json) == (status, {"detail": 1}, True)


def test_an_accepted_status_may_have_a_body_that_is_not_json(serve: Serve) -> None:
    got = client(serve(answer(404, "gone")).url).get("/x", accept={404})
    assert (got.body, got.is_json) == (None, False)


def test_the_judge_decides_before_the_table(serve: Serve) -> None:
    asked = []

    def judge(given: Answer, changes: bool) -> ProviderFailure | None:
        asked.append((given.status, given.body, changes))
        return Rejected("known", provider="acme", code="E1", error_code="INVALID_AMOUNT")

    server = serve(answer(500, '{"code": "E1"}'))
    failure = failure_of(lambda: client(server.url, judge=judge).call("POST", "/pay", json={}))
    assert isinstance(failure, Rejected)
    assert failure.error_code == "INVALID_AMOUNT"
    assert asked == [(500, {"code": "E1"}, True)]


def test_204_and_any_body_need_no_json(serve: Serve) -> None:
    assert client(serve(answer(204)).url).call("DELETE", "/x").body is None
    got = client(serve(answer(201, "done")).url).call("POST", "/x", any_body=True)
    assert got.status == 201


def test_a_large_body_is_not_read_to_its_end(serve: Serve) -> None:
    server = serve(answer(200, b'"' + b"x" * 5_000_000 + b'"'))
    small = client(server.url, max_body_bytes=100_000)
    failure = failure_of(lambda: small.get("/x"))
    assert type(failure) is Unavailable
    assert "larger than allowed" in failure.message


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + b"X-Pad: " + b"p" * 500,
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + b" " * 500,
    ],
    ids=["in the head", "in the body"],
)
def test_a_server_that_drips_is_left_at_the_total_deadline(serve: Serve, data: bytes) -> None:
    server = serve(drip(data, every_s=0.02))
    patient = client(server.url, read_timeout_s=5.0, deadline_s=0.5)
    started_s = time.monotonic()
    failure = failure_of(lambda: patient.call("POST", "/pay", json={}))
    assert type(failure) is OutcomeUnknown
    assert 0.4 < time.monotonic() - started_s < 2.0


def test_a_silent_server_is_left_at_the_total_deadline_if_that_is_sooner(serve: Serve) -> None:
    patient = client(serve(silence).url, read_timeout_s=5.0, deadline_s=0.3)
    started_s = time.monotonic()
    failure_of(lambda: patient.get("/x"))
    assert time.monotonic() - started_s < 2.0


GREENLETS = """
from gevent import monkey
monkey.patch_all()
import time
import gevent
from gevent.pywsgi import WSGIServer
from offerhub.ports.errors import Unavailable
from offerhub.providers.http import HttpClient

def slow(environ, start_response):
    gevent.sleep(0.4)
    start_response("200 OK", [("Content-Type", "application/json")])
    return [b"{}"]

server = WSGIServer(("127.0.0.1", 0), slow, log=None)
server.start()
url = f"http://127.0.0.1:{server.server_port}"
http = HttpClient(provider="acme", base_url=url, deadline_s=3.0)
hasty = HttpClient(provider="acme", base_url=url, deadline_s=0.1)

def give_up():
    try:
        hasty.get("/x")
    except Unavailable:
        return "gave up"

started_s = time.monotonic()
calls = [gevent.spawn(http.get, "/x") for _ in range(10)] + [gevent.spawn(give_up)]
gevent.joinall(calls)
assert [call.value.status for call in calls[:10]] == [200] * 10
assert calls[10].value == "gave up"
assert time.monotonic() - started_s < 2.0, "the calls did not run side by side"
"""


def test_greenlets_call_side_by_side_and_each_keeps_its_own_deadline() -> None:
    done = subprocess.run(
        [sys.executable, "-c", GREENLETS], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_deadline_of_one_call_does_not_reach_into_the_next(serve: Serve) -> None:
    http = client(serve(answer(200, "{}")).url, deadline_s=0.3)
    http.get("/x")
    time.sleep(0.35)
    assert http.get("/x").status == 200


def test_every_call_is_logged_by_its_template_and_without_secrets(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve(answer(404, '{"message": "no ana@example.com"}'))
    http = client(server.url, basic_auth=("the-key", "the-secret"))
    with caplog.at_level(logging.DEBUG):
        failure_of(lambda: http.get("/users/{email}", path={"email": "ana@example.com"}))
    written = " ".join(str(vars(record)) for record in caplog.records)
    for private in ("ana", "the-key", "the-secret", "Basic"):
        assert private not in written
    record = next(record for record in caplog.records if record.msg == "provider.call")
    seen = {
        name: vars(record)[name] for name in ("provider", "method", "path", "status", "outcome")
    }
    assert seen == {
        "provider": "acme",
        "method": "GET",
        "path": "/users/{email}",
        "status": 404,
        "outcome": "rejected",
    }
    assert isinstance(vars(record)["ms"], int)


def test_the_hook_hears_every_outcome(serve: Serve) -> None:
    heard: list[tuple[str, str]] = []

    def hook(provider: str, outcome: str, seconds: float) -> None:
        assert seconds >= 0
        heard.append((provider, outcome))

    for reply in (answer(200, "{}"), answer(400, "{}"), answer(429), hang_up):
        http = client(serve(reply).url, on_call=hook)
        with contextlib.suppress(ProviderFailure):
            http.call("POST", "/x", json={})
    nobody = client(f"http://127.0.0.1:{free_port()}", on_call=hook)
    failure_of(lambda: nobody.get("/x"))
    assert heard == [
        ("acme", word) for word in ("ok", "rejected", "rate_limited", "unknown", "unavailable")
    ]


def test_a_forked_child_opens_connections_of_its_own(serve: Serve) -> None:
    http = client(serve(answer(200, "{}")).url)
    http.get("/x")
    before = http._connections()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, b"1" if http._connections() is not before else b"0")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 1) == b"1"
    assert http._connections() is before
    os.close(reader)
    os.close(writer)


def test_threads_share_one_client(serve: Serve) -> None:
    http = client(serve(answer(200, '{"ok": true}')).url, read_timeout_s=5.0, deadline_s=5.0)
    bodies: list[Any] = []
    threads = [
        threading.Thread(target=lambda: bodies.append(http.get("/x").body)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bodies == [{"ok": True}] * 8


def test_a_closed_client_opens_again(serve: Serve) -> None:
    http = client(serve(answer(200, "{}")).url)
    http.get("/x")
    http.close()
    assert http.get("/x").status == 200


@pytest.mark.parametrize(
    ("text", "seconds"), [(None, None), ("3", 3), ("soon", None), ("999999", 3600), ("-1", None)]
)
def test_retry_after_in_seconds(text: str | None, seconds: float | None) -> None:
    assert retry_after_s(text) == seconds


def test_retry_after_as_a_date() -> None:
    ahead = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    past = format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True)
    assert 27 <= (retry_after_s(ahead) or 0) <= 30
    assert retry_after_s(past) == 0


@pytest.mark.parametrize(
    "value", [1.5, {"a": 0.1}, Decimal("NaN"), Decimal("Infinity"), {1: 2}, b"x"]
)
def test_what_is_not_exact_json_is_not_written(value: Any) -> None:
    with pytest.raises(TypeError):
        jsontext.encode(value)


def test_written_json_reads_back_the_same() -> None:
    value = {"a": Decimal("0.10"), "b": ['ä"\\\n', {}, [], -7, None, False], "c": Decimal("1E+3")}
    text = jsontext.encode(value)
    assert json.loads(text, parse_float=Decimal) == {**value, "c": 1000}
    assert '"a":0.10' in text

"""WSGI layer in front of the providers' paths: journals every call and spoils those a rule names.

It aborts connections for real, so it needs the sandbox's own server (`http_server`) under it.
"""

import socket
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from offerhub.sandbox import wire
from offerhub.sandbox.calls import Call, CallJournal
from offerhub.sandbox.faults import FaultRule, FaultRules

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PREFIXES = {
    "/airtm/": "airtm",
    "/trustless-work/": "trustless_work",
    "/horizon/": "horizon",
}

GATEWAY_PAGE = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n"
    "<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr></body>\r\n</html>\r\n"
)
WRONG_BODY = {"result": ["this is not the answer", 42], "ok": True}


class ConnectionDropped(ConnectionAbortedError):
    """Raised to make the server close the connection with nothing more sent."""


class ProviderWire:
    """Wraps the sandbox's application; paths outside the providers' pass through untouched."""

    def __init__(self, app: "WSGIApplication", *, rules: FaultRules, journal: CallJournal) -> None:
        self._app = app
        self._rules = rules
        self._journal = journal

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        path, method = environ.get("PATH_INFO", ""), environ["REQUEST_METHOD"]
        provider = _provider_of(path)
        if provider is None:
            return self._app(environ, start_response)
        call = self._journal.begin(
            provider=provider, method=method, path=path, query=environ.get("QUERY_STRING", "")
        )
        rule = self._rules.use(provider=provider, method=method, path=path)
        if rule is None:
            return self._app(environ, _noting(start_response, call))
        call.fault = rule.kind
        if rule.kind == "delay":
            time.sleep(rule.delay_s)
            return self._app(environ, _noting(start_response, call))
        if rule.kind.endswith("_after"):
            return self._spoil_answer(rule, call, environ, start_response)
        return _refuse(rule, call, environ, start_response)

    def _spoil_answer(
        self,
        rule: FaultRule,
        call: Call,
        environ: "WSGIEnvironment",
        start_response: "StartResponse",
    ) -> Iterable[bytes]:
        answer = Response.from_app(self._app, environ)
        call.effect_status = answer.status_code
        if answer.mimetype == "text/event-stream":
            call.status = answer.status_code
            return _cut_stream(answer, rule, environ, start_response)
        body = answer.get_data()
        if rule.kind == "timeout_after":
            time.sleep(rule.delay_s)
            raise ConnectionDropped
        if rule.kind == "reset_after":
            _reset_on_close(environ)
            raise ConnectionDropped
        if rule.kind == "truncated_after":
            if not body:
                raise ConnectionDropped  # There is no half of nothing.
            call.status = answer.status_code
            headers = [*answer.headers.to_wsgi_list()]
            start_response(answer.status, headers)
            return _half_of(body)
        spoilt = {
            "wrong_body_after": lambda: _json(WRONG_BODY, status=200),
            "error_500_after": lambda: _provider_error(call.provider, status=500),
            "html_502_after": _gateway_page,
        }[rule.kind]()
        call.status = spoilt.status_code
        return spoilt(environ, start_response)


def _refuse(
    rule: FaultRule, call: Call, environ: "WSGIEnvironment", start_response: "StartResponse"
) -> Iterable[bytes]:
    if rule.kind == "timeout_before":
        time.sleep(rule.delay_s)
        raise ConnectionDropped
    status = {"error_500_before": 500, "error_503_before": 503, "rate_limited": 429}.get(rule.kind)
    refusal = _gateway_page() if status is None else _provider_error(call.provider, status=status)
    call.status = refusal.status_code
    return refusal(environ, start_response)


def _half_of(body: bytes) -> Iterator[bytes]:
    yield body[: len(body) // 2]
    raise ConnectionDropped


def _cut_stream(
    answer: Response,
    rule: FaultRule,
    environ: "WSGIEnvironment",
    start_response: "StartResponse",
) -> Iterator[bytes]:
    """Pass an event stream on for delay_s, then break it as the rule says."""
    start_response(answer.status, answer.headers.to_wsgi_list())
    end_s = time.monotonic() + rule.delay_s
    try:
        for chunk in answer.response:
            if time.monotonic() >= end_s:
                break
            yield chunk.encode() if isinstance(chunk, str) else chunk
    finally:
        answer.close()
    if rule.kind == "reset_after":
        _reset_on_close(environ)
    raise ConnectionDropped


def _reset_on_close(environ: "WSGIEnvironment") -> None:
    """Make closing this connection send RST, which is what a crashed peer looks like."""
    connection: socket.socket = environ["werkzeug.socket"]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _provider_error(provider: str, *, status: int) -> Response:
    name = {429: "Too Many Requests", 500: "Internal Server Error", 503: "Service Unavailable"}
    bodies: dict[str, Callable[[], dict[str, Any]]] = {
        "airtm": lambda: {
            "code": {500: "415998", 503: "415003"}.get(status, str(status)),
            "message": name[status],
        },
        "trustless_work": lambda: (
            {"statusCode": 429, "message": "ThrottlerException: Too Many Requests"}
            if status == 429
            else {"statusCode": status, "message": name[status]}
        ),
        "horizon": lambda: {
            "type": f"https://stellar.org/horizon-errors/{name[status].lower().replace(' ', '_')}",
            "title": name[status],
            "status": status,
        },
    }
    return _json(bodies[provider](), status=status)


def _json(body: dict[str, Any], *, status: int) -> Response:
    return Response(wire.dumps(body), status=status, mimetype="application/json")


def _gateway_page() -> Response:
    return Response(GATEWAY_PAGE, status=502, mimetype="text/html")


def _provider_of(path: str) -> str | None:
    for prefix, provider in PREFIXES.items():
        if path.startswith(prefix) or path == prefix[:-1]:
            return provider
    return None


def _noting(start_response: "StartResponse", call: Call) -> "StartResponse":
    def noted(status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Any:
        call.status = call.effect_status = int(status.split(" ", 1)[0])
        return start_response(status, headers, exc_info)

    return noted

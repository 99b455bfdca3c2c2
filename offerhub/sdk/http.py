"""The one place that talks HTTP: authentication, idempotency keys, retries, the envelope.

Not here: paths and records (the resource groups), the event stream's reading (`stream`).
"""

import json
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from uuid import uuid4

import httpx

from offerhub.sdk import error_codes as _error_codes  # noqa: F401  (registers the classes)
from offerhub.sdk.errors import (
    ApiError,
    ConfigurationError,
    NoAnswer,
    UnexpectedAnswer,
    api_error,
)
from offerhub.sdk.retry import Backoff, pause_after, read_retry_after

API_PATH = "/api/v1"
CONNECT_TIMEOUT_S = 5.0
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

try:
    _VERSION = version("offerhub")
except PackageNotFoundError:
    _VERSION = "0"


@dataclass(frozen=True)
class Answer:
    """A success: its JSON, its status, and its headers."""

    body: Mapping[str, Any]
    status: int
    headers: Mapping[str, str]

    @property
    def data(self) -> Any:
        return self.body.get("data")

    @property
    def next_cursor(self) -> str | None:
        pagination = self.body.get("pagination")
        if not isinstance(pagination, Mapping) or not pagination.get("has_more"):
            return None
        cursor = pagination.get("next_cursor")
        return cursor if isinstance(cursor, str) else None

    def items(self) -> list[Any]:
        """The rows of a list. Raises: UnexpectedAnswer."""
        if not isinstance(self.data, list):
            raise UnexpectedAnswer("a list was expected")
        return self.data


class Http:
    """Requests to one appliance with one key. Safe to share between threads."""

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        *,
        timeout_s: float,
        max_retries: int,
        transport: httpx.BaseTransport | None,
        backoff: Backoff,
    ) -> None:
        self._root = _root(base_url)
        self._timeout_s = timeout_s
        self._max_retries = max_retries
        self.backoff = backoff
        headers = {"Accept": "application/json", "User-Agent": f"offerhub-python/{_VERSION}"}
        if api_key is not None:
            headers["Authorization"] = f"Bearer {api_key}"
        self._client = httpx.Client(
            headers=headers,
            transport=transport,
            follow_redirects=False,
            # A proxy from the environment cannot reach what listens on this machine only.
            trust_env=httpx.URL(self._root).host not in _LOOPBACK,
        )

    def close(self) -> None:
        self._client.close()

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Answer:
        return self._send("GET", path, params=params)

    def read_health(self) -> Answer:
        """GET /health, whose 503 is an answer too, and which is never repeated."""
        try:
            response = self._once("GET", "/health", timeout_s=self._timeout_s)
        except httpx.TransportError as error:
            raise self._no_answer(
                error, "GET", "/health", key=None, attempts=1, may_have_arrived=False
            ) from error
        body = _json(response)
        if response.status_code == 503 and isinstance(body, Mapping) and "data" in body:
            return Answer(body, response.status_code, response.headers)
        return _answer(response)

    def change(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        idempotency_key: str | None,
        wait_s: int | None = None,
    ) -> Answer:
        """A mutation. Its idempotency key is made once here, if not given, and kept on retries.

        `wait_s`: asks the server to hold its answer until the work is done, at most so long
        (RFC 7240, `Prefer: wait`); 1 to 60.
        """
        headers = {"Idempotency-Key": idempotency_key or str(uuid4())}
        timeout_s = self._timeout_s
        if wait_s is not None:
            headers["Prefer"] = f"wait={wait_s}"
            timeout_s += wait_s
        sent = None if body is None else {k: v for k, v in body.items() if v is not None}
        return self._send(method, path, body=sent, headers=headers, timeout_s=timeout_s)

    def stream(
        self, path: str, *, params: Mapping[str, Any], headers: Mapping[str, str], silence_s: float
    ) -> AbstractContextManager[httpx.Response]:
        """An open response; reading from it fails after `silence_s` without a byte."""
        return self._client.stream(
            "GET",
            self._root + path,
            params=_query(params),
            headers={"Accept": "text/event-stream", "Cache-Control": "no-store", **headers},
            timeout=httpx.Timeout(silence_s, connect=CONNECT_TIMEOUT_S),
        )

    def _send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> Answer:
        key = (headers or {}).get("Idempotency-Key")
        may_have_arrived = False
        for attempt in range(1, self._max_retries + 2):
            last = attempt > self._max_retries
            try:
                response = self._once(
                    method,
                    path,
                    params=params,
                    body=body,
                    headers=headers,
                    timeout_s=timeout_s or self._timeout_s,
                )
                return _answer(response)
            except ApiError as error:
                pause_s = pause_after(error, attempt=attempt, backoff=self.backoff)
                if last or pause_s is None:
                    raise
            except httpx.TransportError as error:
                may_have_arrived |= not isinstance(error, _NEVER_SENT)
                if last or isinstance(error, _OURS):
                    raise self._no_answer(
                        error,
                        method,
                        path,
                        key=key,
                        attempts=attempt,
                        may_have_arrived=may_have_arrived,
                    ) from error
                pause_s = self.backoff.pause_s(attempt)
            self.backoff.sleep(pause_s)
        raise AssertionError("the loop above always returns or raises")

    def _no_answer(
        self,
        error: httpx.TransportError,
        method: str,
        path: str,
        *,
        key: str | None,
        attempts: int,
        may_have_arrived: bool,
    ) -> NoAnswer:
        return NoAnswer(
            f"no answer from {self._root} to {method} {path}: {_words(error)}",
            outcome_unknown=method != "GET" and may_have_arrived,
            idempotency_key=key,
            attempts=attempts,
        )

    def _once(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float,
    ) -> httpx.Response:
        sent = dict(headers or {})
        content = None
        if body is not None:
            sent["Content-Type"] = "application/json"
            content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        return self._client.request(
            method,
            self._root + path,
            params=_query(params or {}),
            headers=sent,
            content=content,
            timeout=httpx.Timeout(timeout_s, connect=min(timeout_s, CONNECT_TIMEOUT_S)),
        )


# Failures before a request can have left this machine, and failures of ours that never pass.
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_OURS = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)


def read_error(response: httpx.Response) -> ApiError:
    """The error of an answer that was read to its end, whatever its body is."""
    body = _json(response)
    error = body.get("error") if isinstance(body, Mapping) else None
    if not isinstance(error, Mapping):
        error = {}
    details = error.get("details")
    return api_error(
        status=response.status_code,
        code=str(error.get("code") or f"HTTP_{response.status_code}"),
        message=str(error.get("message") or response.reason_phrase or "no explanation"),
        details=details if isinstance(details, Mapping) else None,
        request_id=error.get("request_id") or response.headers.get("X-Request-ID"),
        retry_after_s=read_retry_after(response.headers.get("Retry-After"), now_s=time.time()),
    )


def _answer(response: httpx.Response) -> Answer:
    if not response.is_success:
        raise read_error(response)
    if response.status_code == 204:
        return Answer({}, 204, response.headers)
    body = _json(response)
    if not isinstance(body, Mapping) or "data" not in body:
        raise UnexpectedAnswer(f"{response.url} did not answer like an OfferHub API")
    return Answer(body, response.status_code, response.headers)


def _json(response: httpx.Response) -> Any:
    try:
        return json.loads(response.content, parse_float=Decimal)
    except ValueError:
        return None


def _query(params: Mapping[str, Any]) -> dict[str, str]:
    return {name: _query_text(value) for name, value in params.items() if value is not None}


def _query_text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ",".join(str(item) for item in value)
    return str(value)


def _root(base_url: str) -> str:
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as exc:
        raise ConfigurationError(f"{base_url!r} is not an address") from exc
    if url.scheme not in ("http", "https") or not url.host:
        raise ConfigurationError(f"{base_url!r} needs http:// or https:// and a host")
    root = base_url.rstrip("/")
    return root if root.endswith(API_PATH) else root + API_PATH


def _words(error: httpx.TransportError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "timed out"
    return str(error) or type(error).__name__

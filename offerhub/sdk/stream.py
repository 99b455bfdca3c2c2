"""The event stream: one endless, resumable sequence of events over as many connections as needed.

Iterating blocks. `close()` and `reconnect_now()` may be called from any other thread.
"""

import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx

from offerhub.sdk.errors import ApiError, OfferHubError, UnexpectedAnswer
from offerhub.sdk.http import Http, read_error
from offerhub.sdk.models import Event
from offerhub.sdk.sse import Comment, Message, RetryHint, read_parts

SILENCE_S = 35.0
"""Twice the longest heartbeat interval of the contract (15 s), and some network."""

STEADY_S = 10.0
"""A link that held this long was a good one: the next failure counts as the first."""

FATAL_STATUSES = frozenset({400, 401, 403, 404, 405, 422})


@dataclass(frozen=True)
class Connected:
    """The stream is open; events after `after` follow (None: from now on)."""

    after: int | None


@dataclass(frozen=True)
class Heartbeat:
    """The link lives, though nothing happened.

    `position`: everything up to it has been handed out or filtered out, when the server says it.
    """

    position: int | None = None


@dataclass(frozen=True)
class Reconnecting:
    """The link is down; the next attempt is in `pause_s` seconds. `attempt` counts from 1."""

    reason: str
    pause_s: float
    attempt: int


@dataclass(frozen=True)
class Reset:
    """Positions before `oldest_sequence` are gone: read what you show afresh, then go on."""

    oldest_sequence: int | None


StreamItem = Event | Connected | Heartbeat | Reconnecting | Reset


class EventStream:
    """Events in order, each once, and markers about the link between them.

    Every connection resumes where the last one was, even if no event came in it. An event that
    arrives again is dropped. It ends when closed, when `max_attempts` connections in a row failed
    (raises the last failure), or when the API refuses the caller (raises ApiError).
    """

    def __init__(
        self,
        http: Http,
        *,
        after: int | None,
        filters: Mapping[str, Any],
        silence_s: float,
        max_attempts: int | None,
    ) -> None:
        self._http = http
        self._filters = filters
        self._silence_s = silence_s
        self._max_attempts = max_attempts
        self._last = after
        self._server_pause_s = 0.0
        self._closed = threading.Event()
        self._hurry = threading.Event()
        self._lock = threading.Lock()
        self._response: httpx.Response | None = None

    @property
    def last_sequence(self) -> int | None:
        """How far everything was handed out or filtered out: the `after` of another day."""
        return self._last

    def close(self) -> None:
        """End the iteration, also one that waits in another thread. May be repeated."""
        self._closed.set()
        self._hurry.set()
        with self._lock:
            if self._response is not None:
                _interrupt(self._response)

    def reconnect_now(self) -> None:
        """Cut a pause between attempts short."""
        self._hurry.set()

    def __enter__(self) -> "EventStream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[StreamItem]:
        attempt = 0
        while not self._closed.is_set():
            retry_after_s: float | None = None
            failure: Exception
            opened_s = time.monotonic()
            try:
                yield from self._connection()
                failure = UnexpectedAnswer("the server ended the stream")
            except ApiError as error:
                if error.status in FATAL_STATUSES:
                    raise
                failure, retry_after_s = error, error.retry_after_s
            except (httpx.TransportError, httpx.StreamError, OSError, UnexpectedAnswer) as error:
                failure = error
            if self._closed.is_set():
                return
            attempt = 1 if time.monotonic() - opened_s > STEADY_S else attempt + 1
            if self._max_attempts is not None and attempt >= self._max_attempts:
                raise _give_up(failure, attempt)
            pause_s = max(
                self._http.backoff.pause_s(attempt), retry_after_s or 0.0, self._server_pause_s
            )
            self._hurry.clear()
            yield Reconnecting(_reason(failure), pause_s, attempt)
            if not self._closed.is_set():
                self._hurry.wait(pause_s)

    def _connection(self) -> Iterator[StreamItem]:
        headers = {} if self._last is None else {"Last-Event-ID": str(self._last)}
        opened = self._http.stream(
            "/events", params=self._filters, headers=headers, silence_s=self._silence_s
        )
        with opened as response:
            if not self._adopt(response):
                return
            try:
                if not response.is_success:
                    response.read()
                    raise read_error(response)
                kind = response.headers.get("Content-Type", "")
                if not kind.startswith("text/event-stream"):
                    raise UnexpectedAnswer(f"/events answered {kind or 'no type'}, not a stream")
                yield Connected(self._last)
                for part in read_parts(response.iter_bytes()):
                    if isinstance(part, RetryHint):
                        self._server_pause_s = min(part.pause_s, self._http.backoff.cap_s)
                    elif isinstance(part, Comment):
                        yield Heartbeat()
                    else:
                        yield from self._read(part)
            finally:
                with self._lock:
                    self._response = None

    def _adopt(self, response: httpx.Response) -> bool:
        """Make the response closable from other threads; False when closed meanwhile."""
        with self._lock:
            self._response = response
            return not self._closed.is_set()

    def _read(self, message: Message) -> Iterator[StreamItem]:
        body = _json_object(message.data)
        if message.event == "reset":
            oldest = body.get("oldest_sequence")
            self._last = oldest - 1 if isinstance(oldest, int) and oldest > 0 else None
            yield Reset(oldest if isinstance(oldest, int) else None)
        elif "sequence" in body:
            event = Event.from_json(body)
            if self._last is None or event.sequence > self._last:
                self._last = event.sequence
                yield event
        else:  # a heartbeat, or a kind that this version does not know: the link lives
            position = body.get("position") if message.event == "heartbeat" else None
            if isinstance(position, int) and position > (self._last or -1):
                self._last = position
            yield Heartbeat(position if isinstance(position, int) else None)


def _json_object(text: str) -> Mapping[str, Any]:
    try:
        body = json.loads(text, parse_float=Decimal)
    except ValueError as exc:
        raise UnexpectedAnswer("an event of the stream is not JSON") from exc
    return body if isinstance(body, Mapping) else {}


def _interrupt(response: httpx.Response) -> None:
    """Wake a reader in another thread; closing a file descriptor would not."""
    network = response.extensions.get("network_stream")
    raw = network.get_extra_info("socket") if network is not None else None
    with suppress(OSError):
        if isinstance(raw, socket.socket):
            raw.shutdown(socket.SHUT_RDWR)
    abort = getattr(response.stream, "abort", None)
    if callable(abort):  # other transports than sockets may offer their own way
        abort()


def _reason(failure: Exception) -> str:
    if isinstance(failure, httpx.ReadTimeout):
        return "no heartbeat"
    if isinstance(failure, httpx.TimeoutException):
        return "timed out"
    if isinstance(failure, ApiError):
        return failure.code
    return str(failure) or type(failure).__name__


def _give_up(failure: Exception, attempts: int) -> OfferHubError:
    if isinstance(failure, OfferHubError):
        return failure
    error = UnexpectedAnswer(f"no event stream after {attempts} attempts: {_reason(failure)}")
    error.__cause__ = failure
    return error

"""GET /events as Server-Sent Events: everything after a position, in order, at least once.

`id:` is the stream position, so a client resumes by sending the last one back. A position that
the stream does not hold is answered with a `reset` event; reading then goes on at the oldest
retained event. A `heartbeat` event every few seconds carries the position read so far, also past
events that a filter left out. A stream never holds a database connection while it waits, and
writes only as fast as its client reads; one that stops reading is cut off, and resumes.
Source: WHATWG HTML, "Server-sent events"; docs/api/events.md.
"""

import json
import random
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, Final

from flask import Response, request

from offerhub.api import events as reading
from offerhub.api.budgets import RateLimited
from offerhub.api.edge import Edge, edge
from offerhub.api.state import principal, state
from offerhub.api.stream_seats import Seat
from offerhub.domain.scopes import ADMIN
from offerhub.events import stream
from offerhub.logs import get_logger
from offerhub.services import representations
from offerhub.services.credentials import Principal, still_valid

HEARTBEAT_S: Final = 5.0
LOOK_UP_S: Final = 2.0  # how soon a stream notices that the process is to end
WRITE_TIMEOUT_S: Final = 20.0
SEND_BUFFER_BYTES: Final = 65_536
BATCH: Final = 100
RETRY_MS: Final = 1_000

AT_HAND: Final = 2_000

_log = get_logger(__name__)
_at_hand: dict[str, bytes] = {}


def is_wanted() -> bool:
    """Whether the client prefers a stream to a page."""
    kinds = ["application/json", "text/event-stream"]
    return request.method == "GET" and (
        request.accept_mimetypes.best_match(kinds) == "text/event-stream"
    )


def open_stream(query: dict[str, Any]) -> Response:
    """Raises: ValidationFailed for a garbled position, RateLimited when too many are open."""
    at, who = edge(), principal()
    said = request.headers.get("Last-Event-ID") or query.get("cursor")
    field = "Last-Event-ID" if request.headers.get("Last-Event-ID") else "cursor"
    after = reading.position(said.strip(), field=field) if said else None
    owner, most = _seats_of(at, who)
    seat = secrets.token_hex(8)
    # Operators find out what is going on also when every other stream is taken.
    operators = who.user_id is None and ADMIN in who.scopes
    take = partial(at.seats.take, owner, seat, most=most, counted=not operators)
    got = take()
    if got is not Seat.TAKEN:
        raise _full(got, most=most, most_in_all=at.seats.most_in_all)
    follower = Follower(at, who, after=after, filters=reading.filters(query))
    follower.keep_seat = lambda: take() is Seat.TAKEN
    connection = _bounded_connection()
    response = Response(follower.lines(), mimetype="text/event-stream")
    response.call_on_close(lambda: _leave(at, owner, seat, connection))
    response.headers["Cache-Control"] = "no-store, no-transform"
    response.headers["X-Accel-Buffering"] = "no"
    return response


class Follower:
    """One client's way along the stream."""

    def __init__(
        self, at: Edge, who: Principal, *, after: int | None, filters: dict[str, Any]
    ) -> None:
        self._app = at.app
        self._stopping = at.stopping
        self._who = who
        self._position = after
        self._filters = filters
        self._request_id = state().request_id
        self.keep_seat: Callable[[], bool] = lambda: True

    def lines(self) -> Iterator[bytes]:
        """The body: begins at once, ends when the key or token does."""
        try:
            yield from self._opening()
            # The first comes early by chance, so that streams that began together do not beat so.
            beat_at_s = time.monotonic() + HEARTBEAT_S * random.random()  # noqa: S311
            while not self._stopping.is_set():
                left_s = max(0.0, beat_at_s - time.monotonic())
                head = stream.wait_for_newer(self._here, min(left_s, LOOK_UP_S))
                if head > self._here:
                    yield from self._newer(head)
                if time.monotonic() >= beat_at_s:
                    if not self._may_stay():
                        return
                    yield self._heartbeat()
                    beat_at_s = time.monotonic() + HEARTBEAT_S
        except Exception as error:  # noqa: BLE001 - headers are out; the client resumes
            _log.warning("stream.ended", error=type(error).__name__, request_id=self._request_id)

    @property
    def _here(self) -> int:
        return self._position or 0

    def _opening(self) -> Iterator[bytes]:
        # Jitter, so that a restarted server is not met by all its clients in one moment.
        yield f"retry: {RETRY_MS + random.randrange(RETRY_MS)}\n\n".encode()  # noqa: S311
        with stream.turn:
            head, oldest = stream.head_sequence(), stream.oldest_sequence()
        if self._position is None:
            self._position = head
        elif self._position > head or self._position < oldest - 1:
            reason = "ahead" if self._position > head else "too_old"
            self._position = max(oldest - 1, 0)
            yield _message(
                "reset",
                self._here,
                {"reason": reason, "oldest_sequence": oldest, "head_sequence": head},
            )
        yield self._heartbeat(head)
        if head > self._here:
            yield from self._newer(head)

    def _newer(self, head: int) -> Iterator[bytes]:
        """What lies beyond the position, at least up to `head`."""
        while True:
            rows = stream.newer(self._here, up_to=head, limit=BATCH, **self._filters)
            for row in rows:
                assert row.sequence is not None  # the stream holds sequenced events only
                yield _written(row)
                self._position = row.sequence
            if len(rows) < BATCH:
                # Everything up to `head` was there to be seen: filtered out is passed, too.
                self._position = max(self._here, head)
                return

    def _heartbeat(self, head: int | None = None) -> bytes:
        body = {
            "time": representations.timestamp(self._app.now_ms()),
            "position": self._here,
            "head_sequence": max(self._here, head or 0),
        }
        return b": heartbeat\n" + _message("heartbeat", self._here, body)

    def _may_stay(self) -> bool:
        with stream.turn:
            return still_valid(self._app, self._who) and self.keep_seat()


def _written(row: Any) -> bytes:
    """An event as all streams send it; written once for those that send it in one moment."""
    text: bytes | None = _at_hand.get(row.id)
    if text is None:
        if len(_at_hand) >= AT_HAND:
            _at_hand.clear()
        text = _at_hand[row.id] = _message(row.type, row.sequence, representations.event(row))
    return text


def _message(kind: str, sequence: int, body: Any) -> bytes:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return f"id: {sequence}\nevent: {kind}\ndata: {text}\n\n".encode()


def _seats_of(at: Edge, who: Principal) -> tuple[str, int]:
    """Whose streams are counted together, and how many there may be."""
    if who.user_id is not None:
        return f"token:{who.token_id}", at.app.policy.streams_per_token
    kind = "admin" if ADMIN in who.scopes else "key"
    return f"{kind}:{who.key_id}", at.app.policy.streams_per_key


def _full(got: Seat, *, most: int, most_in_all: int) -> RateLimited:
    of_owner = got is Seat.OWNER_HAS_ALL_OF_ITS_OWN
    return RateLimited(
        f"This key or token may hold {most} event streams open at once."
        if of_owner
        else f"All {most_in_all} event streams of this deployment are taken.",
        retry_after_s=int(HEARTBEAT_S),
        limit=most if of_owner else most_in_all,
    )


def _bounded_connection() -> socket.socket | None:
    """A client that stops reading is cut off instead of holding its buffers for ever."""
    connection: socket.socket | None = request.environ.get("gunicorn.socket")
    if connection is not None:
        connection.settimeout(WRITE_TIMEOUT_S)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    return connection


def _leave(at: Edge, owner: str, seat: str, connection: socket.socket | None) -> None:
    """Free the seat; a connection that carried a stream carries nothing else afterwards."""
    at.seats.give_up(owner, seat)
    if connection is not None:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RD)

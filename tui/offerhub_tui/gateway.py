"""The only door to the API: reads, changes and the event stream, in threads of their own.

Results come back as messages; events and link signals wait in a box that the screen empties at
its own pace. No thread keeps the process alive, so leaving the console never hangs.
"""

import itertools
import json
import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx
from textual.message import Message

from offerhub.sdk import (
    ApiError,
    ApiKey,
    Backoff,
    Balance,
    Config,
    Connected,
    Event,
    EventStream,
    Health,
    Heartbeat,
    LedgerLine,
    Me,
    NewApiKey,
    NoAnswer,
    OfferHub,
    OfferHubError,
    Order,
    Page,
    Reconnecting,
    Reset,
    Topup,
    User,
    Withdrawal,
)
from offerhub_tui.changes import Change, CreateKey, RevokeKey
from offerhub_tui.link import Kind, Signal
from offerhub_tui.messages import (
    ChangeDone,
    ChangeRefused,
    ChangeUnknown,
    Failed,
    Loaded,
    Problem,
    Topic,
)
from offerhub_tui.profiles import Profile
from offerhub_tui.readers import Readers
from offerhub_tui.snapshots import Listed

# Screens take the records' names from here: this module alone knows the client.
__all__ = [
    "ApiKey", "Backoff", "Balance", "Config", "Event", "Gateway", "Health", "LedgerLine", "Me",
    "NewApiKey", "Order", "Topup", "User", "Withdrawal",
]  # fmt: skip

Clock = Callable[[], datetime]
Read = Callable[[OfferHub, str, str | None], Any]

PAGE = 100
TIMEOUT_S = 10.0
BACKFILL = 50
REFUSED_PAUSE_S = 30.0
BOX_SIZE = 20_000


def _listed(page: Page[Any]) -> Listed:
    return Listed(page.items, page.next_cursor)


def _newest_first(page: Page[Event]) -> Listed:
    return Listed(tuple(reversed(page.items)))


def _first(page: Page[Event]) -> Event | None:
    return page.items[0] if page.items else None


READS: dict[str, Read] = {
    "me": lambda hub, _, __: hub.me(),
    "config": lambda hub, _, __: hub.config(),
    "health": lambda hub, _, __: hub.health(),
    "users": lambda hub, _, cursor: _listed(hub.users.list(limit=PAGE, cursor=cursor)),
    "user": lambda hub, ident, _: hub.users.get(ident),
    "balance": lambda hub, ident, _: hub.users.balance(ident),
    "ledger": lambda hub, ident, cursor: _listed(
        hub.users.ledger(ident, limit=PAGE, cursor=cursor)
    ),
    "orders": lambda hub, _, cursor: _listed(hub.orders.list(limit=PAGE, cursor=cursor)),
    "order": lambda hub, ident, _: hub.orders.get(ident),
    "topups": lambda hub, _, cursor: _listed(hub.topups.list(limit=PAGE, cursor=cursor)),
    "withdrawals": lambda hub, _, cursor: _listed(hub.withdrawals.list(limit=PAGE, cursor=cursor)),
    "event_at": lambda hub, ident, _: _first(hub.events.list(after=int(ident) - 1, limit=1)),
    "recent": lambda hub, ident, _: _newest_first(
        hub.events.list(after=int(ident), limit=BACKFILL)
    ),
    "keys": lambda hub, _, cursor: _listed(hub.api_keys.list(limit=PAGE, cursor=cursor)),
}


class Gateway:
    """Reads, changes and the stream of one appliance. `post` must be safe from any thread."""

    def __init__(
        self,
        profile: Profile,
        *,
        post: Callable[[Message], object],
        now: Clock,
        transport: httpx.BaseTransport | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self._post = post
        self._now = now
        self._closed = threading.Event()
        self._hurry = threading.Event()
        self._backoff = backoff or Backoff(first_s=1.0, cap_s=30.0, sleep=self._sleep)
        self._hub = OfferHub(
            profile.url,
            profile.key,
            timeout_s=TIMEOUT_S,
            max_retries=1,
            transport=transport,
            backoff=self._backoff,
        )
        self._readers = Readers(self._read)
        self._lock = threading.Lock()
        self._box: deque[Event | Signal] = deque(maxlen=BOX_SIZE)
        self._stream: EventStream | None = None
        self._changing = 0
        self._backfilled = False
        self._numbers = itertools.count(1)

    def start(self) -> None:
        """Begin to listen and to read."""
        self._readers.start()
        self._thread(self._listen)

    def close(self) -> None:
        """End the stream and wake every thread that waits."""
        self._closed.set()
        self._hurry.set()
        stream = self._stream
        if stream is not None:
            stream.close()
        self._readers.close()
        self._hub.close()

    @property
    def pending(self) -> int:
        """How many reads and changes have not been answered yet."""
        with self._lock:
            return self._readers.pending + self._changing

    @property
    def waiting(self) -> int:
        """How many things from the stream have not been drained yet."""
        return len(self._box)

    def load(self, topic: Topic, cursor: str | None = None) -> bool:
        """Ask for a topic; the answer comes as `Loaded` or `Failed`. False if it is under way."""
        return self._readers.ask(topic, cursor)

    def forget_slow(self) -> list[Topic]:
        """Drop the small reads that nobody looks at any more; returns what they were for."""
        return self._readers.forget_slow()

    def drain(self) -> list[Event | Signal]:
        """What the stream has brought since the last time, in order."""
        items: list[Event | Signal] = []
        while self._box:
            items.append(self._box.popleft())
        return items

    def reconnect_now(self) -> None:
        """Try the stream again without waiting."""
        self._hurry.set()
        stream = self._stream
        if stream is not None:
            stream.reconnect_now()

    def perform(self, change: Change) -> None:
        """Ask for a change. It ends in `ChangeDone` or `ChangeRefused`, never in a guess."""
        with self._lock:
            self._changing += 1
        self._thread(lambda: self._change(change))

    def _sleep(self, pause_s: float) -> None:
        """A pause that ends early when the console is closed."""
        self._closed.wait(pause_s)

    def _thread(self, target: Callable[[], None]) -> None:
        name = f"offerhub-tui-{next(self._numbers)}"
        threading.Thread(target=target, name=name, daemon=True).start()

    def _read(self, topic: Topic, cursor: str | None) -> None:
        kind, ident = topic[0], topic[1] if len(topic) > 1 else ""
        try:
            value = READS[kind](self._hub, ident, cursor)
            message: Message = Loaded(topic, value, cursor, self._now())
        except Exception as error:  # noqa: BLE001 - a reader must live, and the screen must know
            message = Failed(topic, problem_of(error), cursor)
        self._answer(message)

    def _answer(self, message: Message) -> None:
        if not self._closed.is_set():
            self._post(message)

    def _change(self, change: Change) -> None:
        """Until there is an answer: an unknown outcome is asked for again under its own key."""
        try:
            for attempt in itertools.count(1):
                try:
                    return self._answer(ChangeDone(change, self._make(change)))
                except NoAnswer as error:
                    if not error.outcome_unknown and attempt == 1:
                        return self._answer(ChangeRefused(change, problem_of(error)))
                    self._answer(ChangeUnknown(change))
                except Exception as error:  # noqa: BLE001 - told to the operator
                    return self._answer(ChangeRefused(change, problem_of(error)))
                if self._closed.wait(self._backoff.pause_s(attempt)):
                    return None
        finally:
            with self._lock:
                self._changing -= 1

    def _make(self, change: Change) -> Any:
        match change:
            case CreateKey():
                return self._hub.api_keys.create(
                    name=change.name,
                    scopes=change.scopes,
                    idempotency_key=change.idempotency_key,
                )
            case RevokeKey():
                return self._hub.api_keys.revoke(
                    change.key_id, idempotency_key=change.idempotency_key
                )

    def _listen(self) -> None:
        """For ever: even a refused key is tried again, since it may be allowed later."""
        after: int | None = None
        attempt = 0
        while not self._closed.is_set():
            self._stream = stream = self._hub.events.stream(after=after)
            try:
                for item in stream:
                    self._keep(item)
            except Exception as error:  # noqa: BLE001 - the listener must live
                attempt += 1
                reason = problem_of(error).line()
                self._box.append(Signal(Kind.DOWN, self._now(), reason, REFUSED_PAUSE_S, attempt))
                self._hurry.clear()
                self._hurry.wait(REFUSED_PAUSE_S)
            after = stream.last_sequence

    def _keep(self, item: object) -> None:
        now = self._now()
        if isinstance(item, Event):
            self._box.append(item)
        elif isinstance(item, Reconnecting):
            self._box.append(Signal(Kind.DOWN, now, item.reason, item.pause_s, item.attempt))
        elif isinstance(item, Connected):
            self._box.append(Signal(Kind.CONNECTED, now))
        elif isinstance(item, Reset):
            self._box.append(Signal(Kind.RESET, now))
        else:
            self._box.append(Signal(Kind.HEARTBEAT, now))
            self._backfill(item)

    def _backfill(self, item: object) -> None:
        """Once, as soon as the stream says where its head is: the events just before it."""
        position = item.position if isinstance(item, Heartbeat) else None
        if position is not None and not self._backfilled:
            self._backfilled = True
            self.load(("recent", str(max(0, position - BACKFILL))))


def problem_of(error: Exception) -> Problem:
    """An exception in words for the operator, without secrets."""
    if isinstance(error, ApiError):
        return Problem(error.message, error.code, error.request_id or "")
    if isinstance(error, NoAnswer):
        return Problem(str(error), offline=True)
    if isinstance(error, OfferHubError):
        return Problem(str(error))
    return Problem(f"unexpected {type(error).__name__}: {error}")


def row_json(record: Any) -> str:
    """A record as the API gave it; "" for what is not a record."""
    raw = getattr(record, "raw", None)
    return json.dumps(dict(raw), indent=2, ensure_ascii=False, default=str) if raw else ""

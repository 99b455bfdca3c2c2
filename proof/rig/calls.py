"""Requests to the API as a careful marketplace makes them: repeated until they are answered.

A mutation keeps its idempotency key over all repetitions, so whatever died in between, one answer
counts. Each answered 2xx is a promise and is noted. Plain sockets: the load must cost little beside
the processes that it loads.
"""

import http.client
import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

TIMEOUT_S = 15.0
GIVE_UP_S = 120.0
AGAIN = frozenset({429, 500, 502, 503, 504})
MOST_PAUSE_S = 0.5
SERVER_ERROR = 500


class Unanswered(Exception):
    """A request that nobody answered for a long time; the message says which."""


class Refused(Exception):
    """An answer that no repetition changes; the message holds status and code."""

    def __init__(self, message: str, *, status: int, code: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


@dataclass(frozen=True)
class Promise:
    """An answered mutation: what was asked under which key, and what was said."""

    at: float
    key: str
    path: str
    body: str
    status: int
    data: dict[str, Any]


@dataclass
class Record:
    """What all threads were told. Safe to share."""

    promises: list[Promise] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    answered_at: list[float] = field(default_factory=list)
    server_errors: list[str] = field(default_factory=list)
    longest_s: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answered(self, kind: str, *, began: float, promise: Promise | None) -> None:
        now = time.monotonic()
        with self.lock:
            self.answers[kind] += 1
            self.answered_at.append(now)
            self.longest_s = max(self.longest_s, now - began)
            if promise is not None:
                self.promises.append(promise)

    def failed(self, what: str) -> None:
        with self.lock:
            self.server_errors.append(what)

    @property
    def count(self) -> int:
        with self.lock:
            return sum(self.answers.values())


class Api:
    """One kept-alive connection with one key; for one thread."""

    def __init__(self, address: tuple[str, int], key: str, record: Record) -> None:
        self._address, self._record = address, record
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._connection: http.client.HTTPConnection | None = None

    def get(self, path: str) -> dict[str, Any]:
        return self._until_answered("GET", path, "", None)

    def post(self, path: str, body: dict[str, Any], key: str) -> dict[str, Any]:
        """Raises: Refused, Unanswered."""
        return self._until_answered("POST", path, json.dumps(body), key)

    def once(self, method: str, path: str, body: str, key: str | None) -> tuple[int, Any, float]:
        """One attempt: status, JSON, the Retry-After. Raises: OSError, HTTPException."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection(*self._address, timeout=TIMEOUT_S)
        headers = self._headers | ({"Idempotency-Key": key} if key else {})
        try:
            self._connection.request(
                method, f"/api/v1{path}", body.encode() if body else None, headers
            )
            answer = self._connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        if answer.will_close:
            self.close()
        try:
            shown = json.loads(text, parse_float=Decimal)
        except ValueError:
            shown = {}
        return answer.status, shown, float(answer.headers.get("Retry-After") or 0)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _until_answered(self, method: str, path: str, body: str, key: str | None) -> dict[str, Any]:
        began, pause_s, last = time.monotonic(), 0.05, ""
        while time.monotonic() - began < GIVE_UP_S:
            try:
                status, shown, wait_s = self.once(method, path, body, key)
            except (OSError, http.client.HTTPException) as error:
                last, wait_s = repr(error), 0.0
            else:
                if 200 <= status < 300:
                    return self._promised(method, path, body, key, status, shown, began)
                last = _refusal(status, shown)
                if status == SERVER_ERROR:
                    self._record.failed(f"{method} {path}: {last}")
                if status not in AGAIN and last != "409 IDEMPOTENCY_KEY_IN_PROGRESS":
                    raise Refused(
                        f"{method} {path}: {last}", status=status, code=last.partition(" ")[2]
                    )
            time.sleep(min(MOST_PAUSE_S, max(pause_s, wait_s)))
            pause_s = min(MOST_PAUSE_S, pause_s * 2)
        raise Unanswered(f"{method} {path} was not answered for {GIVE_UP_S:.0f} s: {last}")

    def _promised(
        self, method: str, path: str, body: str, key: str | None, status: int, shown: Any,
        began: float,
    ) -> dict[str, Any]:  # fmt: skip
        data = dict(shown["data"])
        promise = None
        if key is not None:
            promise = Promise(time.time(), key, path, body, status, data)
        self._record.answered(f"{method} {path.split('/')[1]}", began=began, promise=promise)
        return data


def _refusal(status: int, shown: Any) -> str:
    error = shown.get("error") if isinstance(shown, dict) else None
    return f"{status} {error.get('code') if isinstance(error, dict) else ''}"

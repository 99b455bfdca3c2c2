"""The durable queue of webhooks: what was announced, what is due, and what became of it.

A message is queued in the transaction of the change that it announces, so neither exists without
the other, and a message not yet delivered outlives a kill. Sending is `webhooks`.
"""

import secrets
import sqlite3
import time
from dataclasses import dataclass
from typing import Any

from offerhub.sandbox import wire
from offerhub.sandbox.knobs import Knobs, WebhookKnobs
from offerhub.sandbox.signing import key_of
from offerhub.sandbox.store import SandboxStore

EVENT_TYPES = frozenset(
    {
        "payin.created",
        "payin.confirmed",
        "payin.failed",
        "payin.canceled",
        "payout.created",
        "payout.completed",
        "payout.failed",
        "payout.canceled",
    }
)

# Waits after each failed attempt. Source: Svix, "Retries".
RETRY_WAITS_S = (5, 300, 1800, 7200, 18_000, 36_000, 36_000)

SCHEMA = """
CREATE TABLE IF NOT EXISTS webhook_messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id TEXT NOT NULL,
    type TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed', 'dropped')),
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER NOT NULL,
    last_status INTEGER,
    last_error TEXT,
    created_at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS webhook_messages_due ON webhook_messages (state, due_at);
CREATE TABLE IF NOT EXISTS webhook_target (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    url TEXT NOT NULL,
    secret TEXT NOT NULL
);
"""


@dataclass(frozen=True)
class Target:
    """Where webhooks go. The secret never leaves through control."""

    url: str
    secret: str


class WebhookQueue:
    """Queue operations; every method is one store transaction or joins the caller's."""

    def __init__(self, store: SandboxStore, knobs: Knobs) -> None:
        store.install(SCHEMA)
        self._store = store
        self._knobs = knobs

    def set_target(self, target: Target) -> None:
        """Deliver to `target` from now on. Raises: InvalidSecret."""
        key_of(target.secret)
        with self._store.transaction():
            self._store.execute(
                "INSERT INTO webhook_target (id, url, secret) VALUES (1, ?, ?) ON CONFLICT (id)"
                " DO UPDATE SET url = excluded.url, secret = excluded.secret",
                (target.url, target.secret),
            )

    def target(self) -> Target | None:
        row = self._store.one("SELECT url, secret FROM webhook_target WHERE id = 1")
        return Target(row["url"], row["secret"]) if row else None

    def announce(self, event_type: str, data: dict[str, Any]) -> str:
        """Queue one of the eight events, as the knobs say, and return its message id."""
        if event_type not in EVENT_TYPES:
            raise ValueError(f"Airtm has no event {event_type}")
        return self.queue(wire.dumps({"type": event_type, "data": data}), event_type=event_type)

    def queue(self, body: str, *, event_type: str, message_id: str | None = None) -> str:
        """Queue any body under any type name; `announce` is the faithful way.

        message_id: repeat an id on purpose; None makes a new one.
        """
        chosen_id = message_id or f"msg_{secrets.token_urlsafe(20)}"
        with self._store.transaction():
            knobs = self._knobs.read(WebhookKnobs)
            dropped = self._knobs.take(WebhookKnobs, "drop")
            copies = 2 if self._knobs.take(WebhookKnobs, "duplicate") else 1
            for _ in range(copies):
                self._store.execute(
                    "INSERT INTO webhook_messages (message_id, type, body, state, due_at,"
                    " created_at) VALUES (?, ?, ?, ?, ?, ?)",
                    (
                        chosen_id,
                        event_type,
                        body,
                        "dropped" if dropped else "pending",
                        _first_due_ms(knobs),
                        _now_ms(),
                    ),
                )
        return chosen_id

    def next_due(self) -> sqlite3.Row | None:
        """The message to send now, or None. While reordering, the newest of the due ones."""
        knobs = self._knobs.read(WebhookKnobs)
        if knobs.paused:
            return None
        order = "seq DESC" if knobs.reorder_window_ms else "due_at, seq"
        return self._store.one(
            "SELECT * FROM webhook_messages WHERE state = 'pending' AND due_at <= ?"  # noqa: S608
            f" ORDER BY {order} LIMIT 1",
            (_now_ms(),),
        )

    def record(self, message: sqlite3.Row, *, status: int | None, error: str | None) -> None:
        """Note the outcome of an attempt and plan the next one; only a 2xx ends well."""
        attempts = message["attempts"] + 1
        state, due_at = "pending", message["due_at"]
        if status is not None and 200 <= status < 300:
            state = "delivered"
        elif attempts > len(RETRY_WAITS_S):
            state = "failed"
        else:
            scale = self._knobs.read(WebhookKnobs).retry_scale_percent
            due_at = _now_ms() + RETRY_WAITS_S[attempts - 1] * 10 * scale
        with self._store.transaction():
            self._store.execute(
                "UPDATE webhook_messages SET state = ?, attempts = ?, due_at = ?, last_status = ?,"
                " last_error = ? WHERE seq = ?",
                (state, attempts, due_at, status, error, message["seq"]),
            )

    def resend(self, message_id: str) -> bool:
        """Make a message due now with its attempts forgotten. False when there is no such id."""
        with self._store.transaction():
            changed = self._store.execute(
                "UPDATE webhook_messages SET state = 'pending', attempts = 0, due_at = ?"
                " WHERE message_id = ?",
                (_now_ms(), message_id),
            )
        return changed > 0

    def hurry(self) -> int:
        """Make every waiting message due now and return how many there are."""
        with self._store.transaction():
            return self._store.execute(
                "UPDATE webhook_messages SET due_at = ? WHERE state = 'pending'", (_now_ms(),)
            )

    def list_messages(self, *, limit: int) -> list[dict[str, Any]]:
        """The newest messages first, bodies included."""
        rows = self._store.query(
            "SELECT * FROM webhook_messages ORDER BY seq DESC LIMIT ?", (limit,)
        )
        return [{**dict(row), "body": wire.loads(row["body"])} for row in rows]

    def count(self, state: str) -> int:
        row = self._store.one(
            "SELECT count(*) AS n FROM webhook_messages WHERE state = ?", (state,)
        )
        return int(row["n"]) if row else 0


def _first_due_ms(knobs: WebhookKnobs) -> int:
    due_at = _now_ms() + knobs.delay_ms
    window_ms = knobs.reorder_window_ms
    # All messages of one window become due together, so that the newest can overtake the oldest.
    return due_at if not window_ms else (due_at // window_ms + 1) * window_ms


def _now_ms() -> int:
    return time.time_ns() // 1_000_000

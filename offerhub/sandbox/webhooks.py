"""Sends queued webhooks, signed as Svix signs them for Airtm.

One thread sends one message at a time; a receiver that hangs holds up the others for the
time-out, as much as the real sender allows one attempt.
"""

import logging
import secrets
import sqlite3
import threading
import time
from functools import cache

import httpx

from offerhub.sandbox.knobs import Knobs, WebhookKnobs
from offerhub.sandbox.signing import corrupted, key_of, sign
from offerhub.sandbox.webhook_queue import Target, WebhookQueue

ATTEMPT_TIMEOUT_S = 15.0
IDLE_WAIT_S = 0.03
_LONGEST_ERROR = 200


log = logging.getLogger(__name__)


@cache
def _client_with(*, verify: bool) -> httpx.Client:
    # Svix does not follow redirects: a 3xx is a failed attempt.
    return httpx.Client(
        timeout=ATTEMPT_TIMEOUT_S, follow_redirects=False, trust_env=False, verify=verify
    )


def _client(url: str) -> httpx.Client:
    """A client for the target; loading the certificates is only worth it where TLS is spoken."""
    return _client_with(verify=url.startswith("https:"))


class WebhookSender:
    """The thread that empties the queue. `start` and `stop` once each."""

    def __init__(self, queue: WebhookQueue, knobs: Knobs) -> None:
        self._queue = queue
        self._knobs = knobs
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sandbox-webhooks", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Finish the attempt under way and end; what is left stays queued."""
        self._stopping.set()
        self._thread.join(timeout=ATTEMPT_TIMEOUT_S + 1)

    def _run(self) -> None:
        while not self._stopping.is_set():
            target = self._queue.target()
            message = self._queue.next_due() if target else None
            if target is None or message is None:
                self._stopping.wait(IDLE_WAIT_S)
                continue
            try:
                self._attempt(target, message)
            except Exception:
                # One message that cannot be sent must not end the sending of all others.
                log.exception("the sandbox could not attempt webhook %s", message["message_id"])
                self._queue.record(message, status=None, error="not attempted: see the log")

    def _attempt(self, target: Target, message: sqlite3.Row) -> None:
        body = message["body"].encode()
        headers = self._headers(target, message_id=message["message_id"], body=body)
        try:
            status = _client(target.url).post(target.url, content=body, headers=headers).status_code
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            text = f"{type(error).__name__}: {error}"[:_LONGEST_ERROR]
            self._queue.record(message, status=None, error=text)
            return
        self._queue.record(message, status=status, error=None)

    def _headers(self, target: Target, *, message_id: str, body: bytes) -> dict[str, str]:
        knobs = self._knobs.read(WebhookKnobs)
        timestamp_s = int(time.time())
        if self._knobs.take(WebhookKnobs, "old_timestamp"):
            timestamp_s -= knobs.old_timestamp_age_s
        signature = sign(
            key=key_of(target.secret), message_id=message_id, timestamp_s=timestamp_s, body=body
        )
        if self._knobs.take(WebhookKnobs, "corrupt_signature"):
            signature = corrupted(signature)
        if knobs.two_signatures:
            # While a secret is being rotated the old one still signs, and comes first.
            retired = sign(
                key=secrets.token_bytes(32),
                message_id=message_id,
                timestamp_s=timestamp_s,
                body=body,
            )
            signature = f"{retired} {signature}"
        values = {"id": message_id, "timestamp": str(timestamp_s), "signature": signature}
        families = ("svix", "webhook") if knobs.header_family == "both" else (knobs.header_family,)
        headers = {f"{family}-{name}": text for family in families for name, text in values.items()}
        return {
            **headers,
            "content-type": "application/json",
            "user-agent": "Svix-Webhooks/1.0 (sandbox)",
        }

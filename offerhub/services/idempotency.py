"""One effect per idempotency key: the answer commits in the transaction of what it reports.

`perform` opens that transaction, runs the work in it, and keeps the answer. Whoever loses a race
for a key is rolled back whole and sends the winner's answer. Redis locks (held by the caller) only
spare a loser the work; they are never what makes the effect happen once.
Not here: headers, fingerprints of requests, what an answer looks like (`offerhub.api.idempotency`).
"""

import hmac
import random
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from offerhub.domain import ids
from offerhub.domain.errors import IdempotencyKeyReused
from offerhub.domain.withdrawals import WITHDRAWAL
from offerhub.services.context import App
from offerhub.store import failures
from offerhub.store import idempotency as store
from offerhub.store import withdrawals as withdrawals_store
from offerhub.store.database import atomic, connection

Kept = store.Kept

MAX_ATTEMPTS: Final = 6
_BACKOFF_S: Final = 0.01
_NONCE_BYTES: Final = 12
_SEALED: Final = b"\x01sealed\x00"
_WITHDRAWAL_ID: Final = re.compile(rf"\b{ids.WITHDRAWAL}_[0-9A-Za-z_-]{{{ids.LENGTH}}}".encode())


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent, byte for byte. `replayed`: it was kept by an earlier request."""

    status: int
    body: bytes
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """One request's hold on a key.

    keep_ms: retention, None for ever. expired: an answer past its retention is still stored.
    seal: set for answers that show a secret, which the database must not hold in the clear.
    """

    marketplace_id: str
    key: str
    fingerprint: str
    keep_ms: int | None
    expired: bool = False
    seal: "AnswerSeal | None" = None


class AnswerSeal:
    """Encrypts kept answers that contain a secret, bound to their idempotency key."""

    def __init__(self, *, secret: str) -> None:
        self._aead = AESGCM(hmac.digest(secret.encode(), b"offerhub answer seal v1", "sha256"))

    def close(self, body: bytes, *, key: str) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _SEALED + nonce + self._aead.encrypt(nonce, body, key.encode())

    def open(self, body: bytes, *, key: str) -> bytes:
        """Raises: IdempotencyKeyReused when the secret changed since; the answer is lost."""
        rest = body.removeprefix(_SEALED)
        try:
            return self._aead.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], key.encode())
        except InvalidTag as changed:
            raise IdempotencyKeyReused(
                "The answer kept under this key can no longer be read; use a new key."
            ) from changed


def is_over(kept: Kept, *, now_ms: int) -> bool:
    """Whether a kept answer counts no more: its retention has ended, and so has what it began."""
    return kept.expires_at is not None and kept.expires_at <= now_ms and not is_needed(kept.body)


def is_needed(body: bytes) -> bool:
    """Whether an answer tells of a withdrawal that has not ended.

    Orders, milestones and disputes are themselves the key of what is asked of them. A withdrawal
    has none but its idempotency key: were its answer forgotten while nobody knows its outcome, the
    same request would pay a second time.
    """
    told = {match.decode() for match in _WITHDRAWAL_ID.findall(body)}
    if not told:
        return False
    with connection():
        found = [withdrawals_store.get(withdrawal_id) for withdrawal_id in told]
    return any(row is not None and row.status not in WITHDRAWAL.terminal for row in found)


def settle(claim: Claim, kept: Kept) -> Answer:
    """The kept answer, for the same request again.

    Raises: IdempotencyKeyReused for another request.
    """
    if kept.fingerprint != claim.fingerprint:
        raise IdempotencyKeyReused
    body = kept.body
    if body.startswith(_SEALED):
        if claim.seal is None:
            raise IdempotencyKeyReused
        body = claim.seal.open(body, key=claim.key)
    return Answer(kept.status, body, replayed=True)


def kept_since(app: App, claim: Claim) -> Answer | None:
    """The answer that another request kept under the key by now, if it did.

    Raises: IdempotencyKeyReused for another request.
    """
    with connection():
        kept = store.find(claim.marketplace_id, claim.key)
    now = app.now_ms()
    if kept is None or (kept.expires_at or now + 1) <= now:
        return None
    return settle(claim, kept)


def perform(
    app: App,
    claim: Claim | None,
    work: Callable[[], Answer],
    *,
    refusal: Callable[[Exception], Answer | None],
    repeatable: bool = False,
) -> Answer:
    """Run `work` in one transaction and keep its answer in it.

    refusal: the answer to keep for an exception of `work`, or None when it must not be kept (it is
    raised then). A kept refusal commits after `work` was rolled back, in a transaction of its own.
    repeatable: `work` may happen twice without harm and calls a provider, so it gets no transaction
    around it; its answer is kept afterwards.
    Transactions that lose against another one are repeated from their start, a few times.
    Raises: whatever `work` raises and `refusal` does not answer; IdempotencyKeyReused.
    """
    for attempt in range(1, MAX_ATTEMPTS + 1):
        try:
            if repeatable:
                answer = work()
                return answer if claim is None else _keep_after(app, claim, answer)
            with atomic():
                answer = work()
                if claim is not None:
                    _keep(app, claim, answer)
        except store.AlreadyAnswered:
            return _winners(claim)
        except Exception as error:  # noqa: BLE001 - answered, kept or raised again below
            if failures.is_passing(error) and attempt < MAX_ATTEMPTS:
                time.sleep(random.uniform(0.5, 1.5) * _BACKOFF_S * 2**attempt)  # noqa: S311
                continue
            return _refused(app, claim, error, refusal(error))
        return answer
    raise AssertionError("the last attempt returns or raises")


def replace(app: App, claim: Claim, answer: Answer) -> None:
    """Keep a later answer than the first: what a client that waited was told in the end."""
    with atomic():
        store.replace(app.policy.marketplace_id, claim.key, status=answer.status, body=answer.body)


def _refused(
    app: App,
    claim: Claim | None,
    error: Exception,
    answer: Answer | None,
) -> Answer:
    """What becomes of a request whose work was rolled back."""
    if claim is None:
        raise error
    if failures.is_conflict(error):
        # Two requests with one key can collide on the effect's own rows before either is kept.
        with connection():
            kept = store.find(claim.marketplace_id, claim.key)
        if kept is not None and not claim.expired:
            return settle(claim, kept)
    if answer is None:
        raise error
    return _keep_after(app, claim, answer)


def _keep_after(app: App, claim: Claim, answer: Answer) -> Answer:
    """Keep an answer in a transaction of its own; the winner's when another was kept first."""
    try:
        with atomic():
            _keep(app, claim, answer)
    except store.AlreadyAnswered:
        return _winners(claim)
    return answer


def _winners(claim: Claim | None) -> Answer:
    if claim is None:
        raise AssertionError("only a claimed key can be answered already")
    with connection():
        kept = store.find(claim.marketplace_id, claim.key)
    if kept is None:
        raise IdempotencyKeyReused("The answer kept under this key was just removed.")
    return settle(claim, kept)


def _keep(app: App, claim: Claim, answer: Answer) -> None:
    now = app.now_ms()
    body = answer.body
    if claim.seal is not None:
        body = claim.seal.close(body, key=claim.key)
    store.insert(
        {
            "marketplace_id": claim.marketplace_id,
            "key": claim.key,
            "fingerprint": claim.fingerprint,
            "status": answer.status,
            "body": body,
            "created_at": now,
            "expires_at": None if claim.keep_ms is None else now + claim.keep_ms,
        },
        replacing_expired_at=now if claim.expired else None,
    )

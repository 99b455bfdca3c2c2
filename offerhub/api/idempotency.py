"""Idempotency-Key: read, fingerprint, lock, replay. The effect's once-ness is in the database.

Order: the key's kept answer is looked up together with the credentials; here it is compared with
this request and sent again, or else a lock in Redis tells a twin that is still running. Without
Redis twins race, and all but one are rolled back (`services.idempotency`).
"""

import hashlib
import re
import secrets
from typing import Any, Final

from flask import request

from offerhub.api import json_body
from offerhub.api.access import Idempotency
from offerhub.api.edge import Edge
from offerhub.api.state import RequestState
from offerhub.domain.errors import IdempotencyKeyInProgress, OfferHubError, ValidationFailed
from offerhub.services.idempotency import Answer, Claim, Kept, is_over, kept_since, settle

LOCK_MS: Final = 60_000
KEY_PATTERN: Final = "^[!-~]{1,255}$"
_KEY: Final = re.compile(KEY_PATTERN)
_UNLOCK: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


def read_key() -> str | None:
    """The header's key, or None when it was not sent or is not usable (see `check_key`)."""
    key = request.headers.get("Idempotency-Key")
    return key if key is not None and _KEY.fullmatch(key) else None


def check_key(rule: Idempotency) -> None:
    """Raises: OfferHubError (MISSING_REQUIRED_FIELD), ValidationFailed."""
    key = request.headers.get("Idempotency-Key")
    if key is None or (key == "" and rule.required):
        if rule.required:
            text = "This request moves money: it needs an Idempotency-Key header."
            raise OfferHubError(
                text,
                code="MISSING_REQUIRED_FIELD",
                fields=[{"field": "Idempotency-Key", "message": text}],
            )
    elif not _KEY.fullmatch(key):
        raise ValidationFailed("Idempotency-Key", "1 to 255 visible ASCII characters.")


def fingerprint(method: str, path: str, body: Any, *, caller: str | None = None) -> str:
    """What makes two requests the same: method, path, and body whatever its formatting.

    caller: whose request it is, where nobody else may see its answer.
    """
    parts = [method.encode(), path.encode(), json_body.canonical(body)]
    if caller is not None:
        parts.append(caller.encode())
    return hashlib.sha256(b"\n".join(parts)).hexdigest()


def begin(edge: Edge, state: RequestState, rule: Idempotency, kept: Kept | None) -> Answer | None:
    """Claim the request's key, or return the answer that is kept under it.

    Raises: IdempotencyKeyReused, IdempotencyKeyInProgress.
    """
    key = state.idempotency_key
    if key is None:
        return None
    expired = kept is not None and is_over(kept, now_ms=edge.app.now_ms())
    state.claim = Claim(
        marketplace_id=edge.app.policy.marketplace_id,
        key=key,
        fingerprint=fingerprint(
            request.method,
            request.path,
            state.body,
            caller=_credential(state) if rule.secret else None,
        ),
        keep_ms=rule.keep_ms,
        expired=expired,
        seal=edge.seal if rule.secret else None,
    )
    if kept is not None and not expired:
        return settle(state.claim, kept)
    try:
        _lock(edge, state)
    except IdempotencyKeyInProgress:
        # The lock outlives the request that took it: its answer may have been kept meanwhile.
        answered = kept_since(edge.app, state.claim)
        if answered is None:
            raise
        return answered
    return None


def _credential(state: RequestState) -> str | None:
    """The key or token that asks. Keys belong to the marketplace, but an answer that shows a secret
    belongs to whoever was entitled to it: a replay is given before the view checks anything."""
    who = state.principal
    return None if who is None else f"{who.type}:{who.key_id}:{who.token_id}"


def _lock(edge: Edge, state: RequestState) -> None:
    name, token = _lock_name(edge, state), secrets.token_hex(8)
    free = edge.gate.call(
        lambda client: bool(client.set(name, token, nx=True, px=LOCK_MS)), away=lambda: True
    )
    if not free:
        raise IdempotencyKeyInProgress
    state.lock_token = token


def keep_lock(state: RequestState) -> None:
    """Leave the lock to its end: the kept answer is found first from now on, and unlocking would
    be one more question to Redis."""
    state.lock_token = None


def release_lock(edge: Edge, state: RequestState) -> None:
    """Let twins ask again; safe to call when nothing is locked."""
    token, state.lock_token = state.lock_token, None
    if token is not None:
        name = _lock_name(edge, state)
        edge.gate.call(lambda client: client.eval(_UNLOCK, 1, name, token), away=lambda: None)


def _lock_name(edge: Edge, state: RequestState) -> str:
    digest = hashlib.sha256((state.idempotency_key or "").encode()).hexdigest()[:40]
    return f"offerhub:{edge.app.policy.marketplace_id}:idempotency:{digest}"

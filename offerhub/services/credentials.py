"""Who knocks: what a request carries is turned into who sent it, or refused.

A key is `ohk_live_{21 characters}_{43 characters}` (`ohk_test_…` outside production): the first
part is the key's id without its prefix, the second the secret. Both lengths are fixed, because
the alphabet of either part contains `_`. Only SHA-256(salt + secret) is stored: the secret has
256 random bits, which no slow hash would make harder to guess.
Not here: making and revoking keys (`api_keys`), what a scope allows (`domain.scopes`), how a
request carries a key (`offerhub.api.auth`).
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Any, Final

from offerhub.domain import ids
from offerhub.domain.errors import OfferHubError
from offerhub.logs import get_logger
from offerhub.services.context import App
from offerhub.services.tokens import PREFIX, Claims, TokenInvalid, TokenSigner
from offerhub.store import api_keys as store
from offerhub.store import idempotency as answers
from offerhub.store.database import connection

TOUCH_EVERY_MS: Final = 60_000

_KEY: Final = re.compile(r"ohk_(live|test)_([A-Za-z0-9_-]{21})_([A-Za-z0-9_-]{43})", re.ASCII)
_DUMMY_SALT: Final = "0" * 32
_DUMMY_HASH: Final = hashlib.sha256(b"no such key").hexdigest()
_log = get_logger(__name__)


class InvalidApiKey(OfferHubError):
    """Unknown, revoked, expired or altered; the client is not told which."""

    code = "INVALID_API_KEY"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a process needs to judge whoever knocks."""

    master_key: str
    signer: TokenSigner


@dataclass(frozen=True, slots=True)
class Principal:
    """Who was let in. type: api_key, token or master; times in milliseconds."""

    type: str
    key_id: str | None
    name: str | None
    scopes: tuple[str, ...]
    user_id: str | None = None
    expires_at: int | None = None
    token_id: str | None = None
    last_used_at: int | None = None


def authenticate(
    app: App, credentials: Credentials, bearer: str, *, idempotency_key: str | None = None
) -> tuple[Principal, answers.Kept | None]:
    """Who sent this, and the answer kept under their idempotency key: one statement in all.

    Raises: InvalidApiKey.
    """
    marketplace_id = app.policy.marketplace_id
    now = app.now_ms()
    if bearer.startswith(PREFIX):
        try:
            claims = credentials.signer.verify(bearer, now_ms=now)
        except TokenInvalid as refused:
            raise InvalidApiKey from refused
        row, kept = _load(claims.key_id, marketplace_id, idempotency_key)
        if row is None or not is_live(row, now) or row.token_version != claims.token_version:
            raise InvalidApiKey
        return _token_principal(row, claims), kept
    match = _KEY.fullmatch(bearer)
    if match is not None:
        mode, id_part, secret = match.groups()
        row, kept = _load(f"{ids.API_KEY}_{id_part}", marketplace_id, idempotency_key)
        salt, expected = (_DUMMY_SALT, _DUMMY_HASH) if row is None else (row.salt, row.secret_hash)
        matches = hmac.compare_digest(hashed(salt, secret), expected)
        if row is None or not matches or mode != key_mode(app) or not is_live(row, now):
            raise InvalidApiKey
        return _key_principal(row), kept
    if hmac.compare_digest(bearer.encode(), credentials.master_key.encode()):
        kept = None
        if idempotency_key is not None:
            with connection():
                kept = answers.find(marketplace_id, idempotency_key)
        return Principal("master", None, None, ()), kept
    raise InvalidApiKey


def still_valid(app: App, principal: Principal) -> bool:
    """Whether the key behind a long connection, and its token, may still be used."""
    now = app.now_ms()
    if principal.key_id is None or (principal.expires_at or now + 1) <= now:
        return False
    with connection():
        row = store.get(principal.key_id)
    return row is not None and is_live(row, now)


def key_mode(app: App) -> str:
    """`live` in production, `test` elsewhere; a key of the other kind is refused."""
    return "live" if app.policy.environment == "production" else "test"


class UseRecorder:
    """Keeps `last_used_at`, at most once a minute per key and never in a money transaction."""

    def __init__(self) -> None:
        self._noted: dict[str, int] = {}

    def note(self, app: App, principal: Principal) -> None:
        """Call when the request has been answered."""
        key_id, now = principal.key_id, app.now_ms()
        if key_id is None:
            return
        last = max(principal.last_used_at or 0, self._noted.get(key_id, 0))
        if now - last < TOUCH_EVERY_MS:
            return
        self._noted[key_id] = now
        try:
            with connection():
                store.touch(key_id, now=now)
        except Exception as error:  # noqa: BLE001 - a courtesy; the next use is written again
            _log.warning("last_used_at.not_kept", error=type(error).__name__)


def is_live(row: Any, now: int) -> bool:
    """Whether a stored key may be used at `now` (milliseconds)."""
    return row.revoked_at is None and (row.expires_at is None or row.expires_at > now)


def hashed(salt: str, secret: str) -> str:
    """What is stored of a secret."""
    return hashlib.sha256(salt.encode() + secret.encode()).hexdigest()


def _load(
    key_id: str, marketplace_id: str, idempotency_key: str | None
) -> tuple[Any, answers.Kept | None]:
    with connection():
        return answers.with_api_key(key_id, marketplace_id=marketplace_id, key=idempotency_key)


def _key_principal(row: Any) -> Principal:
    return Principal(
        type="api_key",
        key_id=row.id,
        name=row.name,
        scopes=tuple(row.scopes),
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
    )


def _token_principal(row: Any, claims: Claims) -> Principal:
    return Principal(
        type="token",
        key_id=row.id,
        name=row.name,
        scopes=claims.scopes,
        user_id=claims.user_id,
        expires_at=claims.expires_at,
        token_id=claims.token_id,
        last_used_at=row.last_used_at,
    )

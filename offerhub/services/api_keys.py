"""API keys: made, listed, revoked, and checked when a request comes in.

A key is `ohk_live_{21 characters}_{43 characters}` (`ohk_test_…` outside production): the first
part is the key's id without its prefix, the second the secret. Both lengths are fixed, because
the alphabet of either part contains `_`. Only SHA-256(salt + secret) is stored: the secret has
256 random bits, which no slow hash would make harder to guess.
Not here: what a scope allows (`domain.scopes`), how a request carries a key (`offerhub.api.auth`).
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Any, Final

from offerhub.domain import ids, scopes
from offerhub.domain.errors import NotFound, OfferHubError, ValidationFailed
from offerhub.logs import get_logger
from offerhub.services import audit
from offerhub.services.announcements import NewEvent, announce
from offerhub.services.context import App, Context, Page
from offerhub.services.representations import timestamp
from offerhub.services.tokens import (
    DEFAULT_TTL_S,
    MAX_TTL_S,
    MIN_TTL_S,
    PREFIX,
    Claims,
    TokenInvalid,
    TokenSigner,
    new_token_id,
)
from offerhub.store import api_keys as store
from offerhub.store import idempotency as answers
from offerhub.store import leases, users
from offerhub.store.database import atomic, connection

TOUCH_EVERY_MS: Final = 60_000

_KEY: Final = re.compile(r"ohk_(live|test)_([A-Za-z0-9_-]{21})_([A-Za-z0-9_-]{43})", re.ASCII)
_DUMMY_SALT: Final = "0" * 32
_DUMMY_HASH: Final = hashlib.sha256(b"no such key").hexdigest()
_FIRST_KEY_FLAG: Final = "api_keys.first"
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
        if row is None or not _is_live(row, now) or row.token_version != claims.token_version:
            raise InvalidApiKey
        return _token_principal(row, claims), kept
    match = _KEY.fullmatch(bearer)
    if match is not None:
        mode, id_part, secret = match.groups()
        row, kept = _load(f"{ids.API_KEY}_{id_part}", marketplace_id, idempotency_key)
        salt, expected = (_DUMMY_SALT, _DUMMY_HASH) if row is None else (row.salt, row.secret_hash)
        matches = hmac.compare_digest(_hash(salt, secret), expected)
        if row is None or not matches or mode != key_mode(app) or not _is_live(row, now):
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
    return row is not None and _is_live(row, now)


def create_key(
    ctx: Context, *, name: str, scopes_wanted: list[str], expires_at_ms: int | None = None
) -> dict[str, Any]:
    """A new key; its secret is in `key`, this once.

    Raises: ValidationFailed; InsufficientScope when the master key is used a second time.
    """
    held = scopes.check_known(scopes_wanted)
    now = ctx.now_ms()
    if expires_at_ms is not None and expires_at_ms <= now:
        raise ValidationFailed("expires_at", "The expiry must be in the future.")
    key_id = ids.new_id(ids.API_KEY)
    salt, secret = secrets.token_hex(16), secrets.token_urlsafe(32)
    with atomic():
        if ctx.actor.type == "master":
            _only_the_first_key(ctx, held)
        row = store.insert(
            {
                "id": key_id,
                "marketplace_id": ctx.app.policy.marketplace_id,
                "name": name,
                "scopes": list(held),
                "salt": salt,
                "secret_hash": _hash(salt, secret),
                "created_by": ctx.actor.id or ctx.actor.type,
                "created_at": now,
                "expires_at": expires_at_ms,
            }
        )
        shown = representation(row)
        audit.record(
            ctx,
            action="api_key.created",
            resource_type="api_key",
            resource_id=key_id,
            after=shown,
        )
        announce(ctx, NewEvent("key.created", key_id, shown))
    id_part = key_id.removeprefix(f"{ids.API_KEY}_")
    return {**shown, "key": f"ohk_{key_mode(ctx.app)}_{id_part}_{secret}"}


def list_keys(ctx: Context, *, limit: int, cursor: str | None = None) -> Page:
    """Keys, newest first, revoked ones included."""
    with connection():
        rows = store.listed(limit=limit, cursor=cursor)
    return Page([representation(row) for row in rows.rows], rows.next_cursor)


def revoke_key(ctx: Context, *, key_id: str) -> dict[str, Any]:
    """End a key and all its tokens at once. Revoking it again changes nothing.

    Raises: NotFound (API_KEY_NOT_FOUND).
    """
    with atomic():
        row = store.get_for_update(key_id)
        if row is None:
            raise NotFound(code="API_KEY_NOT_FOUND")
        if row.revoked_at is not None:
            return representation(row)
        before = representation(row)
        store.revoke(row, now=ctx.now_ms())
        after = representation(row)
        audit.record(
            ctx,
            action="api_key.revoked",
            resource_type="api_key",
            resource_id=key_id,
            before=before,
            after=after,
        )
        announce(ctx, NewEvent("key.revoked", key_id, after))
    return after


def mint_token(
    ctx: Context,
    signer: TokenSigner,
    *,
    key_id: str,
    ttl_s: int | None = None,
    scopes_wanted: list[str] | None = None,
    user_id: str | None = None,
) -> dict[str, Any]:
    """A token of a key: the caller's own, or any for an admin. Bound to a user it can only read.

    Raises: InsufficientScope; NotFound (API_KEY_NOT_FOUND, USER_NOT_FOUND); ValidationFailed.
    """
    ttl_s = DEFAULT_TTL_S if ttl_s is None else ttl_s
    if not MIN_TTL_S <= ttl_s <= MAX_TTL_S:
        raise ValidationFailed("ttl_seconds", f"Between {MIN_TTL_S} and {MAX_TTL_S} seconds.")
    if ctx.actor.type not in {"api_key", "operator"}:
        raise scopes.InsufficientScope(
            "Only an API key mints tokens.", current_scopes=list(ctx.actor.scopes)
        )
    if ctx.actor.id != key_id:
        scopes.require(ctx.actor.scopes, scopes.ADMIN)
    now = ctx.now_ms()
    with atomic():
        row = store.get(key_id)
        if row is None or not _is_live(row, now):
            raise NotFound(code="API_KEY_NOT_FOUND")
        held = _token_scopes(row, scopes_wanted, bound=user_id is not None)
        if user_id is not None and users.get(user_id) is None:
            raise NotFound(code="USER_NOT_FOUND")
        expires_at = min(now + ttl_s * 1000, row.expires_at or now + ttl_s * 1000)
        claims = Claims(new_token_id(), key_id, row.token_version, held, user_id, expires_at)
        shown = {"expires_at": timestamp(expires_at), "scopes": list(held), "user_id": user_id}
        audit.record(
            ctx,
            action="api_key.token_minted",
            resource_type="api_key",
            resource_id=key_id,
            after=shown,
        )
    return {"token": signer.sign(claims), **shown}


def representation(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "scopes": list(row.scopes),
        "created_at": timestamp(row.created_at),
        "expires_at": timestamp(row.expires_at),
        "revoked_at": timestamp(row.revoked_at),
        "last_used_at": timestamp(row.last_used_at),
    }


def has_live_admin_key(ctx: Context) -> bool:
    """Whether somebody can administer this deployment over the API."""
    now = ctx.now_ms()
    with connection():
        return any(_is_live(row, now) for row in store.live_admin_keys())


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


def _load(
    key_id: str, marketplace_id: str, idempotency_key: str | None
) -> tuple[Any, answers.Kept | None]:
    with connection():
        return answers.with_api_key(key_id, marketplace_id=marketplace_id, key=idempotency_key)


def _only_the_first_key(ctx: Context, held: tuple[str, ...]) -> None:
    if scopes.ADMIN not in held:
        raise ValidationFailed("scopes", "The first key must have the admin scope.")
    # Writing the flag first makes a second bootstrap wait for the first one's commit.
    leases.set_flag(_FIRST_KEY_FLAG, True, now=ctx.now_ms())
    if has_live_admin_key(ctx):
        raise scopes.InsufficientScope(
            "The master key only makes the first admin key, and there is one already.",
            required_scope=scopes.ADMIN,
            current_scopes=[],
        )


def _token_scopes(row: Any, wanted: list[str] | None, *, bound: bool) -> tuple[str, ...]:
    if not bound:
        return scopes.narrowed(row.scopes, wanted)
    if wanted is not None and set(wanted) != {scopes.READ}:
        raise ValidationFailed("scopes", "A token that is bound to a user can only read.")
    return scopes.narrowed(row.scopes, [scopes.READ])


def _is_live(row: Any, now: int) -> bool:
    return row.revoked_at is None and (row.expires_at is None or row.expires_at > now)


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


def _hash(salt: str, secret: str) -> str:
    return hashlib.sha256(salt.encode() + secret.encode()).hexdigest()

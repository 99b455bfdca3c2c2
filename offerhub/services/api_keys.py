"""API keys: made, listed, revoked, and turned into short-lived tokens.

Not here: what a key looks like and how one is checked (`credentials`), what a scope allows
(`domain.scopes`).
"""

import secrets
from typing import Any, Final

from offerhub.domain import ids, scopes
from offerhub.domain.errors import NotFound, ValidationFailed
from offerhub.services import audit
from offerhub.services.announcements import NewEvent, announce
from offerhub.services.context import Context, Page
from offerhub.services.credentials import hashed, is_live, key_mode
from offerhub.services.representations import timestamp
from offerhub.services.tokens import (
    DEFAULT_TTL_S,
    MAX_TTL_S,
    MIN_TTL_S,
    Claims,
    TokenSigner,
    new_token_id,
)
from offerhub.store import api_keys as store
from offerhub.store import leases, users
from offerhub.store.database import atomic, connection

_FIRST_KEY_FLAG: Final = "api_keys.first"


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
                "secret_hash": hashed(salt, secret),
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
        if row is None or not is_live(row, now):
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
        return any(is_live(row, now) for row in store.live_admin_keys())


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

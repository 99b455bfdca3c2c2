"""Short-lived tokens for a marketplace's frontend: signed claims, nothing stored.

A token is `ohk_tok_{claims}.{signature}`: canonical JSON in base64url and its HMAC-SHA256. It is
as good as its API key: whoever checks one also loads the key, so a revoked key ends its tokens.
Not here: what a token may do (`offerhub.api.access`).
"""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from typing import Any, Final

PREFIX: Final = "ohk_tok_"
MIN_TTL_S: Final = 60
MAX_TTL_S: Final = 3600
DEFAULT_TTL_S: Final = 900

_AUDIENCE: Final = "marketplace"
_MAX_LENGTH: Final = 2048
_PURPOSE: Final = b"offerhub token v1"


class TokenInvalid(Exception):
    """Not one of ours, altered, or past its time; the reason is for the log, not for the client."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says. `expires_at` in milliseconds; `token_version` is its key's at minting."""

    token_id: str
    key_id: str
    token_version: int
    scopes: tuple[str, ...]
    user_id: str | None
    expires_at: int


class TokenSigner:
    """Signs and checks the tokens of one marketplace."""

    def __init__(self, *, secret: str, marketplace_id: str) -> None:
        # A derived key, so that the same secret used elsewhere could never sign a token.
        self._key = hmac.digest(secret.encode(), _PURPOSE, "sha256")
        self._marketplace_id = marketplace_id

    def sign(self, claims: Claims) -> str:
        """The token's text."""
        body = {
            "aud": f"{_AUDIENCE}:{self._marketplace_id}",
            "exp": claims.expires_at,
            "jti": claims.token_id,
            "kid": claims.key_id,
            "scp": list(claims.scopes),
            "usr": claims.user_id,
            "ver": claims.token_version,
        }
        payload = _to_text(json.dumps(body, sort_keys=True, separators=(",", ":")).encode())
        return f"{PREFIX}{payload}.{_to_text(self._signature(payload))}"

    def verify(self, token: str, *, now_ms: int) -> Claims:
        """The claims of a token of ours that is still in time.

        Raises: TokenInvalid.
        """
        payload, dot, signature = token.removeprefix(PREFIX).partition(".")
        if not token.startswith(PREFIX) or len(token) > _MAX_LENGTH or not dot:
            raise TokenInvalid("malformed")
        if not hmac.compare_digest(_to_text(self._signature(payload)).encode(), signature.encode()):
            raise TokenInvalid("bad signature")
        body = _from_text(payload)
        if body["aud"] != f"{_AUDIENCE}:{self._marketplace_id}":
            raise TokenInvalid("other audience")
        claims = Claims(
            body["jti"], body["kid"], body["ver"], tuple(body["scp"]), body["usr"], body["exp"]
        )
        if claims.expires_at <= now_ms:
            raise TokenInvalid("expired")
        return claims

    def _signature(self, payload: str) -> bytes:
        return hmac.digest(self._key, payload.encode(), hashlib.sha256)


def new_token_id() -> str:
    return secrets.token_urlsafe(12)


def _to_text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _from_text(payload: str) -> dict[str, Any]:
    """Claims whose signature was found good, so their shape is ours."""
    try:
        body = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, binascii.Error) as error:
        raise TokenInvalid("malformed") from error
    if not isinstance(body, dict):
        raise TokenInvalid("malformed")
    return body

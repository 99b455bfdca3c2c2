"""API keys, tokens, and the caller."""

from typing import Any

from marshmallow import Schema, fields, validate

from offerhub.api.schemas.envelopes import Body
from offerhub.api.schemas.fields import (
    Id,
    Moment,
    Text,
    Whole,
    shown_choice,
    shown_or_null,
    shown_text,
    shown_time,
)
from offerhub.domain import ids
from offerhub.domain.scopes import SCOPES
from offerhub.services.tokens import DEFAULT_TTL_S, MAX_TTL_S, MIN_TTL_S


def _scopes(**more: Any) -> fields.List:
    word = fields.String(validate=validate.OneOf(SCOPES))
    return fields.List(word, validate=validate.Length(min=1, max=len(SCOPES)), **more)


class CreateApiKey(Body):
    name = Text(most=100, required=True, metadata={"example": "backend"})
    scopes = _scopes(required=True)
    expires_at = Moment(allow_none=True)


class CreateToken(Body):
    ttl_seconds = Whole(
        least=MIN_TTL_S,
        most=MAX_TTL_S,
        allow_none=True,
        metadata={"description": f"Default {DEFAULT_TTL_S}."},
    )
    scopes = _scopes(allow_none=True)
    user_id = Id(
        ids.USER,
        allow_none=True,
        metadata={"description": "Binds the token to one user: it then only reads, and only that."},
    )


def _shown_scopes() -> fields.List:
    return fields.List(shown_choice(SCOPES), required=True)


class ApiKey(Schema):
    id = shown_text(example="key_V1StGXR8_Z5jdHi6B-myT")
    name = shown_text(example="backend")
    scopes = _shown_scopes()
    created_at = shown_time()
    expires_at = shown_time(null=True)
    revoked_at = shown_time(null=True)
    last_used_at = shown_time(null=True)


class NewApiKey(ApiKey):
    key = shown_text(description="The secret, shown this once.")


class Token(Schema):
    token = shown_text(description="Send it like an API key.")
    expires_at = shown_time()
    scopes = _shown_scopes()
    user_id = shown_or_null()


class Me(Schema):
    type = shown_choice(("api_key", "token"))
    key_id = shown_or_null()
    name = shown_or_null()
    scopes = _shown_scopes()
    user_id = shown_or_null(description="The one user that a token is bound to.")
    marketplace_id = shown_text()
    environment = shown_choice(("demo", "sandbox", "production"))
    expires_at = shown_time(null=True)

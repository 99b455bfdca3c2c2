"""API keys and the tokens made from them."""

from typing import Any

from offerhub.api.access import any_credentials, idempotent, require_scope
from offerhub.api.blueprint import Routes
from offerhub.api.schemas import keys as shapes
from offerhub.api.schemas.envelopes import PageQuery
from offerhub.api.state import current_context, current_edge
from offerhub.domain.scopes import ADMIN
from offerhub.services import api_keys
from offerhub.services.context import Page

blp = Routes("api-keys", __name__, url_prefix="/auth/api-keys", description="API keys, tokens")


@blp.route("", methods=["POST"])
@require_scope(ADMIN, master=True)
@idempotent(required=False, secret=True)
@blp.arguments(shapes.CreateApiKey)
@blp.response(201, shapes.NewApiKey)
def create_api_key(body: dict[str, Any]) -> dict[str, Any]:
    """Make an API key

    The secret is in `key`, this once. The master key may do this while there is no admin key.
    """
    return api_keys.create_key(
        current_context(),
        name=body["name"],
        scopes_wanted=body["scopes"],
        expires_at_ms=body.get("expires_at"),
    )


@blp.route("", methods=["GET"])
@require_scope(ADMIN)
@blp.arguments(PageQuery, location="query")
@blp.response(200, shapes.ApiKey, page=True)
def list_api_keys(query: dict[str, Any]) -> Page:
    """List API keys

    Newest first, revoked ones included.
    """
    return api_keys.list_keys(current_context(), **query)


@blp.route("/<key_id>", methods=["DELETE"])
@require_scope(ADMIN)
@blp.response(204)
def revoke_api_key(key_id: str) -> None:
    """Revoke an API key

    It and all its tokens end at once. Revoking it again changes nothing.
    """
    api_keys.revoke_key(current_context(), key_id=key_id)


@blp.route("/<key_id>/token", methods=["POST"])
@any_credentials()
@idempotent(required=False, secret=True)
@blp.arguments(shapes.CreateToken)
@blp.response(201, shapes.Token)
def create_token(body: dict[str, Any], key_id: str) -> dict[str, Any]:
    """Make a short-lived token

    A key makes tokens of itself, an admin key of any. A token ends with its key.
    """
    return api_keys.mint_token(
        current_context(),
        current_edge().credentials.signer,
        key_id=key_id,
        ttl_s=body.get("ttl_seconds"),
        scopes_wanted=body.get("scopes"),
        user_id=body.get("user_id"),
    )

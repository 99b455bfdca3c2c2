"""Who is asking: the Authorization header, and what the caller may do on this route."""

from flask import request

from offerhub.api.access import Access
from offerhub.api.edge import Edge
from offerhub.api.state import RequestState
from offerhub.domain import scopes
from offerhub.domain.errors import NotFound, OfferHubError
from offerhub.domain.scopes import InsufficientScope
from offerhub.services import credentials as checks
from offerhub.services.credentials import Principal
from offerhub.services.idempotency import Kept

MAX_HEADER_LENGTH = 4096


class Unauthorized(OfferHubError):
    code = "UNAUTHORIZED"


def bearer(header: str | None) -> str:
    """The credentials of an Authorization header.

    Raises: Unauthorized when there are none of the one kind that is understood.
    """
    if not header:
        raise Unauthorized('Send "Authorization: Bearer <API key>".')
    scheme, _, token = header.strip().partition(" ")
    token = token.strip()
    malformed = not token or " " in token or len(header) > MAX_HEADER_LENGTH
    if scheme.lower() != "bearer" or malformed:
        raise Unauthorized('The Authorization header is not of the form "Bearer <API key>".')
    return token


def authenticate(edge: Edge, state: RequestState) -> Kept | None:
    """Set the request's principal; also the answer kept under its idempotency key, if any.

    Raises: Unauthorized, InvalidApiKey.
    """
    state.principal, kept = checks.authenticate(
        edge.app,
        edge.credentials,
        bearer(request.headers.get("Authorization")),
        idempotency_key=state.idempotency_key,
    )
    return kept


def authorize(access: Access, who: Principal) -> None:
    """Raises: InsufficientScope."""
    if who.type == "master":
        if access.master:
            return
        raise InsufficientScope(
            "The master key only makes the first admin key.",
            required_scope=access.scope,
            current_scopes=[],
        )
    if access.scope is not None:
        scopes.require(who.scopes, access.scope)
    if who.user_id is not None and access.bound is None:
        raise InsufficientScope(
            "A token that is bound to a user only reads that user's resources and events.",
            required_scope=access.scope,
            current_scopes=list(who.scopes),
        )


def keep_to_own_path(access: Access, who: Principal, view_args: dict[str, object]) -> None:
    """A bound token sees no other user's path. Raises: NotFound."""
    bound = access.bound
    if who.user_id is None or bound is None or bound.kind != "path":
        return
    if view_args.get(bound.fields[0]) != who.user_id:
        raise NotFound(code=bound.missing)


def keep_to_own_filter(access: Access, who: Principal, filters: dict[str, object]) -> None:
    """A bound token's lists are its user's. Raises: InsufficientScope for another user's."""
    bound = access.bound
    if who.user_id is None or bound is None or bound.kind != "filter":
        return
    field = bound.fields[0]
    if filters.get(field) not in (None, who.user_id):
        raise InsufficientScope(
            f"This token is bound to the user {who.user_id}.",
            required_scope=access.scope,
            current_scopes=list(who.scopes),
        )
    filters[field] = who.user_id


def keep_to_own_data(access: Access, who: Principal, data: object) -> None:
    """A bound token is told of nothing that is not its user's. Raises: NotFound."""
    bound = access.bound
    if who.user_id is None or bound is None or bound.kind != "owner":
        return
    shown = data if isinstance(data, dict) else {}
    if who.user_id not in [shown.get(field) for field in bound.fields]:
        raise NotFound(code=bound.missing)

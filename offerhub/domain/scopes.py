"""Scopes of keys and tokens, and which implies which."""

from collections.abc import Iterable
from typing import Final

from offerhub.domain.errors import OfferHubError, ValidationFailed

READ: Final = "read"
WRITE: Final = "write"
SUPPORT: Final = "support"
ADMIN: Final = "admin"
SCOPES: Final = (READ, WRITE, SUPPORT, ADMIN)


class InsufficientScope(OfferHubError):
    code = "INSUFFICIENT_SCOPE"


def check_known(scopes: Iterable[str]) -> tuple[str, ...]:
    """The scopes, unique and in the order of the contract. Raises: ValidationFailed."""
    wanted = set(scopes)
    if not wanted or not wanted <= set(SCOPES):
        raise ValidationFailed("scopes", f"Choose one or more of {', '.join(SCOPES)}.")
    return tuple(scope for scope in SCOPES if scope in wanted)


def allows(scopes: Iterable[str], required: str) -> bool:
    """Whether `scopes` include `required`; admin implies all."""
    held = set(scopes)
    return required in held or ADMIN in held


def require(scopes: Iterable[str], required: str) -> None:
    """Raises: InsufficientScope naming what is required and what is held."""
    held = tuple(scopes)
    if not allows(held, required):
        raise InsufficientScope(required_scope=required, current_scopes=list(held))


def narrowed(parent: Iterable[str], wanted: Iterable[str] | None) -> tuple[str, ...]:
    """Scopes of a token: those asked for, never wider than its key's.

    Raises: InsufficientScope, ValidationFailed.
    """
    held = tuple(parent)
    if wanted is None:
        return check_known(held)
    chosen = check_known(wanted)
    for scope in chosen:
        require(held, scope)
    return chosen

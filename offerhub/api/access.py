"""What a route says of itself: who may call it, whose data it shows, what bounds it.

The decorators only declare; the pipeline enforces, in one order for all routes. A route that
declares nothing stops the start of the process. Decorators may be stacked in any order.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from flask import Flask

View = TypeVar("View", bound=Callable[..., Any])

DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Bound:
    """How a route stays within one user's data when a token is bound to that user.

    kind: `path` (the path names the user), `filter` (a filter is set to the user), `owner` (the
    answer names its users in `fields`), `service` (the service looks at the actor) or `caller` (the
    route is about whoever calls).
    missing: the code for data of somebody else, which such a token is told is not there.
    """

    kind: str
    fields: tuple[str, ...] = ()
    missing: str = "NOT_FOUND"


def path_user(missing: str = "USER_NOT_FOUND") -> Bound:
    return Bound("path", ("user_id",), missing)


def filter_user(field: str = "user_id") -> Bound:
    return Bound("filter", (field,))


def owner(*fields: str, missing: str) -> Bound:
    return Bound("owner", fields, missing)


CALLER: Final = Bound("caller")
SERVICE: Final = Bound("service")


@dataclass(frozen=True, slots=True)
class Access:
    """scope None: any valid credentials. master: the master key is let in too.

    always: may change things during maintenance.
    """

    scope: str | None = None
    public: bool = False
    bound: Bound | None = None
    master: bool = False
    limited: bool = True
    raw_body: bool = False
    always: bool = False


@dataclass(frozen=True, slots=True)
class Idempotency:
    """keep_ms: how long answers are kept, None for ever. secret: they are kept encrypted.

    repeatable: the effect is the same however often it happens, and needs a call to a provider;
    so it is not wrapped in a transaction, and its answer is kept after it.
    """

    required: bool
    keep_ms: int | None
    secret: bool = False
    repeatable: bool = False


def require_scope(
    scope: str, *, bound: Bound | None = None, master: bool = False, always: bool = False
) -> Callable[[View], View]:
    """Let in credentials that hold `scope`; tokens bound to a user only with `bound`."""
    return _declaring(
        "offerhub_access", Access(scope=scope, bound=bound, master=master, always=always)
    )


def any_credentials(*, bound: Bound | None = None) -> Callable[[View], View]:
    """Let in whoever has valid credentials."""
    return _declaring("offerhub_access", Access(bound=bound))


def public(*, limited: bool = True, raw_body: bool = False) -> Callable[[View], View]:
    """Let in everybody. limited: within a limit per address. raw_body: leave the body unread."""
    return _declaring("offerhub_access", Access(public=True, limited=limited, raw_body=raw_body))


def idempotent(
    *,
    required: bool,
    keep_ms: int | None = DAY_MS,
    secret: bool = False,
    repeatable: bool = False,
) -> Callable[[View], View]:
    """Accept an Idempotency-Key, or demand one."""
    return _declaring("offerhub_idempotency", Idempotency(required, keep_ms, secret, repeatable))


def prepared_by(step: Callable[..., dict[str, Any]]) -> Callable[[View], View]:
    """Run `step` with the view's arguments before the transaction; its dict joins them.

    For what must ask a provider before anything is written.
    """
    return _declaring("offerhub_before", step)


def waits(read: Callable[..., dict[str, Any]]) -> Callable[[View], View]:
    """Honour `Prefer: wait=N`: `read(ctx, id)` is asked until the resource's work has ended."""
    return _declaring("offerhub_waits", read)


def limited_per_user(name: str) -> Callable[[View], View]:
    """Also bound by the limit called `name`, per `user_id` of the body."""
    return _declaring("offerhub_user_limit", name)


def access_of(view: Callable[..., Any] | None) -> Access | None:
    return getattr(view, "offerhub_access", None)


def idempotency_of(view: Callable[..., Any] | None) -> Idempotency | None:
    return getattr(view, "offerhub_idempotency", None)


def user_limit_of(view: Callable[..., Any] | None) -> str | None:
    return getattr(view, "offerhub_user_limit", None)


def preparation_of(view: Callable[..., Any] | None) -> Callable[..., dict[str, Any]] | None:
    return getattr(view, "offerhub_before", None)


def waits_of(view: Callable[..., Any] | None) -> Callable[..., dict[str, Any]] | None:
    return getattr(view, "offerhub_waits", None)


class UndeclaredRoute(Exception):
    """A route that does not say who may call it, or changes things without idempotency keys."""


def check_declarations(flask_app: Flask) -> None:
    """Raises: UndeclaredRoute."""
    for rule in flask_app.url_map.iter_rules():
        view = flask_app.view_functions[rule.endpoint]
        access = access_of(view)
        if access is None:
            raise UndeclaredRoute(f"{rule.rule} ({rule.endpoint}) does not declare who may call it")
        changes = "POST" in (rule.methods or set())
        if changes and not access.public and idempotency_of(view) is None:
            raise UndeclaredRoute(f"{rule.rule} ({rule.endpoint}) does not take idempotency keys")


def _declaring(name: str, value: object) -> Callable[[View], View]:
    def decorate(view: View) -> View:
        setattr(view, name, value)
        return view

    return decorate

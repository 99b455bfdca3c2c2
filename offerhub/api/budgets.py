"""Which limit applies to a request, and the headers that say what is left of it."""

from typing import Final

from flask import Response

from offerhub.api.edge import Edge
from offerhub.api.rate_limits import RateLimited
from offerhub.api.state import Budget, RequestState, client_network
from offerhub.services.credentials import Principal

# Routes without credentials: landings, documentation, unknown paths.
PUBLIC_FACTOR: Final = 5


def spend(edge: Edge, state: RequestState, subject: str, *, limit_name: str) -> None:
    """Count one request of `subject`. Raises: RateLimited."""
    limit = edge.app.policy.rate_limits_per_min[limit_name]
    _spend(edge, state, subject, limit=limit)


def spend_of_caller(edge: Edge, state: RequestState, who: Principal) -> None:
    """Count one request of a key (its tokens share its limit). Raises: RateLimited."""
    spend(edge, state, f"key:{who.key_id or who.type}", limit_name="api_key")


def spend_of_address(edge: Edge, state: RequestState, *, enforced: bool) -> None:
    """Count one request without credentials. Raises: RateLimited, if `enforced`."""
    limit = edge.app.policy.rate_limits_per_min["api_key"] * PUBLIC_FACTOR
    if enforced:
        _spend(edge, state, f"address:{client_network()}", limit=limit)
    else:
        state.budget = Budget(limit, limit, 0)


def refuse_for(edge: Edge, state: RequestState, seconds: int) -> None:
    """Refuse a stranger without counting. Raises: RateLimited, unless `seconds` is 0."""
    if seconds:
        limit = edge.app.policy.rate_limits_per_min["failed_logins"]
        state.budget = Budget(limit, 0, seconds)
        raise RateLimited(retry_after_s=seconds, limit=limit)


def spend_of_forgery(edge: Edge, state: RequestState) -> None:
    """Count one webhook whose signature is wrong; signed ones are never held up.

    Raises: RateLimited.
    """
    spend(edge, state, f"forged:{client_network()}", limit_name="failed_logins")


def spend_of_user(edge: Edge, state: RequestState, name: str, user_id: str) -> None:
    """Count one request of a kind that is limited per user. Raises: RateLimited."""
    before = state.budget
    spend(edge, state, f"{name}:{user_id}", limit_name=name)
    state.budget = before  # while it lasts, the key's own budget is what the headers show


def write_headers(state: RequestState, response: Response) -> None:
    budget = state.budget
    if budget is None:
        return
    response.headers["X-RateLimit-Limit"] = str(budget.limit)
    response.headers["X-RateLimit-Remaining"] = str(budget.remaining)
    response.headers["X-RateLimit-Reset"] = str(budget.reset_s)


def _spend(edge: Edge, state: RequestState, subject: str, *, limit: int) -> None:
    verdict = edge.limiter.take(subject, limit=limit)
    state.budget = Budget(verdict.limit, verdict.remaining, verdict.reset_s)
    if not verdict.allowed:
        raise RateLimited(retry_after_s=max(1, verdict.reset_s), limit=verdict.limit)

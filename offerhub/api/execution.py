"""Running a view: its transaction, its kept answer, its bytes."""

from collections.abc import Callable
from typing import Any

from flask import Response, current_app, request

from offerhub.api import access, auth, budgets, envelope, errors, waiting
from offerhub.api.edge import edge
from offerhub.api.idempotency import keep_lock
from offerhub.api.state import state
from offerhub.domain.errors import OfferHubError
from offerhub.services import idempotency
from offerhub.services.idempotency import Answer

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def run(
    view: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], *, status: int
) -> Response:
    """The view's answer. A changing view runs in one transaction with its kept answer."""
    if request.method in SAFE_METHODS:
        result = _call(view, args, kwargs)
        return result if isinstance(result, Response) else send(_answer(result, status))
    declared = _declared_view()
    rule = access.idempotency_of(declared)
    before = access.preparation_of(declared)
    if args:
        _spend_of_user(args[0])
    if before is not None:
        kwargs = {**kwargs, **before(*args, **kwargs)}
    answer = idempotency.perform(
        edge().app,
        state().claim,
        lambda: _answer(_call(view, args, kwargs), status),
        refusal=_refusal,
        repeatable=rule is not None and rule.repeatable,
    )
    if state().claim is not None:
        keep_lock(state())
    return send(waiting.until_final(declared, answer))


def send(answer: Answer) -> Response:
    """The bytes, as they are."""
    response = Response(answer.body, status=answer.status, mimetype="application/json")
    if answer.replayed:
        state().replayed = True
        response.headers["Idempotency-Replayed"] = "true"
    if answer.status == 204:
        response.headers.remove("Content-Type")
    return response


def error_answer(error: OfferHubError) -> Answer:
    return Answer(error.status, envelope.failure(error, request_id=state().request_id))


def succeed(result: object, *, status: int) -> Response:
    """The envelope around a result, for views that choose their own status."""
    return send(_answer(result, status))


def _call(view: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The view's result, if the caller may see it.

    The view gets copies of the request's fields: it may take them apart, and may be run again.
    """
    args = tuple(dict(part) if isinstance(part, dict) else part for part in args)
    who, declared = state().principal, access.access_of(_declared_view())
    if who is None or declared is None:
        return view(*args, **kwargs)
    if args:
        auth.keep_to_own_filter(declared, who, args[0])
    result = view(*args, **kwargs)
    auth.keep_to_own_data(declared, who, result)
    return result


def _answer(result: object, status: int) -> Answer:
    if result is None:
        return Answer(204, b"")
    body = envelope.success(result, request_id=state().request_id, now_ms=edge().app.now_ms())
    return Answer(status, body)


def _refusal(error: Exception) -> Answer | None:
    known = errors.as_offerhub_error(error)
    return error_answer(known) if errors.may_be_kept(known) else None


def _declared_view() -> Callable[..., Any]:
    """The view with all its declarations: decorators above `response` made them on a wrapper."""
    return current_app.view_functions[request.endpoint or ""]


def _spend_of_user(body: dict[str, Any]) -> None:
    name = access.user_limit_of(_declared_view())
    if name is not None:
        budgets.spend_of_user(edge(), state(), name, body["user_id"])

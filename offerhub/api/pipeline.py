"""What happens to every request, in one order, before and after its view.

Request id, credentials, rate limit, scope, own data, body, idempotency key; then the view; then
the headers that every answer has, the access log, and the key's `last_used_at`.
Credentials come before everything that could tell a stranger something: which ids exist, which
fields are wrong.
"""

import re
import time
from typing import Any, Final

from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from offerhub.api import (
    access,
    auth,
    budgets,
    errors,
    execution,
    idempotency,
    json_body,
    metrics,
    path_ids,
)
from offerhub.api.auth import Unauthorized
from offerhub.api.edge import Edge, edge
from offerhub.api.state import RequestState, client_address, client_network, state
from offerhub.domain import ids
from offerhub.domain.errors import OfferHubError
from offerhub.logs import get_logger
from offerhub.services.credentials import InvalidApiKey
from offerhub.services.idempotency import Kept

_log = get_logger("offerhub.api")
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})


class UnsupportedMediaType(OfferHubError):
    code = "UNSUPPORTED_MEDIA_TYPE"


def install(flask_app: Flask) -> None:
    flask_app.before_request(_before)
    flask_app.after_request(_after)
    flask_app.teardown_request(_teardown)
    flask_app.register_error_handler(Exception, _on_error)


def _before() -> Response | None:
    said = request.headers.get("X-Request-ID", "")
    request_id = said if _REQUEST_ID.fullmatch(said) else ids.new_id(ids.REQUEST)
    g.offerhub = now = RequestState(request_id)
    view = current_app.view_functions.get(request.endpoint) if request.endpoint else None
    declared = access.access_of(view)
    if declared is None or declared.public or request.method == "OPTIONS":
        budgets.spend_of_address(edge(), now, enforced=declared is None or declared.limited)
        return None
    rule = access.idempotency_of(view) if request.method == "POST" else None
    if rule is not None:
        now.idempotency_key = idempotency.read_key()
    kept = _let_in(edge(), now, declared)
    _check_address()
    if rule is not None:
        idempotency.check_key(rule)
    if request.method in _WITH_BODY and not declared.raw_body:
        now.body = _read_body()
    if rule is not None:
        answer = idempotency.begin(edge(), now, rule, kept)
        if answer is not None:
            return execution.send(answer)
    if request.method not in execution.SAFE_METHODS and not declared.always:
        edge().maintenance.check()  # kept answers are still given: they change nothing
    return None


def _let_in(at: Edge, now: RequestState, declared: access.Access) -> Kept | None:
    network, credentials = client_network(), request.headers.get("Authorization", "")
    budgets.refuse_for(at, now, at.strangers.held_off_s(network, credentials))
    try:
        kept = auth.authenticate(at, now)
    except (Unauthorized, InvalidApiKey):
        # Too many refusals from one network answer 429, by and by without asking the database.
        try:
            budgets.spend(at, now, f"refused:{network}", limit_name="failed_logins")
        except budgets.RateLimited as too_many:
            at.strangers.hold_off(network, int(too_many.details["retry_after_s"]))
            raise
        raise
    at.strangers.remember(credentials)
    who = now.principal
    if who is None:
        raise RuntimeError("authentication neither refused nor found anybody")
    budgets.spend_of_caller(at, now, who)
    auth.authorize(declared, who)
    auth.keep_to_own_path(declared, who, request.view_args or {})
    return kept


def _check_address() -> None:
    """Refuse ids and queries that no database should be asked for."""
    for name, value in (request.view_args or {}).items():
        path_ids.check(name, value)
    for name, values in request.args.lists():
        if json_body.bad_text(name) or any(json_body.bad_text(value) for value in values):
            raise json_body.InvalidRequest("The query holds a character that is not text.")
        if len(values) > 1:
            raise json_body.InvalidRequest("A parameter of the query is given twice.")


def _read_body() -> Any:
    """The parsed body. Raises: InvalidRequest, UnsupportedMediaType, RequestEntityTooLarge."""
    raw = request.get_data(cache=True)
    if raw:
        charset = request.mimetype_params.get("charset", "utf-8").lower()
        if request.mimetype != "application/json" or charset not in {"utf-8", "utf8"}:
            raise UnsupportedMediaType
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise UnsupportedMediaType("The body must not be compressed.")
    return json_body.parse(raw)


def _on_error(error: Exception) -> Response:
    if not hasattr(g, "offerhub"):
        g.offerhub = RequestState(ids.new_id(ids.REQUEST))
    known = errors.as_offerhub_error(error)
    state().error_code = known.code
    if state().budget is None:  # it failed before the caller was known; the headers are there
        budgets.spend_of_address(edge(), state(), enforced=False)
    if known.code == "INTERNAL_ERROR" or known.details.get("provider") == "database":
        _log.error("request.failed", exc_info=error, request_id=state().request_id)
    response = execution.send(execution.error_answer(known))
    if isinstance(error, HTTPException):
        for name, value in error.get_headers(request.environ):
            if name == "Allow":
                response.headers[name] = value
    if isinstance(error, RequestEntityTooLarge):
        response.headers["Connection"] = "close"
    if known.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="OfferHub"'
    wait_s = errors.retry_after_s(known)
    if wait_s is not None:
        response.headers["Retry-After"] = str(wait_s)
    return response


def _after(response: Response) -> Response:
    if not hasattr(g, "offerhub"):
        g.offerhub = RequestState(ids.new_id(ids.REQUEST))
    now = state()
    response.headers["X-Request-ID"] = now.request_id
    if response.status_code in {429, 503}:  # an unhealthy report is no error, but a 503
        response.headers.setdefault("Retry-After", str(errors.RETRY_AFTER_S))
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    if now.idempotency_key is not None:
        response.headers["Idempotency-Key"] = now.idempotency_key
    budgets.write_headers(now, response)
    _write_log(now, response)
    return response


def _write_log(now: RequestState, response: Response) -> None:
    who = now.principal
    route = request.url_rule.rule if request.url_rule else None
    taken_s = time.monotonic() - now.started_s
    metrics.count_request(
        method=request.method, route=route, status=response.status_code, seconds=taken_s
    )
    said = {
        "request_id": now.request_id,
        "method": request.method,
        "route": route,
        "path": request.path[:256],
        "status": response.status_code,
        "duration_ms": round(taken_s * 1000, 1),
        "ip": client_address(),
        "caller": (who.key_id or who.type) if who else None,
        "user_id": who.user_id if who else None,
        "error_code": now.error_code,
        "replayed": now.replayed or None,
    }
    _log.info("request", **{name: value for name, value in said.items() if value is not None})


def _teardown(_: BaseException | None) -> None:
    now = getattr(g, "offerhub", None)
    if now is None:
        return
    idempotency.release_lock(edge(), now)
    if now.principal is not None:
        edge().uses.note(edge().app, now.principal)

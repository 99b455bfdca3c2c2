"""The OpenAPI document: what the schemas cannot say is added from the routes' declarations."""

import json
from importlib import metadata
from typing import Any, Final

from flask import Flask
from flask_smorest import Api
from marshmallow import fields as ma_fields

from offerhub.api import access, named_words
from offerhub.api.schemas.envelopes import Problem
from offerhub.api.schemas.fields import Amount, Currency, Metadata, Moment
from offerhub.domain.errors import CATALOG

TITLE: Final = "OfferHub"
DESCRIPTION: Final = (
    "Balances, escrow and payouts for one marketplace. Amounts are text such as `12.34`; times are"
    " ISO 8601 in UTC. Requests that move money need an `Idempotency-Key`."
)

_STATUS_WORDS: Final = {
    400: "The request cannot be read or a field is not valid.",
    401: "No valid credentials.",
    403: "The credentials lack the scope.",
    404: "There is no such thing.",
    409: "The current state, or an idempotency key, does not allow this.",
    413: "The body is larger than 1 MiB.",
    415: "The body is not application/json.",
    422: "Understood, but it cannot be done.",
    429: "Too many requests.",
    500: "Something failed on our side.",
    502: "A provider refused or answered nonsense.",
    503: "Not available at the moment.",
    504: "A provider did not answer in time.",
}
_COMMON_HEADERS: Final = {
    "X-Request-ID": ("The request's id.", "string"),
    "X-RateLimit-Limit": ("Requests per minute.", "integer"),
    "X-RateLimit-Remaining": ("Requests left in the current minute.", "integer"),
    "X-RateLimit-Reset": ("Seconds until more become free.", "integer"),
}
_REPLAY_HEADERS: Final = {
    "Idempotency-Key": ("The key that was sent.", "string"),
    "Idempotency-Replayed": (
        "`true` when this is the kept answer of an earlier request.",
        "string",
    ),
}
_METHODS: Final = ("get", "post", "put", "patch", "delete")


def _header(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/headers/{name}"}


_COMMON: Final = {name: _header(name) for name in _COMMON_HEADERS}


class DescribedApi(Api):
    """flask-smorest's Api, with our error shape and without its own error handling."""

    ERROR_SCHEMA = Problem

    def _register_error_handlers(self) -> None:
        """The pipeline answers errors, in one place."""

    def _register_pagination_header(self) -> None:
        """Pages are described by their envelope."""

    def _register_etag_headers(self) -> None:
        """No answer has an ETag."""

    def _init_spec(self, **options: Any) -> None:
        super()._init_spec(
            info={"description": DESCRIPTION, "license": {"name": "MIT", "identifier": "MIT"}},
            servers=[{"url": "/", "description": "This deployment"}],
            **options,
        )
        self._register_field(Amount, "string", None)
        self._register_field(Currency, "string", None)
        self._register_field(Moment, "string", "date-time")
        self._register_field(Metadata, ma_fields.Dict)
        self.spec.components.security_scheme(
            "bearer",
            {
                "type": "http",
                "scheme": "bearer",
                "description": "An API key (`ohk_live_…`, `ohk_test_…`) or a token (`ohk_tok_…`).",
            },
        )


def version() -> str:
    try:
        return metadata.version("offerhub")
    except metadata.PackageNotFoundError:
        return "0"


def document(api: Api) -> dict[str, Any]:
    """The whole document."""
    found: dict[str, Any] = api.spec.to_dict()
    return found


def as_text(api: Api) -> str:
    """The document as it is served, committed and compared."""
    return json.dumps(document(api), indent=2, ensure_ascii=False) + "\n"


def complete(flask_app: Flask, api: Api) -> None:
    """Add ids, security, headers and errors to every operation."""
    components, paths = api.spec.components, api.spec._paths
    for name, (words, kind) in (_COMMON_HEADERS | _REPLAY_HEADERS).items():
        components.header(name, {"description": words, "schema": {"type": kind}})
    components.header("Retry-After", {"description": "Seconds.", "schema": {"type": "integer"}})
    for status in _STATUS_WORDS:
        components.response(f"Error{status}", _error_response(status))
    for rule in flask_app.url_map.iter_rules():
        path = paths.get(_openapi_path(rule.rule))
        if path is None:
            continue
        view = flask_app.view_functions[rule.endpoint]
        for method in _METHODS:
            if method in path and method.upper() in (rule.methods or ()):
                _complete_operation(path[method], view, method, rule.arguments)
    named_words.name_all(components.schemas, paths)


def _complete_operation(
    operation: dict[str, Any], view: Any, method: str, arguments: set[str]
) -> None:
    declared = access.access_of(view) or access.Access()
    rule = access.idempotency_of(view) if method == "post" else None
    operation["operationId"] = view.__name__
    operation["security"] = [] if declared.public else [{"bearer": []}]
    if declared.scope:
        operation["x-required-scope"] = declared.scope
    if not declared.public:
        operation["x-user-token"] = declared.bound is not None
    parameters = operation.setdefault("parameters", [])
    if rule is not None:
        parameters.append(_idempotency_header(required=rule.required))
    if access.waits_of(view) is not None:
        parameters.append(_prefer_header())
        final = operation["responses"].get("202")
        if final is not None:
            operation["responses"]["200"] = {
                **final, "description": "With `Prefer: wait=N`: the work has ended."
            }  # fmt: skip
    if not parameters:
        del operation["parameters"]
    responses = operation["responses"]
    for status in [status for status, found in responses.items() if "$ref" in found]:
        del responses[status]  # what the argument parser declares; our own words come below
    for response in responses.values():
        response["headers"] = dict(_COMMON)
        if rule is not None:
            response["headers"] |= {name: _header(name) for name in _REPLAY_HEADERS}
    asks = access.preparation_of(view) is not None
    for status in _errors_of(declared, rule, method, arguments, asks=asks):
        responses.setdefault(str(status), {"$ref": f"#/components/responses/Error{status}"})


def _errors_of(
    declared: access.Access,
    rule: access.Idempotency | None,
    method: str,
    arguments: set[str],
    *,
    asks: bool,
) -> list[int]:
    """asks: somebody outside is asked before the transaction."""
    found = {429, 500, 503}
    if not declared.public:
        found |= {400, 401, 403}
    if arguments:
        found.add(404)
    if method in {"post", "put", "patch"}:
        found |= {400, 413}
        if not declared.raw_body:
            found |= {404, 409, 415, 422}
    if method == "delete":
        found.add(409)
    if asks or (rule is not None and (rule.repeatable or rule.required)):
        found |= {502, 504}
    return sorted(found)


def _error_response(status: int) -> dict[str, Any]:
    codes = sorted(entry.code for entry in CATALOG.values() if entry.status == status)
    response: dict[str, Any] = {
        "description": _STATUS_WORDS[status] + (f" Codes: {', '.join(codes)}." if codes else ""),
        "content": {"application/json": {"schema": Problem}},
        "headers": dict(_COMMON),
    }
    if status in {429, 503}:
        response["headers"]["Retry-After"] = _header("Retry-After")
    return response


def _idempotency_header(*, required: bool) -> dict[str, Any]:
    return {
        "in": "header",
        "name": "Idempotency-Key",
        "required": required,
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        "description": "One effect per key: a repeated request gets the first answer again.",
    }


def _prefer_header() -> dict[str, Any]:
    return {
        "in": "header",
        "name": "Prefer",
        "required": False,
        "schema": {"type": "string", "example": "wait=20"},
        "description": "`wait=N`: hold the answer until the work has ended; N is at most 60 s.",
    }


def _openapi_path(rule: str) -> str:
    return rule.replace("<", "{").replace(">", "}")

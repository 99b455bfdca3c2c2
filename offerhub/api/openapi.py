"""The OpenAPI document: what the schemas cannot say is added from the routes' declarations."""

import json
from copy import deepcopy
from importlib import metadata
from threading import Lock
from typing import Any, Final

from flask import Flask
from flask_smorest import Api, Blueprint
from marshmallow import fields as ma_fields

from offerhub.api import (
    access,
    error_answers,
    examples,
    named_words,
    path_ids,
    possible_errors,
)
from offerhub.api.idempotency import KEY_PATTERN
from offerhub.api.schemas.envelopes import Problem
from offerhub.api.schemas.event_payloads import PAYLOADS
from offerhub.api.schemas.fields import Amount, Currency, Metadata, Moment
from offerhub.domain.errors import CATALOG

TITLE: Final = "OfferHub"
DESCRIPTION: Final = (
    "Balances, escrow and payouts for one marketplace. Amounts are text such as `12.34`; times are"
    " ISO 8601 in UTC. Requests that move money need an `Idempotency-Key`."
)

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
    """flask-smorest's Api, with our error shape and without its own error handling.

    The routes are there at once; their description is made when somebody asks for it: that costs
    more than all else in making an application.
    """

    ERROR_SCHEMA = Problem

    def __init__(self, flask_app: Flask) -> None:
        self._undescribed: list[Blueprint] = []
        self._describing = Lock()
        super().__init__(flask_app)

    def register_blueprint(self, blp: Blueprint, **options: Any) -> None:
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blp.name] = self
        self._app.register_blueprint(blp, **options)
        self._undescribed.append(blp)

    def describe(self) -> None:
        """Make the description, if that was not done yet. What fails half-way begins anew."""
        with self._describing:
            if not self._undescribed:
                return
            try:
                self._describe_all()
            except BaseException:
                self._init_spec()
                raise
            self._undescribed.clear()

    def _describe_all(self) -> None:
        for blp in self._undescribed:
            blp.register_views_in_doc(self, self._app, self.spec, name=blp.name, parameters=None)
            self.spec.tag({"name": blp.name, "description": blp.description})
        _complete(self._app, self)

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


def document(api: DescribedApi) -> dict[str, Any]:
    """The whole document."""
    api.describe()
    found: dict[str, Any] = api.spec.to_dict()
    return found


def as_text(api: DescribedApi) -> str:
    """The document as it is served, committed and compared."""
    return json.dumps(document(api), indent=2, ensure_ascii=False) + "\n"


def _complete(flask_app: Flask, api: Api) -> None:
    """Add ids, security, headers and errors to every operation."""
    components, paths = api.spec.components, api.spec._paths
    for name, (words, kind) in (_COMMON_HEADERS | _REPLAY_HEADERS).items():
        components.header(name, {"description": words, "schema": {"type": kind}})
    components.header("Retry-After", {"description": "Seconds.", "schema": {"type": "integer"}})
    refusals, made_up = error_answers.components(_COMMON)
    for name, response in refusals.items():
        components.response(name, response)
    for name, example in made_up.items():
        components.example(name, example)
    for rule in flask_app.url_map.iter_rules():
        path = paths.get(_openapi_path(rule.rule))
        if path is None:
            continue
        for parameter in path.get("parameters", ()):
            if parameter["in"] == "path":
                parameter["schema"]["pattern"] = path_ids.PATTERNS[parameter["name"]]
        view = flask_app.view_functions[rule.endpoint]
        for method in _METHODS:
            if method in path and method.upper() in (rule.methods or ()):
                _complete_operation(
                    path[method], view, method, rule.arguments, schemas=components.schemas
                )
    for schema in dict.fromkeys(PAYLOADS.values()):
        if schema.__name__ not in components.schemas:
            components.schema(schema.__name__, schema=schema)
    api.spec.options["webhooks"] = examples.webhooks()
    named_words.name_all(components.schemas, paths)


def _complete_operation(
    operation: dict[str, Any],
    view: Any,
    method: str,
    arguments: set[str],
    *,
    schemas: dict[str, Any],
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
    codes = possible_errors.codes_of(
        view.__name__,
        declared=declared,
        rule=rule,
        method=method,
        arguments=arguments,
        query=[one for one in parameters if one.get("in") == "query"],
        body=None if declared.raw_body else _body_of(operation, schemas),
    )
    if rule is not None:
        parameters.append(_idempotency_header(required=rule.required))
    if access.waits_of(view) is not None:
        parameters.append(_prefer_header())
        final = operation["responses"].get("202")
        if final is not None:
            operation["responses"]["200"] = {
                **deepcopy(final), "description": "With `Prefer: wait=N`: the work has ended."
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
    refusals = error_answers.responses_of(codes, _COMMON)
    operation["x-error-codes"] = [
        code for code in codes if str(CATALOG[code].status) not in responses
    ]
    for status, response in refusals.items():
        responses.setdefault(status, response)
    examples.add_to(operation)


def _body_of(operation: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any] | None:
    """The schema of the operation's JSON body, with all that it refers to in its place."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return None if content is None else _whole(content["schema"], schemas)


def _whole(part: Any, schemas: dict[str, Any]) -> Any:
    if isinstance(part, list):
        return [_whole(one, schemas) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _whole(schemas[part["$ref"].rsplit("/", 1)[1]], schemas)
    return {name: _whole(one, schemas) for name, one in part.items()}


def _idempotency_header(*, required: bool) -> dict[str, Any]:
    return {
        "in": "header",
        "name": "Idempotency-Key",
        "required": required,
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": KEY_PATTERN},
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

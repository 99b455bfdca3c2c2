"""Holds every answer of the tests to the API's own description, field by field."""

import json
from functools import cache
from typing import Any

import jsonschema_rs
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter
from werkzeug.test import TestResponse

from offerhub.api.app import assemble
from offerhub.api.openapi import document

ALWAYS = ("X-Request-ID", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


def check(answer: TestResponse) -> None:
    """The status is described, the headers are there, and the body is exactly of its shape."""
    for name in ALWAYS:
        assert name in answer.headers, f"{name} is missing"
    assert (answer.status_code == 401) == ("WWW-Authenticate" in answer.headers)
    if answer.status_code in {429, 503}:
        assert int(answer.headers["Retry-After"]) > 0
    path, method = answer.request.path, answer.request.method.lower()
    operation = _operation(path, method)
    if operation is None:
        assert answer.status_code in {404, 405, 429}
        _validator("Problem").validate(json.loads(answer.data))
        return
    described = operation["responses"]
    assert str(answer.status_code) in described, (
        f"{method} {path} answered {answer.status_code}, which is not described: {answer.text}"
    )
    content = _resolved(described[str(answer.status_code)]).get("content", {})
    schema = content.get("application/json", {}).get("schema")
    if answer.mimetype == "application/json" and "$ref" in (schema or {}) and method != "head":
        _validator(schema["$ref"].rsplit("/", 1)[1]).validate(json.loads(answer.data))
    if answer.status_code >= 400 and answer.mimetype == "application/json" and method != "head":
        error = json.loads(answer.data).get("error")
        said = error and error["code"]
        assert said is None or said in operation["x-error-codes"], (
            f"{method} {path} answered {said}, which is not among its codes"
        )


def validates(schema: dict[str, Any], value: Any) -> None:
    """Raises: jsonschema_rs.ValidationError when the value is not of a schema of the document."""
    whole = {**schema, "components": described()["components"]}
    jsonschema_rs.Draft202012Validator(whole, validate_formats=True).validate(value)


@cache
def described() -> dict[str, Any]:
    """The API's description, with every object closed: a field more is as wrong as one less."""
    _, api = assemble()
    found = document(api)
    for schema in found["components"]["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return found


@cache
def _adapter() -> MapAdapter:
    flask_app, _ = assemble()
    return flask_app.url_map.bind("localhost")


def _operation(path: str, method: str) -> dict[str, Any] | None:
    try:
        rule, _ = _adapter().match(path, method="GET" if method == "head" else method.upper(),
                                   return_rule=True)  # fmt: skip
    except HTTPException:
        return None
    name = rule.rule.replace("<", "{").replace(">", "}")
    found: dict[str, Any] = described()["paths"][name]
    return found.get("get" if method == "head" else method)


def _resolved(response: dict[str, Any]) -> dict[str, Any]:
    ref = response.get("$ref")
    return described()["components"]["responses"][ref.rsplit("/", 1)[1]] if ref else response


@cache
def _validator(name: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(
        {"$ref": f"#/components/schemas/{name}", "components": described()["components"]},
        validate_formats=True,
    )

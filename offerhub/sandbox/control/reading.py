"""Reading of control requests and the shape of control refusals."""

from typing import Any

from flask import Response, request

from offerhub.sandbox import wire
from offerhub.sandbox.airtm.amounts import stroops_of_text


class ControlError(Exception):
    """A control request that cannot be done; answered as `{"error": text}`."""

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def reply(body: Any, *, status: int = 200) -> Response:
    return Response(wire.dumps(body), status=status, mimetype="application/json")


def read(**members: Any) -> dict[str, Any]:
    """The JSON object of this request with exactly these members; the value is the default.

    A default of `...` makes a member required. Raises: ControlError.
    """
    raw = request.get_data()
    try:
        body = wire.loads(raw) if raw else {}
    except wire.UnreadableJson as error:
        raise ControlError(f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise ControlError("the body must be a JSON object")
    unknown = sorted(set(body) - set(members))
    if unknown:
        raise ControlError(f"unknown member {unknown[0]!r}; known: {', '.join(sorted(members))}")
    values = {**members, **body}
    missing = sorted(name for name, value in values.items() if value is ...)
    if missing:
        raise ControlError(f"{missing[0]} is required")
    return values


def read_any() -> dict[str, Any]:
    """The JSON object of this request, whatever its members. Raises: ControlError."""
    try:
        body = wire.loads(request.get_data() or b"{}")
    except wire.UnreadableJson as error:
        raise ControlError(f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise ControlError("the body must be a JSON object")
    return body


def text(value: Any, *, name: str) -> str:
    """Raises: ControlError unless it is non-empty text."""
    if not isinstance(value, str) or not value:
        raise ControlError(f"{name} must be non-empty text")
    return value


def cents(value: Any, *, name: str) -> int:
    """Stroops of decimal text with at most two decimals. Raises: ControlError."""
    stroops = stroops_of_text(value)
    if stroops is None:
        raise ControlError(f'{name} must be decimal text such as "25.00"')
    return stroops

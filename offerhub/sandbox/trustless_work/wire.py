"""The API's way of writing: exact JSON numbers, error bodies, the key and the throttle."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from hmac import compare_digest
from typing import Any

from flask import Response, request

from offerhub.sandbox.chain.amounts import STROOPS_PER_UNIT

THROTTLE_WINDOW_S = 60.0
_REASONS = {400: "Bad Request", 404: "Not Found"}


class ApiError(Exception):
    """An error answer in the shape of the provider's framework."""

    def __init__(self, status: int, message: str | list[str]) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {"statusCode": status, "message": message}
        if status in _REASONS:
            self.body["error"] = _REASONS[status]


def error_response(error: ApiError) -> Response:
    """The HTTP answer of an ApiError."""
    return answer(error.body, error.status)


def answer(body: Any, status: int = 200) -> Response:
    """A JSON answer; Decimals become exact numbers."""
    return Response(dump(body), status=status, mimetype="application/json")


def dump(value: Any) -> str:
    """JSON text. Unlike the standard encoder it writes a Decimal digit for digit."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{dump(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(dump(one) for one in value) + "]"
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return json.dumps(value)


def units(amount_stroops: int) -> Decimal:
    """Stroops as the decimal number the API shows."""
    return Decimal(amount_stroops) / STROOPS_PER_UNIT


def read_body() -> dict[str, Any]:
    """The request's JSON object with exact numbers. Raises ApiError 400."""
    try:
        body = json.loads(request.get_data() or b"{}", parse_float=Decimal, parse_int=Decimal)
    except ValueError as problem:
        raise ApiError(400, f"Unexpected token in JSON: {problem}") from problem
    if not isinstance(body, dict):
        raise ApiError(400, "the body must be a JSON object")
    return body


def key_guard(api_key: str) -> Callable[[], None]:
    """Refuse requests without the right `x-api-key`."""

    def guard() -> None:
        given = request.headers.get("x-api-key", "")
        if not compare_digest(given.encode(), api_key.encode()):
            raise ApiError(401, "Unauthorized")

    return guard


def throttle(limit: int, *, window_s: float = THROTTLE_WINDOW_S) -> Callable[[], None]:
    """At most `limit` requests of one key in any window; more are answered 429."""
    lock = threading.Lock()
    seen: dict[str, deque[float]] = {}

    def guard() -> None:
        now_s = time.monotonic()
        with lock:
            times = seen.setdefault(request.headers.get("x-api-key", ""), deque())
            while times and times[0] <= now_s - window_s:
                times.popleft()
            if len(times) >= limit:
                raise ApiError(429, "ThrottlerException: Too Many Requests")
            times.append(now_s)

    return guard

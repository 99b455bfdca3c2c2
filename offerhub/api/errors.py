"""Every failure becomes an answer here, and nowhere else: code, status, envelope.

Not here: the catalogue itself (`domain.errors`).
"""

from typing import Any, Final

import marshmallow as ma
from werkzeug.exceptions import HTTPException

from offerhub.domain.errors import CATALOG, OfferHubError
from offerhub.ports import errors as ports
from offerhub.store import failures

RETRY_AFTER_S: Final = 5

_BY_STATUS: Final = {
    400: "INVALID_REQUEST",
    401: "UNAUTHORIZED",
    403: "INSUFFICIENT_SCOPE",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    429: "RATE_LIMITED",
    503: "PROVIDER_UNAVAILABLE",
    504: "PROVIDER_TIMEOUT",
}
_REQUIRED: Final = ma.fields.Field.default_error_messages["required"]
# Codes that stand for a whole answer when every bad field has the same one.
_FIELD_CODES: Final = frozenset(
    {"INVALID_AMOUNT_FORMAT", "INVALID_AMOUNT", "INVALID_CURRENCY", "MISSING_REQUIRED_FIELD"}
)
_MAX_FIELDS: Final = 50


class Coded(str):
    """The message of a field that also knows which code of the catalogue it stands for."""

    code: str

    def __new__(cls, code: str, message: str | None = None) -> "Coded":
        text = super().__new__(cls, message or CATALOG[code].message)
        text.code = code
        return text


def as_offerhub_error(error: BaseException) -> OfferHubError:
    """The error of the catalogue that a client is told about."""
    if isinstance(error, OfferHubError):
        return error
    if isinstance(error, ports.ProviderFailure):
        return _of_provider(error)
    if isinstance(error, HTTPException):
        code = _BY_STATUS.get(error.code or 500)
        if code is None:
            code = "INVALID_REQUEST" if 400 <= (error.code or 500) < 500 else "INTERNAL_ERROR"
        return OfferHubError(code=code)
    if failures.is_passing(error) or failures.is_unavailable(error):
        return OfferHubError(
            "The database is not available at the moment; nothing was changed.",
            code="PROVIDER_UNAVAILABLE",
            provider="database",
        )
    return OfferHubError()


def may_be_kept(error: OfferHubError) -> bool:
    """Whether an error is a final answer to its request, to be given again under the same key.

    What may pass by itself, and what was wrong with the request's form, is not.
    """
    return error.status in {404, 409, 422} and error.entry.retry != "later"


def retry_after_s(error: OfferHubError) -> int | None:
    """Seconds for the Retry-After header, where the answer has one."""
    said = error.details.get("retry_after_s")
    if isinstance(said, int | float) and not isinstance(said, bool):
        return max(1, -(-int(said * 1000) // 1000))
    if error.code == "IDEMPOTENCY_KEY_IN_PROGRESS":
        return 1
    return RETRY_AFTER_S if error.status in {429, 503} else None


def validation_error(messages: Any) -> OfferHubError:
    """One error for all bad fields of a request, from marshmallow's tree of messages."""
    leaves = list(_leaves(messages, ""))[:_MAX_FIELDS]
    fields = [{"field": path or "body", "message": str(text)} for path, text in leaves]
    codes = {_code(text) for _, text in leaves}
    code = codes.pop() if len(codes) == 1 else "VALIDATION_ERROR"
    return OfferHubError(code=code, fields=fields)


def _code(text: str) -> str:
    if isinstance(text, Coded) and text.code in _FIELD_CODES:
        return text.code
    return "MISSING_REQUIRED_FIELD" if text == _REQUIRED else "VALIDATION_ERROR"


def _leaves(messages: Any, path: str) -> Any:
    if isinstance(messages, dict):
        for name, below in messages.items():
            inner = "" if name == "_schema" else str(name)
            yield from _leaves(below, f"{path}.{inner}" if path and inner else path or inner)
    elif isinstance(messages, list | tuple):
        for below in messages:
            yield from _leaves(below, path)
    else:
        yield path, messages if isinstance(messages, str) else str(messages)


def _of_provider(error: ports.ProviderFailure) -> OfferHubError:
    details: dict[str, Any] = {"provider": error.provider}
    if error.retry_after_s is not None:
        details["retry_after_s"] = error.retry_after_s
    if isinstance(error, ports.Rejected):
        code = error.error_code if error.error_code in CATALOG else "PROVIDER_ERROR"
    elif isinstance(error, ports.RateLimited):
        code = "PROVIDER_RATE_LIMITED"
    elif isinstance(error, ports.Unavailable):
        code = "PROVIDER_UNAVAILABLE"
    else:
        code = "PROVIDER_TIMEOUT"
    return OfferHubError(code=code, **details)

"""Refusals in the OpenAPI document: per operation and status the codes, each with an example."""

from collections.abc import Iterable
from typing import Any, Final

from offerhub.domain.errors import CATALOG

_WORDS: Final = {
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
# Answers that many operations have alike, by the name of their component.
_SHARED: Final = {
    "Error401": ("UNAUTHORIZED", "INVALID_API_KEY"),
    "Error403": ("INSUFFICIENT_SCOPE",),
    "Error413": ("PAYLOAD_TOO_LARGE",),
    "Error415": ("UNSUPPORTED_MEDIA_TYPE",),
    "Error429": ("RATE_LIMITED",),
    "Error500": ("INTERNAL_ERROR",),
    "Error503": ("PROVIDER_UNAVAILABLE", "MAINTENANCE"),
    "Error503Reading": ("PROVIDER_UNAVAILABLE",),
    "Error504": ("PROVIDER_TIMEOUT",),
}
_DETAILS: Final[dict[str, dict[str, Any]]] = {
    "INSUFFICIENT_SCOPE": {"required_scope": "write", "current_scopes": ["read"]},
    "RATE_LIMITED": {"retry_after_s": 12, "limit": 100},
    "MAINTENANCE": {"retry_after_s": 60},
    "PROVIDER_UNAVAILABLE": {"provider": "airtm"},
    "PROVIDER_TIMEOUT": {"provider": "airtm"},
    "PROVIDER_ERROR": {"provider": "airtm"},
    "PROVIDER_RATE_LIMITED": {"provider": "airtm", "retry_after_s": 1},
    "STELLAR_NETWORK_ERROR": {"provider": "stellar"},
    "INVALID_STATE": {
        "current_state": "ORDER_CREATED", "allowed_states": ["FUNDS_RESERVED", "CLOSED"],
    },
    "WITHDRAWAL_NOT_COMMITTABLE": {
        "current_state": "WITHDRAWAL_CANCELED", "allowed_states": ["WITHDRAWAL_CREATED"],
    },
    "RESERVE_MISMATCH_AMOUNT": {"expected": "100.00", "expected_exact": "100.0000000"},
}  # fmt: skip
_FIELDS: Final = {
    "VALIDATION_ERROR": ("type", "Must be one of: BUYER, SELLER, BOTH."),
    "MISSING_REQUIRED_FIELD": ("external_user_id", "Missing data for required field."),
    "INVALID_AMOUNT_FORMAT": ("amount", CATALOG["INVALID_AMOUNT_FORMAT"].message),
    "INVALID_AMOUNT": ("amount", CATALOG["INVALID_AMOUNT"].message),
    "INVALID_CURRENCY": ("currency", CATALOG["INVALID_CURRENCY"].message),
}
_REQUEST_ID: Final = "req_V1StGXR8_Z5jdHi6B-myT"


def components(headers: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Shared responses and the example of each code, both by name."""
    responses = {name: _response(codes, headers) for name, codes in _SHARED.items()}
    return responses, {code: {"value": _example(code)} for code in CATALOG if _is_refusal(code)}


def responses_of(codes: Iterable[str], headers: dict[str, Any]) -> dict[str, Any]:
    """The refusals of an operation by status; references where others have the very same."""
    by_status: dict[int, tuple[str, ...]] = {}
    for code in codes:
        by_status[CATALOG[code].status] = (*by_status.get(CATALOG[code].status, ()), code)
    shared = {said: name for name, said in _SHARED.items()}
    return {
        str(status): {"$ref": f"#/components/responses/{shared[said]}"}
        if said in shared
        else _response(said, headers)
        for status, said in sorted(by_status.items())
    }


def _response(codes: tuple[str, ...], headers: dict[str, Any]) -> dict[str, Any]:
    status = CATALOG[codes[0]].status
    found = dict(headers)
    if status in {429, 503}:
        found["Retry-After"] = {"$ref": "#/components/headers/Retry-After"}
    return {
        "description": f"{_WORDS[status]} Codes: {', '.join(codes)}.",
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": {
                    code: {"$ref": f"#/components/examples/{code}"} for code in codes
                },
            }
        },
        "headers": found,
    }  # fmt: skip


def _is_refusal(code: str) -> bool:
    return CATALOG[code].status >= 400


def _example(code: str) -> dict[str, Any]:
    details = dict(_DETAILS.get(code, {}))
    if code in _FIELDS:
        field, message = _FIELDS[code]
        details["fields"] = [{"field": field, "message": message}]
    return {
        "error": {
            "code": code,
            "message": CATALOG[code].message,
            "details": details,
            "request_id": _REQUEST_ID,
        }
    }

"""Strict reading of request bodies: every field is declared, and unknown ones are refused.

Source: Airtm Enterprise v2 request schemas (`additionalProperties: false`).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from offerhub.sandbox import wire
from offerhub.sandbox.airtm.amounts import STROOPS_PER_CENT, stroops_of
from offerhub.sandbox.airtm.amounts import text as money_text
from offerhub.sandbox.airtm.errors import AirtmError

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True)
class Field:
    """How one member is read: `read` returns the value or raises ValueError with the rule."""

    read: Callable[[Any], Any]
    required: bool = True
    default: Any = None


def read_body(raw: bytes, fields: Mapping[str, Field]) -> dict[str, Any]:
    """The declared members of a JSON object.

    Raises: AirtmError 415901 when it is not JSON, 415906 when a member is missing, unknown or
    wrong.
    """
    try:
        body = wire.loads(raw)
    except wire.UnreadableJson as error:
        raise AirtmError("415901", "The request body is not valid JSON.") from error
    return read_object(body, fields, where="body")


def read_object(body: Any, fields: Mapping[str, Field], *, where: str) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise AirtmError("415906", f"{where} must be an object.")
    for name in body:
        if name not in fields:
            raise _invalid(where, name, "is not allowed")
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name not in body:
            if field.required:
                raise _invalid(where, name, "is required")
            values[name] = field.default
            continue
        try:
            values[name] = field.read(body[name])
        except ValueError as error:
            raise _invalid(where, name, str(error)) from error
    return values


def text(*, longest: int) -> Callable[[Any], str]:
    """Non-empty text of at most `longest` characters."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or not value.strip():
            raise ValueError("must be non-empty text")
        if len(value) > longest:
            raise ValueError(f"must have at most {longest} characters")
        return value

    return read


def one_of(*allowed: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return value

    return read


def amount(*, least_cents: int) -> Callable[[Any], int]:
    """A number of USD with at most two decimals; the value read is in stroops."""

    def read(value: Any) -> int:
        stroops = stroops_of(value)
        if stroops is None:
            raise ValueError("must be a number with at most 2 decimals")
        if stroops < least_cents * STROOPS_PER_CENT:
            raise ValueError(f"must be at least {money_text(least_cents * STROOPS_PER_CENT)}")
        return stroops

    return read


def quantity(value: Any) -> int:
    """Whole pieces. The schema says number; the sandbox takes whole ones only."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError("must be a whole number of at least 1")
    return value


def url(value: Any) -> str:
    parts = urlsplit(value) if isinstance(value, str) else None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an absolute http or https URL")
    return value


def email(value: Any) -> str:
    if not isinstance(value, str) or not _EMAIL.fullmatch(value):
        raise ValueError("must be an e-mail address")
    return value


def boolean(value: Any) -> bool:
    if value is True or value is False:
        return bool(value)
    raise ValueError("must be true or false")


def _invalid(where: str, name: str, rule: str) -> AirtmError:
    return AirtmError("415906", f"{where}.{name} {rule}.", {"field": f"{where}.{name}"})

"""A provider's complete HTTP answer, read but not judged."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from offerhub.providers import jsontext

_LONGEST_RETRY_AFTER_S = 3600.0


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is the parsed JSON, with numbers as int or Decimal; None when it is not JSON.

    `headers` have lower-case names.
    """

    status: int
    body: Any = field(repr=False)
    is_json: bool
    retry_after_s: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def read_answer(status: int, headers: Mapping[str, str], raw: bytes) -> Answer:
    """Parse what arrived; a body that is not JSON is a fact to report, not an error."""
    try:
        body, is_json = jsontext.decode(raw), True
    except ValueError:
        body, is_json = None, False
    return Answer(
        status=status,
        body=body,
        is_json=is_json,
        retry_after_s=retry_after_s(headers.get("retry-after")),
        headers={name.lower(): value for name, value in headers.items()},
    )


def retry_after_s(text: str | None) -> float | None:
    """Seconds of a Retry-After header: a number, or a date (RFC 9110, 10.2.3); at most an hour."""
    if text is None:
        return None
    if text.isascii() and text.isdigit():
        return min(float(text), _LONGEST_RETRY_AFTER_S)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:  # "-0000": UTC, and not this machine's zone
        moment = moment.replace(tzinfo=UTC)
    left_s = (moment - datetime.now(UTC)).total_seconds()
    return min(max(left_s, 0.0), _LONGEST_RETRY_AFTER_S)

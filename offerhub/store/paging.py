"""Keyset pages, newest first: stable while rows are inserted, and as fast on page 1,000 as on 1."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from peewee import ModelSelect

from offerhub.domain.errors import ValidationFailed

MAX_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Rows:
    """One page of rows and where the next begins."""

    rows: list[Any]
    next_cursor: str | None


def page(query: "ModelSelect[Any]", *, limit: int, cursor: str | None, by: Any, tie: Any) -> Rows:
    """Rows of `query` ordered by (`by`, `tie`), both descending.

    by: a Millis or sequence column; tie: the primary key.
    Raises: ValidationFailed for a cursor that is not one of ours.
    """
    if cursor is not None:
        at, key = decode(cursor)
        query = query.where((by < at) | ((by == at) & (tie < key)))
    rows = list(query.order_by(by.desc(), tie.desc()).limit(limit + 1))
    more = len(rows) > limit
    rows = rows[:limit]
    last = rows[-1] if rows else None
    token = encode(getattr(last, by.name), getattr(last, tie.name)) if more and last else None
    return Rows(rows, token)


def encode(at: int, key: str | int) -> str:
    raw = json.dumps([at, key]).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(cursor: str) -> tuple[int, str | int]:
    """Raises: ValidationFailed."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        at, key = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
        if isinstance(at, bool) or not isinstance(at, int) or not isinstance(key, str | int):
            raise TypeError(cursor)
        if not 0 <= at < 2**63 or (isinstance(key, str) and "\x00" in key):
            raise ValueError(cursor)
    except (ValueError, TypeError, binascii.Error) as exc:
        raise ValidationFailed("cursor", "The cursor is not one that this API gave.") from exc
    return at, key

"""Keyset pages, newest first: stable while rows are inserted, and as fast on page 1,000 as on 1."""

import base64
import heapq
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from peewee import BigIntegerField, IntegerField, ModelSelect, Select, Tuple

from offerhub.domain.errors import ValidationFailed

MAX_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Rows:
    """One page of rows and where the next begins."""

    rows: list[Any]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Either:
    """Only rows of which one column or the other says `value`."""

    columns: tuple[Any, Any]
    value: str


def page(
    query: "ModelSelect[Any]",
    *,
    limit: int,
    cursor: str | None,
    by: Any,
    tie: Any,
    either: Either | None = None,
) -> Rows:
    """Rows of `query` ordered by (`by`, `tie`), both descending.

    limit: 1 to MAX_LIMIT. by: a Millis or sequence column; tie: the primary key.
    Raises: ValidationFailed for another limit, or a cursor that is not one of this list's.
    """
    if not 1 <= limit <= MAX_LIMIT:
        raise ValidationFailed("limit", f"A page holds 1 to {MAX_LIMIT} items.")
    if cursor is not None:
        at, key = decode(cursor)
        if isinstance(key, int) != isinstance(tie, IntegerField | BigIntegerField):
            raise _foreign()
        # As one row of values: both databases then begin at that place of the index. Said with OR
        # they would walk to it from the newest row.
        query = query.where(by < at if by is tie else Tuple(by, tie) < Tuple(at, key))
    order = [by.desc()] if by is tie else [by.desc(), tie.desc()]
    if either is not None:
        query = first_of_either(query, either, key=tie, order=order, limit=limit + 1)
    rows = list(query.order_by(*order).limit(limit + 1))
    more = len(rows) > limit
    rows = rows[:limit]
    last = rows[-1] if rows else None
    token = encode(getattr(last, by.name), getattr(last, tie.name)) if more and last else None
    return Rows(rows, token)


def first_of_either(
    query: "ModelSelect[Any]", either: Either, *, key: Any, order: list[Any], limit: int
) -> "ModelSelect[Any]":
    """What the first `limit` rows of `query` by `order` are among, when `either` is asked for.

    The first few by the one column and by the other, each by its index: one OR would have all
    rows of a busy `value` read and sorted. key: the primary key.
    """
    found = []
    for column in either.columns:
        one = query.select(key).where(column == either.value).order_by(*order).limit(limit)
        found.append(Select(from_list=[one], columns=[one.c[key.column_name]]))
    return key.model.select().where(key.in_(found[0].union_all(found[1])))


@dataclass(frozen=True, slots=True)
class Part:
    """One table's share of a list that several make up; `by` and `tie` as `page` has them."""

    query: "ModelSelect[Any]"
    by: Any
    tie: Any


def merged(parts: Iterable[Part], *, limit: int, cursor: str | None) -> Rows:
    """One page of several tables together, newest first; a query for each.

    Their keys are ids whose prefixes differ: rows of one moment go by prefix, and within a prefix
    as the database has them, whatever it sorts text by.
    Raises: as `page`.
    """
    found = [
        (part, page(part.query, limit=limit, cursor=cursor, by=part.by, tie=part.tie))
        for part in parts
    ]
    keyed = [
        [(getattr(row, part.by.name), str(getattr(row, part.tie.name)), row) for row in rows.rows]
        for part, rows in found
    ]
    everything = list(
        heapq.merge(*keyed, key=lambda one: (one[0], one[1].partition("_")[0]), reverse=True)
    )
    more = len(everything) > limit or any(rows.next_cursor for _, rows in found)
    shown = everything[:limit]
    token = encode(shown[-1][0], shown[-1][1]) if more else None
    return Rows([row for _, _, row in shown], token)


def encode(at: int, key: str | int) -> str:
    raw = json.dumps([at, key]).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(cursor: str) -> tuple[int, str | int]:
    """Time or number, and key, of the last row before. Raises: ValidationFailed."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        at, key = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
    except (ValueError, TypeError, RecursionError) as exc:
        raise _foreign() from exc
    if not _is_position(at) or not (_is_position(key) or _is_text(key)):
        raise _foreign()
    return at, key


def _foreign() -> ValidationFailed:
    return ValidationFailed("cursor", "The cursor is not one that this list gave.")


def _is_position(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _is_text(value: object) -> bool:
    """Text that both databases can compare with: Postgres takes neither NUL nor half characters."""
    if not isinstance(value, str) or "\x00" in value:
        return False
    return not any("\ud800" <= character <= "\udfff" for character in value)

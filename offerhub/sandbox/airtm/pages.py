"""Airtm's lists: opaque cursors over a sequence column, newest first unless asked otherwise."""

import base64
import binascii
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from offerhub.sandbox.airtm.errors import AirtmError
from offerhub.sandbox.airtm.world import AirtmWorld

DEFAULT_PER_PAGE = 100


def page(
    world: AirtmWorld,
    *,
    table: str,
    filters: Mapping[str, str | None],
    query: Mapping[str, str],
    answer: Callable[[sqlite3.Row], dict[str, Any]],
) -> dict[str, Any]:
    """One page of `table`. filters: SQL column expression to wanted value, None for any.

    Raises: AirtmError 415906 for a perPage outside 10 to 1000, a bad cursor or a bad order.
    """
    per_page = _per_page(query.get("perPage"))
    newest_first = _newest_first(query.get("order"))
    conditions, values = ["1 = 1"], list[Any]()
    for column, wanted in filters.items():
        if wanted is not None:
            conditions.append(f"{column} = ?")
            values.append(wanted)
    after, before = _cursor(query.get("after")), _cursor(query.get("before"))
    if after is not None:
        conditions.append("seq < ?" if newest_first else "seq > ?")
        values.append(after)
    if before is not None:
        conditions.append("seq > ?" if newest_first else "seq < ?")
        values.append(before)
    # Paging backwards takes the rows next to the cursor, then shows them in list order.
    backwards = before is not None and after is None
    descending = newest_first != backwards
    rows = world.store.query(
        f"SELECT * FROM {table} WHERE {' AND '.join(conditions)}"  # noqa: S608
        f" ORDER BY seq {'DESC' if descending else 'ASC'} LIMIT ?",
        [*values, per_page],
    )
    if backwards:
        rows.reverse()
    body: dict[str, Any] = {"items": [answer(row) for row in rows]}
    if rows:
        body["startCursor"] = _encode(rows[0]["seq"])
        body["endCursor"] = _encode(rows[-1]["seq"])
    return body


def wanted_status(status: str | None, known: frozenset[str]) -> str | None:
    """The status filter of a list. Raises: AirtmError 415906 for one Airtm does not have."""
    if status is not None and status not in known:
        raise AirtmError("415906", "query.status is not a known status.")
    return status


def _per_page(text: str | None) -> int:
    if text is None:
        return DEFAULT_PER_PAGE
    if not text.isdecimal() or not 10 <= int(text) <= 1000:
        raise AirtmError("415906", "query.perPage must be between 10 and 1000.")
    return int(text)


def _newest_first(order: str | None) -> bool:
    if order not in (None, "asc", "desc"):
        raise AirtmError("415906", "query.order must be asc or desc.")
    return order != "asc"


def _encode(seq: int) -> str:
    return base64.urlsafe_b64encode(f"seq:{seq}".encode()).decode()


def _cursor(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        name, _, seq = base64.urlsafe_b64decode(text.encode()).decode().partition(":")
    except (binascii.Error, ValueError) as error:
        raise AirtmError("415906", "The cursor is not valid.") from error
    if name != "seq" or not seq.isdecimal():
        raise AirtmError("415906", "The cursor is not valid.")
    return int(seq)

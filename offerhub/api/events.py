"""Reading events by their stream position, which is also the cursor."""

import re
from typing import Any, Final

from offerhub.domain.errors import ValidationFailed
from offerhub.events import stream
from offerhub.services import representations
from offerhub.services.context import Page

MAX_POSITION_DIGITS: Final = 18  # more than a stream ever has, and a number of 64 bits
POSITION_PATTERN: Final = f"^[0-9]{{1,{MAX_POSITION_DIGITS}}}$"
_POSITION: Final = re.compile(POSITION_PATTERN, re.ASCII)


def position(text: str, *, field: str) -> int:
    """A stream position as clients send it. Raises: ValidationFailed."""
    if not _POSITION.fullmatch(text):
        raise ValidationFailed(field, "Not a position of the event stream.")
    return int(text)


def page(query: dict[str, Any]) -> Page:
    """Events after the cursor, oldest first; from the beginning without one."""
    after = position(query.get("cursor", "0"), field="cursor")
    limit = query["limit"]
    rows = stream.page(after, limit=limit + 1, **filters(query))
    items = [representations.event(row) for row in rows[:limit]]
    more = len(rows) > limit
    return Page(items, str(items[-1]["sequence"]) if more else None)


def filters(query: dict[str, Any]) -> dict[str, Any]:
    return {name: query.get(name) for name in ("types", "user_id", "resource_types")}

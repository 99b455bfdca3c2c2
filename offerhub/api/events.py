"""Reading events by their stream position, which is also the cursor."""

import re
from typing import Any, Final

from offerhub.domain.errors import ValidationFailed
from offerhub.events import stream
from offerhub.services import representations
from offerhub.services.context import Page

MAX_SEQUENCE: Final = 2**63 - 1
_POSITION: Final = re.compile(r"[0-9]{1,19}", re.ASCII)


def position(text: str, *, field: str) -> int:
    """A stream position as clients send it. Raises: ValidationFailed."""
    value = int(text) if _POSITION.fullmatch(text) else -1
    if not 0 <= value <= MAX_SEQUENCE:
        raise ValidationFailed(field, "Not a position of the event stream.")
    return value


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

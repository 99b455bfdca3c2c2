"""The event catalogue: every type that can appear on the stream or in a webhook."""

import re
from collections.abc import Iterable
from typing import Final

_BY_AGGREGATE: Final[dict[str, str]] = {
    "user": "created updated airtm_linked suspended",
    "wallet": "created",
    "balance": "credited debited reserved released discrepancy_detected",
    "topup": "created confirmation_required processing succeeded failed canceled",
    "order": "created funds_reserved escrow_creating escrow_funding escrow_funded in_progress"
    " release_requested released refund_requested refunded disputed closed canceled",
    "escrow": "created funding_started funded milestone_completed milestone_released released"
    " refunded",
    "dispute": "opened under_review commented resolved",
    "withdrawal": "created committed pending pending_user_action completed failed canceled",
    "operation": "stuck settled",
    "maintenance": "enabled disabled",
    "reconciliation": "completed",
    "key": "created revoked",
}

EVENT_TYPES: Final = tuple(
    f"{aggregate}.{name}" for aggregate, names in _BY_AGGREGATE.items() for name in names.split()
)
AGGREGATES: Final = tuple(_BY_AGGREGATE)

_KNOWN = frozenset(EVENT_TYPES)
# What `expand` takes, as a regular expression for one pattern.
_OF_ONE: Final = "|".join(
    rf"{kind}\.(?:\*|{'|'.join(names.split())})" for kind, names in _BY_AGGREGATE.items()
)
PATTERN: Final = rf"^(?:\*|{_OF_ONE})$"
_PATTERN = re.compile(PATTERN, re.ASCII)


def check_type(event_type: str) -> str:
    """Raises: ValueError for a type outside the catalogue."""
    if event_type not in _KNOWN:
        raise ValueError(f"unknown event type {event_type!r}")
    return event_type


def expand(patterns: Iterable[str]) -> frozenset[str]:
    """The types that patterns such as `order.*`, `topup.succeeded` or `*` stand for.

    Raises: ValueError for a pattern that can never match.
    """
    matched: set[str] = set()
    for pattern in patterns:
        if not _PATTERN.fullmatch(pattern):
            raise ValueError(f"no event matches {pattern!r}")
        matched |= {t for t in EVENT_TYPES if matches(pattern, t)}
    return frozenset(matched)


def matches(pattern: str, event_type: str) -> bool:
    """Whether one pattern covers one type."""
    if pattern == "*":
        return True
    if pattern.endswith(".*"):
        return event_type.startswith(pattern[:-1])
    return pattern == event_type

"""Ids in paths: what does not look like one is not looked up, and is described as no id.

Not here: whether there is such a thing, which services say.
"""

from typing import Final

from offerhub.api.schemas.orders import REF_PATTERN
from offerhub.domain import ids
from offerhub.domain.errors import NotFound

_KINDS: Final = {
    "user_id": (ids.USER, "USER_NOT_FOUND"),
    "order_id": (ids.ORDER, "ORDER_NOT_FOUND"),
    "topup_id": (ids.TOPUP, "TOPUP_NOT_FOUND"),
    "withdrawal_id": (ids.WITHDRAWAL, "WITHDRAWAL_NOT_FOUND"),
    "key_id": (ids.API_KEY, "API_KEY_NOT_FOUND"),
    "dispute_id": (ids.DISPUTE, "DISPUTE_NOT_FOUND"),
    "endpoint_id": (ids.WEBHOOK_ENDPOINT, "NOT_FOUND"),
    "delivery_id": (ids.DELIVERY, "NOT_FOUND"),
    "operation_id": (ids.OPERATION, "NOT_FOUND"),
    "reconciliation_id": (ids.RECONCILIATION, "NOT_FOUND"),
}
PATTERNS: Final = {
    **{name: ids.pattern(prefix) for name, (prefix, _) in _KINDS.items()},
    "letter_id": ids.pattern(ids.INBOX, ids.DELIVERY, ids.DIFFERENCE),
    "milestone_ref": REF_PATTERN,
}


def check(name: str, value: str) -> None:
    """Raises: NotFound, with its kind's code, for what cannot be the id that a path calls so."""
    prefix, code = _KINDS.get(name, (None, ""))
    if prefix is not None and not ids.is_id(value, prefix):
        raise NotFound(code=code)

"""Gives the closed lists of words in the OpenAPI document names, and each a place of its own.

Generators of clients make a type of every list they meet: without names, the states of an order
would be three types that do not fit one another. Not here: the lists themselves (`domain`).
"""

from typing import Any, Final

from offerhub.domain import disputes, escrows
from offerhub.domain.events import AGGREGATES, EVENT_TYPES
from offerhub.domain.machine import Machine
from offerhub.domain.operations import OPERATION
from offerhub.domain.orders import MILESTONE, ORDER, PARTIES, RESOLUTIONS
from offerhub.domain.scopes import SCOPES
from offerhub.domain.topups import TOPUP
from offerhub.domain.users import TYPES as USER_TYPES
from offerhub.domain.users import USER
from offerhub.domain.withdrawals import DESTINATION_TYPES, WITHDRAWAL


def _states(machine: Machine) -> tuple[str, ...]:
    return tuple(machine.table)


NAMES: Final[dict[tuple[str, ...], str]] = {
    tuple(USER_TYPES): "UserType",
    _states(USER): "UserStatus",
    _states(TOPUP): "TopUpStatus",
    _states(ORDER): "OrderStatus",
    tuple(RESOLUTIONS): "Resolution",
    tuple(PARTIES): "Party",
    ("BUYER", "SELLER"): "Trader",
    _states(MILESTONE): "MilestoneStatus",
    tuple(escrows.KINDS): "EscrowKind",
    _states(escrows.ESCROW): "EscrowStatus",
    _states(disputes.DISPUTE): "DisputeStatus",
    tuple(disputes.REASONS): "DisputeReason",
    tuple(disputes.DECISIONS): "DisputeDecision",
    _states(WITHDRAWAL): "WithdrawalStatus",
    tuple(DESTINATION_TYPES): "DestinationType",
    _states(OPERATION): "OperationStatus",
    tuple(EVENT_TYPES): "EventType",
    tuple(AGGREGATES): "AggregateType",
    tuple(SCOPES): "Scope",
    ("USD",): "CurrencyCode",
    ("PENDING", "SUCCEEDED", "FAILED", "DISCARDED"): "DeliveryStatus",
    ("MATCHED", "DIFFERENCES"): "ReconciliationStatus",
    ("CREATING", "ACTIVE"): "WalletStatus",
    ("demo", "sandbox", "production"): "Environment",
    ("AIRTM", "STELLAR"): "Rail",
}


def name_all(components: dict[str, Any], paths: Any) -> None:
    """Move every list of NAMES in the document to `components.schemas`, and refer to it there.

    components: the schemas by name; lists that may be null become a choice of list and null.
    """
    for part in [*components.values(), paths]:
        _walk(part)
    for words, name in NAMES.items():
        components[name] = {"type": "string", "enum": list(words)}


def _walk(part: Any) -> None:
    below = list(part.values()) if isinstance(part, dict) else part
    for item in below if isinstance(below, list) else ():
        _walk(item)
    words = part.get("enum") if isinstance(part, dict) else None
    if isinstance(words, list):
        _refer(part, words)


def _refer(schema: dict[str, Any], words: list[Any]) -> None:
    """Put a reference in the place of a list. A description or example stays beside it."""
    kinds = schema.get("type")
    null = None in words or (isinstance(kinds, list) and "null" in kinds)
    known = tuple(word for word in words if word is not None)
    name = NAMES.get(known)
    if name is None and not null:
        return
    listed = {"type": "string", "enum": list(known)}
    target = {"$ref": f"#/components/schemas/{name}"} if name else listed
    del schema["enum"]
    schema.pop("type", None)
    schema.update({"anyOf": [target, {"type": "null"}]} if null else target)

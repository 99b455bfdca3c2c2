"""What Trustless Work says about an escrow, in our words. Pure.

Its index may lag and most of its fields may be missing; what a decision needs and is not there is
a ValueError, never a guess. Balances come from the live balance call, never from an item.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from stellar_sdk import StrKey

from offerhub.domain.errors import InvalidAmountFormat
from offerhub.domain.moments import moment_us
from offerhub.domain.money import from_decimal, parse_exact
from offerhub.ports.escrow import EscrowFacts, MilestoneFacts

MULTI = "multi-release"
SINGLE = "single-release"

Item = Mapping[str, Any]


def kind_path(multi_release: bool) -> str:
    """The path segment of a kind of escrow, which is also its type in answers."""
    return MULTI if multi_release else SINGLE


def items(body: Any) -> list[Item]:
    """The escrows of an answer: documents show both an object and an array. Raises: ValueError."""
    found = body if isinstance(body, list) else [body]
    if not all(isinstance(one, dict) for one in found):
        raise ValueError("an escrow is not an object")
    return [one for one in found if one]


def contract_id(item: Item) -> str:
    """Raises: ValueError."""
    found = item.get("contractId")
    if not isinstance(found, str) or not StrKey.is_valid_contract(found):
        raise ValueError("an escrow has no contract id")
    return found


def is_multi(item: Item) -> bool:
    """Raises: ValueError."""
    kind = item.get("type")
    if kind not in (SINGLE, MULTI):
        raise ValueError(f"an escrow is of the unknown type {kind!r}")
    return bool(kind == MULTI)


def created_at(item: Item) -> tuple[int, int]:
    """For ordering only: seconds and nanoseconds; escrows without a time come last."""
    moment = item.get("createdAt")
    if isinstance(moment, dict):
        seconds = moment.get("_seconds", moment.get("seconds"))
        nanoseconds = moment.get("_nanoseconds", moment.get("nanoseconds", 0))
        if isinstance(seconds, int) and isinstance(nanoseconds, int):
            return seconds, nanoseconds
    if isinstance(moment, str):
        try:
            microseconds = moment_us(moment)
        except ValueError:
            return 2**62, 0
        return microseconds // 1_000_000, microseconds % 1_000_000 * 1000
    return 2**62, 0


def facts(item: Item, *, id_: str, multi_release: bool, balance_stroops: int) -> EscrowFacts:
    """One escrow. Raises: ValueError.

    Multi-release: released when every milestone is; resolved when every one is either released or
    resolved and at least one was resolved; disputed when any is.
    """
    roles = _dict(item, "roles")
    listed = item.get("milestones")
    if not isinstance(listed, list) or not listed:
        raise ValueError("an escrow has no milestones")
    if multi_release:
        milestones = tuple(_milestone(one, _dict(one, "flags")) for one in listed)
        amount = sum(stroops(one.get("amount")) for one in listed)
        released = all(one.released for one in milestones)
        settled = all(one.released or one.resolved for one in milestones)
        resolved = settled and not released
        disputed = any(one.disputed for one in milestones)
    else:
        flags = _dict(item, "flags")
        milestones = tuple(
            _milestone(one, {**flags, "approved": one.get("approved")}) for one in listed
        )
        amount = stroops(item.get("amount"))
        released, resolved, disputed = (
            _flag(flags, name) for name in ("released", "resolved", "disputed")
        )
    return EscrowFacts(
        contract_id=id_,
        order_id=_text(item, "engagementId"),
        multi_release=multi_release,
        buyer=_text(roles, "approver"),
        seller=_text(roles, "serviceProvider"),
        amount_stroops=amount,
        balance_stroops=balance_stroops,
        released=released,
        disputed=disputed,
        resolved=resolved,
        milestones=milestones,
    )


def balance(body: Any, id_: str) -> int:
    """Stroops in a contract, from the balance call. Raises: ValueError when it is not listed."""
    for one in items(body):
        if one.get("address") == id_:
            return stroops(one.get("balance"))
    raise ValueError("the balance of the contract is not in the answer")


def stroops(amount: Any) -> int:
    """Exact decimal USDC, sent as a number or as text. Raises: ValueError."""
    try:
        if isinstance(amount, str):
            return parse_exact(amount)
        if isinstance(amount, Decimal) or type(amount) is int:
            return from_decimal(Decimal(amount))
    except InvalidAmountFormat:
        pass
    raise ValueError(f"{str(amount)[:40]!r} is not an amount of USDC")


def _milestone(item: Any, flags: Item) -> MilestoneFacts:
    if not isinstance(item, dict):
        raise TypeError("a milestone is not an object")
    return MilestoneFacts(
        approved=_flag(flags, "approved"),
        released=_flag(flags, "released"),
        disputed=_flag(flags, "disputed"),
        resolved=_flag(flags, "resolved"),
        status=str(item.get("status") or ""),
    )


def _flag(flags: Item, name: str) -> bool:
    """A flag that is left out was never set."""
    value = flags.get(name)
    if value is not None and not isinstance(value, bool):
        raise ValueError(f"the flag {name} is neither true nor false")
    return value is True


def _dict(item: Any, name: str) -> Item:
    value = item.get(name) if isinstance(item, dict) else None
    if not isinstance(value, dict):
        raise TypeError(f"an escrow has no {name}")
    return value


def _text(item: Item, name: str) -> str:
    value = item.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"an escrow has no {name}")
    return value

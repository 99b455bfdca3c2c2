"""Checks of a contract call's arguments, one per shape of value. Pure.

A check takes the value that was received and raises Mismatch unless it is the one expected.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Final

from stellar_sdk import scval, xdr
from stellar_sdk.address import Address
from stellar_sdk.exceptions import SdkError

T = xdr.SCValType
_INTEGERS: Final = frozenset({T.SCV_U32, T.SCV_I32, T.SCV_U64, T.SCV_I64, T.SCV_U128, T.SCV_I128})

Check = Callable[[xdr.SCVal], None]


class Mismatch(ValueError):
    """A transaction is not the one that was asked for; the text says where."""


def address(expected: str) -> Check:
    """An account or contract, by its G or C address."""

    def check(value: xdr.SCVal) -> None:
        try:
            found = str(scval.from_address(value).address)
        except (ValueError, SdkError) as exc:
            raise Mismatch("is not an address") from exc
        if found != expected:
            raise Mismatch(f"is {found}, not {expected}")

    return check


def integer(expected: int) -> Check:
    """A whole number of any width: contract versions differ in that, and it changes nothing."""

    def check(value: xdr.SCVal) -> None:
        found: object = scval.to_native(value) if value.type in _INTEGERS else None
        if found != expected:
            raise Mismatch(f"is {found!r}, not {expected}")

    return check


def text(expected: str) -> Check:
    """Text, exactly."""

    def check(value: xdr.SCVal) -> None:
        if value.type is not T.SCV_STRING or scval.from_string(value) != expected.encode():
            raise Mismatch(f"is not {expected!r}")

    return check


def any_text(value: xdr.SCVal) -> None:
    """Text that the contract never interprets."""
    if value.type is not T.SCV_STRING:
        raise Mismatch("is not text")


def symbol(allowed: Collection[str]) -> Check:
    """One of a few names."""

    def check(value: xdr.SCVal) -> None:
        if value.type is not T.SCV_SYMBOL or scval.from_symbol(value) not in allowed:
            raise Mismatch(f"is not one of {', '.join(sorted(allowed))}")

    return check


def hash32(allowed: Collection[str] = ()) -> Check:
    """32 bytes; one of `allowed`, in hex, unless that is empty."""

    def check(value: xdr.SCVal) -> None:
        found = scval.from_bytes(value) if value.type is T.SCV_BYTES else b""
        if len(found) != 32:
            raise Mismatch("is not 32 bytes")
        if allowed and found.hex() not in allowed:
            raise Mismatch(f"is {found.hex()}, which is not among those that are configured")

    return check


def boolean(expected: bool | None) -> Check:
    """True or false; None takes either."""

    def check(value: xdr.SCVal) -> None:
        if value.type is not T.SCV_BOOL or expected not in (None, value.b):
            raise Mismatch(f"is not {expected}")

    return check


def vector(*items: Check) -> Check:
    """A list with exactly these items."""

    def check(value: xdr.SCVal) -> None:
        found = scval.from_vec(value) if value.type is T.SCV_VEC else None
        if found is None or len(found) != len(items):
            raise Mismatch(f"is not a list of {len(items)}")
        for position, (item, expected) in enumerate(zip(found, items, strict=True)):
            _inside(f"[{position}]", expected, item)

    return check


def struct(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """A map by names: every required one, perhaps the optional ones, and no other."""
    known = {**(optional or {}), **required}

    def check(value: xdr.SCVal) -> None:
        entries = value.map.sc_map if value.type is T.SCV_MAP and value.map else None
        if entries is None:
            raise Mismatch("is not a structure")
        found = {_key(entry.key): entry.val for entry in entries}
        if len(found) != len(entries):
            raise Mismatch("names something twice")
        lacking, foreign = required.keys() - found.keys(), found.keys() - known.keys()
        if lacking or foreign:
            names = ", ".join(sorted([*lacking, *foreign]))
            raise Mismatch(f"has other members than expected: {names}")
        for name, item in found.items():
            _inside(f".{name}", known[name], item)

    return check


def shares(expected: Mapping[str, int]) -> Check:
    """A map from address to stroops, exactly."""

    def check(value: xdr.SCVal) -> None:
        entries = value.map.sc_map if value.type is T.SCV_MAP and value.map else None
        if entries is None or len(entries) != len(expected):
            raise Mismatch(f"is not a map of {len(expected)} shares")
        found: dict[str, int] = {}
        for entry in entries:
            if entry.key.type is not T.SCV_ADDRESS or entry.val.type is not T.SCV_I128:
                raise Mismatch("is not a map from address to amount")
            found[scval.from_address(entry.key).address] = scval.from_int128(entry.val)
        if found != dict(expected):
            raise Mismatch(f"is {found}, not {dict(expected)}")

    return check


def check_all(checks: Collection[Check], values: Collection[xdr.SCVal]) -> None:
    """Every argument in its place. Raises: Mismatch."""
    if len(checks) != len(values):
        raise Mismatch(f"there are {len(values)} arguments, not {len(checks)}")
    for position, (check, value) in enumerate(zip(checks, values, strict=True)):
        _inside(f"argument {position}", check, value)


def contract_of(value: xdr.SCAddress) -> str:
    """The address in text."""
    return Address.from_xdr_sc_address(value).address


def _inside(where: str, check: Check, value: xdr.SCVal) -> None:
    try:
        check(value)
    except Mismatch as exc:
        separator = "" if str(exc).startswith((".", "[")) else " "
        raise Mismatch(f"{where}{separator}{exc}") from None


def _key(key: xdr.SCVal) -> str:
    return scval.from_symbol(key) if key.type is T.SCV_SYMBOL else ""

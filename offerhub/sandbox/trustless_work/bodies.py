"""Reading request bodies field by field; all complaints about one body come in one answer."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from stellar_sdk import StrKey

from offerhub.sandbox.chain.amounts import MAX_AMOUNT_STROOPS, to_stroops
from offerhub.sandbox.trustless_work.wire import ApiError

MAX_TITLE = 100
MAX_DESCRIPTION = 500
MAX_PLATFORM_FEE_PERCENT = 99


class Body:
    """A JSON object under inspection. Ask for its fields, then call `check()` before using any.

    A field that is wrong yields a placeholder and a complaint.
    """

    def __init__(self, fields: Any, *, path: str = "", complaints: list[str] | None = None) -> None:
        self._path = path
        self.complaints = [] if complaints is None else complaints
        self._fields: Mapping[str, Any] = fields if isinstance(fields, dict) else {}
        if not isinstance(fields, dict):
            self.complaints.append(f"{path.rstrip('.') or 'body'} must be an object")

    def check(self) -> None:
        """Raise ApiError 400 with every complaint."""
        if self.complaints:
            raise ApiError(400, self.complaints)

    def complain(self, name: str, text: str) -> None:
        self.complaints.append(f"{self._path}{name} {text}")

    def has(self, name: str) -> bool:
        return self._fields.get(name) is not None

    def text(self, name: str, *, most: int | None = None, empty: bool = False) -> str:
        value = self._fields.get(name)
        if not isinstance(value, str):
            self.complain(name, "must be a string")
            return ""
        if not value and not empty:
            self.complain(name, "should not be empty")
        if most is not None and len(value) > most:
            self.complain(name, f"must be shorter than or equal to {most} characters")
        return value

    def account(self, name: str) -> str:
        value = self._fields.get(name)
        if not isinstance(value, str) or not StrKey.is_valid_ed25519_public_key(value):
            self.complain(name, "must be a valid Stellar address")
            return ""
        return value

    def contract(self, name: str = "contractId") -> str:
        value = self._fields.get(name)
        if not isinstance(value, str) or not StrKey.is_valid_contract(value):
            self.complain(name, "must be a valid contract id")
            return ""
        return value

    def amount(self, name: str) -> int:
        """Stroops of a JSON number above 0."""
        value = self._fields.get(name)
        if not isinstance(value, Decimal):
            self.complain(name, "must be a number")
            return 0
        try:
            stroops = to_stroops(value)
        except ValueError:
            self.complain(name, "must have at most 7 decimals")
            return 0
        if not 0 < stroops <= MAX_AMOUNT_STROOPS:
            self.complain(name, "must be a positive number")
        return stroops

    def percent_bps(self, name: str) -> int:
        """Basis points of a percentage from 0 to 99 with at most two decimals."""
        value = self._fields.get(name)
        if not isinstance(value, Decimal):
            self.complain(name, "must be a number")
            return 0
        if not 0 <= value <= MAX_PLATFORM_FEE_PERCENT:
            self.complain(name, f"must be between 0 and {MAX_PLATFORM_FEE_PERCENT}")
        if value * 100 != (value * 100).to_integral_value():
            self.complain(name, "must have at most 2 decimals")
        return int(value * 100)

    def index(self, name: str = "milestoneIndex") -> int:
        """A milestone index, which is a string of digits."""
        value = self._fields.get(name)
        if not isinstance(value, str) or not value.isdigit() or len(value) > 9:
            self.complain(name, "must be a numeric string")
            return 0
        return int(value)

    def inside(self, name: str) -> Body:
        """The object in a field, complaining into the same list."""
        path = f"{self._path}{name}."
        return Body(self._fields.get(name), path=path, complaints=self.complaints)

    def each(self, name: str) -> list[Body]:
        """The objects of a list that must not be empty."""
        value = self._fields.get(name)
        if not isinstance(value, list) or not value:
            self.complain(name, "should not be empty")
            return []
        return [
            Body(one, path=f"{self._path}{name}.{i}.", complaints=self.complaints)
            for i, one in enumerate(value)
        ]

    def shares(self, name: str = "distributions") -> dict[str, int]:
        """Stroops by address; two entries for one address collapse, as in the contract's map."""
        return {one.account("address"): one.amount("amount") for one in self.each(name)}

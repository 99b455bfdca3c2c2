"""Column types of our own, the same on both databases."""

import json
from typing import Any

from peewee import BigIntegerField, Model, TextField

from offerhub.store.database import proxy

_canonical = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
).encode


class JSONText(TextField):
    """JSON as canonical text: sorted keys, no spaces. What was written is what is read."""

    def db_value(self, value: Any) -> str | None:
        return None if value is None else canonical(value)

    def python_value(self, value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) else value


class Stroops(BigIntegerField):
    """Money in units of 10**-7 USD; refuses anything but an int."""

    def db_value(self, value: Any) -> int | None:
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise TypeError(f"money is an integer of stroops, not {type(value).__name__}")
        return value


class Millis(BigIntegerField):
    """A time: milliseconds since 1970, UTC."""


class Table(Model):
    """Base of all tables."""

    class Meta:
        database = proxy
        legacy_table_names = False


def canonical(value: Any) -> str:
    """One text for one JSON value: sorted keys, no spaces, no NaN, not ASCII-escaped."""
    return _canonical(value)

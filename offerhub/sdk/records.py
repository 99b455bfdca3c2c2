"""How JSON becomes frozen records, driven by the records' own annotations.

Tolerant on purpose: unknown fields are kept in `raw`, absent ones that may be None are None.
Not here: the records themselves (`models`, `settings_models`).
"""

import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import UTC, datetime
from functools import cache
from typing import Any, Self, cast

from offerhub.sdk.errors import UnexpectedAnswer
from offerhub.sdk.money import Money

Convert = Callable[[Any], Any]


@dataclass(frozen=True, kw_only=True)
class Record:
    """Base of everything that the API returns. `raw` is the JSON as it came."""

    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """The record of one JSON object. Raises: UnexpectedAnswer when a field is missing."""
        if not isinstance(data, Mapping):
            raise UnexpectedAnswer(f"{cls.__name__} needs a JSON object, got {type(data).__name__}")
        values: dict[str, Any] = {}
        for name, convert, required in _plan(cast(Any, cls)):
            value = data.get(name)
            if value is not None:
                values[name] = _converted(cls, name, convert, value)
            elif required:
                raise UnexpectedAnswer(f"{cls.__name__} came without {name!r}")
        return cls(**values, raw=data)


def _converted(cls: type[Record], name: str, convert: Convert, value: Any) -> Any:
    try:
        return convert(value)
    except (TypeError, ValueError) as exc:
        raise UnexpectedAnswer(f"{cls.__name__}.{name} cannot be read: {exc}") from exc


@cache
def _plan(cls: type[Record]) -> tuple[tuple[str, Convert, bool], ...]:
    hints = typing.get_type_hints(cls)
    plan = []
    for item in fields(cls):
        if item.name == "raw":
            continue
        required = item.default is MISSING and item.default_factory is MISSING
        plan.append((item.name, _converter(hints[item.name]), required))
    return tuple(plan)


def _converter(hint: Any) -> Convert:
    """The function that reads a value of an annotated type; raises ValueError or TypeError."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        inner = [part for part in arguments if part is not type(None)]
        return _converter(inner[0])
    if origin is tuple:
        item = _converter(arguments[0])
        return lambda values: tuple(item(value) for value in values)
    if origin in (dict, Mapping) or hint is Any:
        return lambda value: value
    if isinstance(hint, type) and issubclass(hint, Record):
        return hint.from_json
    return _SCALARS[hint]


def parse_time(text: str) -> datetime:
    """An aware UTC time from the API's ISO 8601 text. Raises: ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment.astimezone(UTC)


def time_text(moment: datetime | None) -> str | None:
    """A time as the API writes it: UTC with milliseconds. Raises: ValueError when naive."""
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ValueError("a time needs a time zone")
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, got {type(value).__name__}")
    return value


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"expected a whole number, got {type(value).__name__}")
    return value


def _yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"expected true or false, got {type(value).__name__}")
    return value


_SCALARS: dict[Any, Convert] = {
    str: _text,
    int: _whole,
    bool: _yes_or_no,
    Money: lambda value: Money(_text(value)),
    datetime: lambda value: parse_time(_text(value)),
}

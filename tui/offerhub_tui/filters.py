"""The small language of `/`: words and conditions that a row must all meet. Pure.

`state:disputed` contains, `amount:>100` `age:<24h` compare, `-user:usr_x` excludes, a bare word
is looked for in the whole row. Unknown fields match nothing, so a typo is seen at once.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_COMPARED = re.compile(r"(?P<sign>>=|<=|>|<)(?P<value>.+)")
_DURATION = re.compile(r"(?P<number>\d+)(?P<unit>[smhd])")


@dataclass(frozen=True)
class Condition:
    """One word of a filter. `field` is "" for a bare word."""

    field: str
    sign: str
    value: str
    negated: bool

    def meets(self, fields: Mapping[str, str]) -> bool:
        return self._holds(fields) != self.negated

    def _holds(self, fields: Mapping[str, str]) -> bool:
        if not self.field:
            return any(self.value in text.lower() for text in fields.values())
        text = fields.get(self.field)
        if text is None:
            return False
        if not self.sign:
            return self.value in text.lower()
        left, right = _number(text), _number(self.value)
        if left is None or right is None:
            return False
        return {
            ">": left > right,
            "<": left < right,
            ">=": left >= right,
            "<=": left <= right,
        }[self.sign]


@dataclass(frozen=True)
class Filter:
    """A parsed filter; an empty one lets everything through."""

    text: str = ""
    conditions: tuple[Condition, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.conditions)

    def meets(self, fields: Mapping[str, str]) -> bool:
        """Whether a row passes. `fields` are the row's texts; `age` is in seconds."""
        return all(condition.meets(fields) for condition in self.conditions)


def parse(text: str) -> Filter:
    """The filter that the operator typed; any text is a filter."""
    return Filter(text.strip(), tuple(_condition(word) for word in text.lower().split()))


def _condition(word: str) -> Condition:
    negated = word.startswith("-") and len(word) > 1
    word = word.removeprefix("-") if negated else word
    field, colon, value = word.partition(":")
    if not colon or not field:
        return Condition("", "", word, negated)
    compared = _COMPARED.fullmatch(value)
    if compared:
        return Condition(field, compared["sign"], compared["value"], negated)
    return Condition(field, "", value, negated)


def _number(text: str) -> Decimal | None:
    """A plain number, an amount with its currency, or a duration such as `24h` in seconds."""
    duration = _DURATION.fullmatch(text)
    if duration:
        return Decimal(int(duration["number"]) * _UNIT_S[duration["unit"]])
    try:
        number = Decimal(text.partition(" ")[0])
    except InvalidOperation:
        return None
    return number if number.is_finite() else None

"""JSON as the providers speak it: numbers that never pass through a float.

For bodies the sandbox reads and writes. Rules about amounts belong to each provider's own module.
"""

import json
from decimal import Decimal
from typing import Any


class UnreadableJson(ValueError):
    """The bytes are not a JSON text that the sandbox accepts."""


def loads(raw: bytes | str) -> Any:
    """Parse JSON; numbers with a fraction or an exponent become Decimal, never float.

    Raises: UnreadableJson for anything else, NaN and Infinity included.
    """
    try:
        return json.loads(raw, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise UnreadableJson(str(error)) from error


def dumps(value: Any) -> str:
    """Compact JSON text. Decimal is written as a plain number with no trailing zeros.

    Raises: TypeError for a float or any type JSON does not have.
    """
    if value is None or isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, dict):
        members = (f"{json.dumps(str(key))}:{dumps(item)}" for key, item in value.items())
        return "{" + ",".join(members) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(dumps(item) for item in value) + "]"
    raise TypeError(f"{type(value).__name__} cannot be written as JSON here")


def _number(value: Decimal) -> str:
    if not value.is_finite():
        raise TypeError(f"{value} cannot be written as JSON here")
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")

"""JSON in which money stays exact: numbers are int or Decimal, in and out, never float."""

import json
from decimal import Decimal
from typing import Any


def encode(value: Any) -> str:
    """JSON text of `value`; a Decimal becomes a plain number with the digits it has ("50.00").

    Raises: TypeError for a float, a Decimal that is not finite, or any type JSON lacks.
    """
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise TypeError("JSON has no number for a Decimal that is not finite")
        return format(value, "f")
    if value is None or isinstance(value, str | bool | int):
        return json.dumps(value)
    if isinstance(value, dict):
        return "{" + ",".join(_member(name, item) for name, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(encode(item) for item in value) + "]"
    raise TypeError(f"a {type(value).__name__} does not go into a provider's JSON")


def decode(text: bytes | str) -> Any:
    """Parse JSON; a number with a point or an exponent becomes Decimal.

    Raises: ValueError for anything that is not one JSON text, NaN and Infinity included.
    """
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("the JSON is nested too deeply") from error


def _member(name: object, item: Any) -> str:
    if not isinstance(name, str):
        raise TypeError("a JSON member's name is text")
    return f"{json.dumps(name)}:{encode(item)}"


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")

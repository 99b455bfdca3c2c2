"""Reading a JSON body strictly: what two readers could understand differently is refused.

Refused are duplicate keys, NaN and Infinity, numbers of absurd length, deep nesting, and text that
a database cannot hold (NUL, lone surrogates). Decimals stay exact.
"""

import json
from decimal import Decimal
from typing import Any, Final, NoReturn

from offerhub.domain.errors import OfferHubError

MAX_DEPTH: Final = 24
MAX_NUMBER_LENGTH: Final = 40
MAX_ITEMS: Final = 20_000


class InvalidRequest(OfferHubError):
    code = "INVALID_REQUEST"


def parse(raw: bytes) -> Any:
    """The value of a JSON text; no text at all is an empty object.

    Raises: InvalidRequest.
    """
    if not raw:
        return {}
    try:
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_no_constant,
        )
    except UnicodeDecodeError as error:
        raise InvalidRequest("The body is not UTF-8 text.") from error
    except (json.JSONDecodeError, RecursionError) as error:
        raise InvalidRequest("The body is not valid JSON.") from error
    _check(value)
    return value


def canonical(value: Any) -> bytes:
    """One text for one value, whatever the order of its keys and its white space."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain
    ).encode()


def bad_text(text: str) -> bool:
    """Whether text holds what a database cannot: NUL or half a surrogate pair."""
    return "\x00" in text or any("\ud800" <= char <= "\udfff" for char in text)


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"decimal:{value}"
    raise TypeError(type(value).__name__)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InvalidRequest("An object of the body has the same key twice.")
    return found


def _decimal(text: str) -> Decimal:
    return Decimal(_short(text))


def _integer(text: str) -> int:
    return int(_short(text))


def _short(text: str) -> str:
    if len(text) > MAX_NUMBER_LENGTH:
        raise InvalidRequest(f"A number of the body has more than {MAX_NUMBER_LENGTH} characters.")
    return text


def _no_constant(text: str) -> NoReturn:
    raise InvalidRequest(f"{text} is not a JSON value.")


def _check(root: Any) -> None:
    """Walk the value once, without recursion."""
    level, count, depth = [root], 0, 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise InvalidRequest(f"The body is nested deeper than {MAX_DEPTH} levels.")
        below: list[Any] = []
        for value in level:
            count += 1
            if isinstance(value, str):
                _check_text(value)
            elif isinstance(value, dict):
                for key, item in value.items():
                    _check_text(key)
                    below.append(item)
            elif isinstance(value, list):
                below.extend(value)
        if count > MAX_ITEMS:
            raise InvalidRequest(f"The body has more than {MAX_ITEMS} values.")
        level = below


def _check_text(text: str) -> None:
    if bad_text(text):
        raise InvalidRequest("A text of the body holds a NUL character or half a surrogate pair.")

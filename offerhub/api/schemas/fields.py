"""Field types of requests and answers: strict, bounded, and described for the documentation."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import marshmallow as ma
from marshmallow import fields, validate

from offerhub.api.errors import Coded
from offerhub.domain import ids, money
from offerhub.domain.digits import between
from offerhub.domain.errors import OfferHubError
from offerhub.domain.money import MAX_STROOPS

EXACT_PATTERN: Final = r"^-?\d+\.\d{7}$"
MAX_METADATA_BYTES: Final = 4096
INT32: Final = 2**31 - 1

# Whatever a reader of the pattern takes for white space: they differ in these characters.
NOT_BLANK: Final = r"[^\s\x1c-\x1f\x85\ufeff]"
_NOT_BLANK: Final = re.compile(NOT_BLANK)
MOMENT_PATTERN: Final = (
    rf"^(?:{between('1970', '9998')})-[0-9]{{2}}-[0-9]{{2}}"
    r"T[0-9]{2}:[0-9]{2}:[0-5][0-9](?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})$"
)
_MOMENT: Final = re.compile(MOMENT_PATTERN)


class Text(fields.String):
    """Text of a bounded length in characters, and not blank."""

    def __init__(self, *, most: int, **more: Any) -> None:
        meta = {"pattern": NOT_BLANK, **more.pop("metadata", {})}
        super().__init__(validate=validate.Length(min=1, max=most), metadata=meta, **more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if not _NOT_BLANK.search(text):
            raise ma.ValidationError("Blank text is not enough.")
        return text


class Formed(fields.String):
    """Text of a form that an expression says, from its beginning to its end.

    problem: what is said of other text.
    """

    def __init__(self, pattern: str, *, most: int, problem: str, **more: Any) -> None:
        meta = {"pattern": pattern, **more.pop("metadata", {})}
        super().__init__(validate=validate.Length(min=1, max=most), metadata=meta, **more)
        self._form, self._problem = re.compile(pattern), problem

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if not self._form.fullmatch(text):
            raise ma.ValidationError(self._problem)
        return text


class Choice(fields.String):
    """One of a few words in capitals."""

    def __init__(self, *choices: str, **more: Any) -> None:
        super().__init__(validate=validate.OneOf(choices), **more)


class Id(fields.String):
    """An id of one kind, such as `usr_…`; of the right form, whether it exists or not."""

    def __init__(self, prefix: str, **more: Any) -> None:
        self.prefix = prefix
        meta = {
            "pattern": ids.pattern(prefix),
            "example": f"{prefix}_V1StGXR8_Z5jdHi6B-myT",
            **more.pop("metadata", {}),
        }
        super().__init__(metadata=meta, **more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if not ids.is_id(text, self.prefix):
            raise ma.ValidationError(f"Not an id of the form {self.prefix}_….")
        return text


class Amount(fields.Field[int]):
    """Money of a request: text such as "12.34" becomes stroops; anything else is refused.

    most_stroops: the largest that is described; the service that knows the reason refuses more.
    """

    default_error_messages = {"null": Coded("INVALID_AMOUNT_FORMAT")}

    def __init__(self, *, most_stroops: int = money.MAX_AMOUNT_STROOPS, **more: Any) -> None:
        meta = more.pop("metadata", {})
        bounds = f"USD, above 0.00, at most {money.format_amount(most_stroops)}."
        described = {
            "example": "100.00",
            "pattern": money.amount_pattern(most_stroops),
            "description": f"{meta['description']} {bounds}" if "description" in meta else bounds,
        }
        super().__init__(metadata={**meta, **described}, **more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        try:
            return money.parse_amount(value, field=attr or "amount")
        except OfferHubError as error:
            raise ma.ValidationError(Coded(error.code, error.message)) from error

    def make_error(self, key: str, **kwargs: Any) -> ma.ValidationError:
        """Keep the code that a message stands for, which formatting would lose."""
        message = self.error_messages[key]
        if isinstance(message, Coded):
            return ma.ValidationError(message)
        return super().make_error(key, **kwargs)


class Currency(fields.Field[str]):
    """USD, the only one."""

    def __init__(self, **more: Any) -> None:
        meta = {"enum": [money.CURRENCY], "example": money.CURRENCY, **more.pop("metadata", {})}
        super().__init__(metadata=meta, **more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if value != money.CURRENCY:
            raise ma.ValidationError(Coded("INVALID_CURRENCY"))
        return money.CURRENCY


class Metadata(fields.Field[dict[str, Any]]):
    """The client's own JSON object, at most 4 KiB as text; kept and given back, never read."""

    default_error_messages = {
        "type": "Not an object.",
        "size": f"Larger than {MAX_METADATA_BYTES} bytes as JSON.",
        "number": "A number is out of range.",
    }

    def _deserialize(
        self, value: Any, attr: str | None, data: Any, **kwargs: Any
    ) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self.make_error("type")
        plain: dict[str, Any] = self._plain(value)
        text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
        if len(text.encode()) > MAX_METADATA_BYTES:
            raise self.make_error("size")
        return plain

    def _plain(self, value: Any) -> Any:
        """Decimals as the floats that JSON readers make of them: this is no money."""
        if isinstance(value, dict):
            return {key: self._plain(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._plain(item) for item in value]
        if isinstance(value, Decimal):
            number = float(value)
            if number in (float("inf"), float("-inf")):
                raise self.make_error("number")
            return number
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) > MAX_STROOPS:
            raise self.make_error("number")
        return value


class Moment(fields.Field[int]):
    """A time of a request, ISO 8601 with a zone, as milliseconds since 1970."""

    default_error_messages = {"form": "Not a time such as 2026-01-10T12:00:00.000Z."}

    def __init__(self, **more: Any) -> None:
        meta = {
            "format": "date-time",
            "pattern": MOMENT_PATTERN,
            "example": "2026-01-10T12:00:00.000Z",
            **more.pop("metadata", {}),
        }
        super().__init__(metadata=meta, **more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if not isinstance(value, str) or not _MOMENT.fullmatch(value):
            raise self.make_error("form")
        try:
            moment = datetime.fromisoformat(value)
        except ValueError as error:
            raise self.make_error("form") from error
        whole = moment.astimezone(UTC)
        return int(whole.replace(microsecond=0).timestamp()) * 1000 + whole.microsecond // 1000


class Whole(fields.Integer):
    """A whole number within bounds; text and fractions are refused in bodies.

    736.0 is whole: JSON has one kind of number, and some writers give every number a point.
    """

    def __init__(self, *, least: int, most: int = INT32, **more: Any) -> None:
        super().__init__(strict=True, validate=validate.Range(min=least, max=most), **more)

    def _validated(self, value: Any) -> int:
        if isinstance(value, Decimal) and abs(value) <= INT32 and value == int(value):
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.make_error("invalid", input=value)
        return value


class QueryWhole(fields.Integer):
    """A whole number of a query, in plain digits."""

    def __init__(self, *, least: int, most: int, **more: Any) -> None:
        super().__init__(validate=validate.Range(min=least, max=most), **more)

    def _validated(self, value: Any) -> int:
        if not isinstance(value, str) or not re.fullmatch(r"-?[0-9]{1,19}", value, re.ASCII):
            raise self.make_error("invalid", input=value)
        return int(value)


class Flag(fields.Boolean):
    """true or false, and nothing that merely resembles them."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


def shown_text(**meta: Any) -> fields.String:
    """A text field of an answer."""
    return fields.String(required=True, metadata=meta)


def shown_or_null(**meta: Any) -> fields.String:
    return fields.String(required=True, allow_none=True, metadata=meta)


def shown_time(*, null: bool = False) -> fields.String:
    meta = {"format": "date-time", "example": "2026-01-10T12:00:00.000Z"}
    return fields.String(required=True, allow_none=null, metadata=meta)


def shown_amount(*, null: bool = False) -> fields.String:
    meta = {"description": "USD, cents, rounded down.", "example": "100.00"}
    return fields.String(required=True, allow_none=null, metadata=meta)


def shown_exact(*, null: bool = False) -> fields.String:
    meta = {"description": "USD, all seven decimals.", "example": "100.0000000"}
    return fields.String(
        required=True, allow_none=null, metadata={**meta, "pattern": EXACT_PATTERN}
    )


def shown_choice(choices: Any, *, null: bool = False) -> fields.String:
    values = [*choices, None] if null else list(choices)
    return fields.String(required=True, allow_none=null, metadata={"enum": values})


def shown_object(**meta: Any) -> fields.Dict:
    return fields.Dict(required=True, metadata=meta)


def without_nulls(data: Mapping[str, Any]) -> dict[str, Any]:
    """A request's fields without those sent as null: null is the same as absent."""
    return {name: value for name, value in data.items() if value is not None}

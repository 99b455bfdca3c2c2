"""Amounts as the API writes them: text that also gives an exact decimal.

Not here: arithmetic. Add and compare the `.decimal` values; a float never touches money.
"""

from decimal import Decimal, InvalidOperation

CURRENCY = "USD"


class Money(str):
    """Decimal text such as "12.34" or "12.3400000". It prints, compares and stores as text."""

    __slots__ = ()

    @property
    def decimal(self) -> Decimal:
        """The same amount as an exact decimal number of USD."""
        return Decimal(self)


def amount_text(amount: str | Decimal) -> str:
    """The form that the API takes: digits, a point, two decimals.

    A `str` goes as it is, so that the API itself judges it. A `Decimal` must be whole cents.
    Raises: TypeError for a float or any other type; ValueError for a fraction of a cent.
    """
    if isinstance(amount, str):
        return str(amount)
    if not isinstance(amount, Decimal):
        raise TypeError(f"an amount is text or a Decimal, not {type(amount).__name__}")
    try:
        cents = amount.quantize(Decimal("0.01"))
    except InvalidOperation as exc:
        raise ValueError(f"{amount} is not an amount of money") from exc
    if cents != amount:
        raise ValueError(f"{amount} is not a whole number of cents")
    return f"{cents:f}"

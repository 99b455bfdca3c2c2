"""Airtm's money: JSON numbers in USD with at most two decimals.

Kept here as integers of 10^-7 USD, like every amount in the sandbox.
"""

from decimal import Decimal
from typing import Any

STROOPS_PER_USD = 10_000_000
STROOPS_PER_CENT = 100_000
_LARGEST_EXPONENT = 12


def stroops_of(value: Any) -> int | None:
    """Stroops of a JSON number, or None when it is not an amount of whole cents that fits.

    value: what `wire.loads` produced, so int or Decimal, never float.
    """
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    number = Decimal(value)
    if number and number.adjusted() > _LARGEST_EXPONENT:
        return None
    cents = number * 100
    if cents != cents.to_integral_value():
        return None
    return int(cents) * STROOPS_PER_CENT


def stroops_of_text(text: Any) -> int | None:
    """Stroops of decimal text such as "50.00", as the control routes take it."""
    if not isinstance(text, str) or not text.replace(".", "", 1).isascii():
        return None
    whole, _, cents = text.partition(".")
    if not whole.isdigit() or (cents and not cents.isdigit()) or len(cents) > 2:
        return None
    return stroops_of(Decimal(text))


def number(stroops: int) -> Decimal:
    """The amount as the exact decimal that goes on the wire."""
    return Decimal(stroops) / STROOPS_PER_USD


def text(stroops: int) -> str:
    """The amount with two decimals, for control answers and pages."""
    sign, cents = ("-" if stroops < 0 else ""), abs(stroops) // STROOPS_PER_CENT
    return f"{sign}{cents // 100}.{cents % 100:02d}"


def fee_of(stroops: int, *, rate_bps: int) -> int:
    """Airtm's fee, rounded half up to the cent. Both in stroops."""
    cents = (stroops * rate_bps + 5_000 * STROOPS_PER_CENT) // (10_000 * STROOPS_PER_CENT)
    return cents * STROOPS_PER_CENT

"""Money as integers of stroops, and the only ways in and out of text.

A stroop is 10**-7 USD: the chain's own precision, so nothing is ever rounded away.
Not here: fees and shares (`fees`), and any float.
Source of the limits: Stellar amounts are signed 64-bit with seven decimals.
"""

import re
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow

from offerhub.domain import digits
from offerhub.domain.errors import InvalidAmount, InvalidAmountFormat, InvalidCurrency

STROOPS_PER_USD = 10_000_000
STROOPS_PER_CENT = 100_000
MAX_STROOPS = 2**63 - 1
CURRENCY = "USD"

_CENTS_TEXT = re.compile(r"[0-9]+\.[0-9]{2}", re.ASCII)
_CENTS_DIGITS = len(str(MAX_STROOPS // STROOPS_PER_CENT))
_EXACT_TEXT = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,7})?", re.ASCII)

MAX_AMOUNT_STROOPS = MAX_STROOPS // STROOPS_PER_CENT * STROOPS_PER_CENT  # what cents can say

# A billion dollars. No provider checks what is booked by hand, and entries stay for ever: two
# amounts near the 64-bit limit would make the sums of the balance sheet overflow from then on.
MAX_BY_HAND_STROOPS = 10**16

# Refuses to round; more digits than any amount has are fine while they are zeros.
_EXACT = Context(prec=28, traps=[Inexact, InvalidOperation, Overflow])
_LARGEST = Decimal(MAX_STROOPS).scaleb(-7)


def parse_amount(value: object, *, field: str = "amount") -> int:
    """Stroops of an API amount: a string of digits, a point and two decimals, above 0.00.

    Raises: InvalidAmountFormat for anything but such text; InvalidAmount above the chain's limit.
    """
    if not isinstance(value, str) or not _CENTS_TEXT.fullmatch(value):
        raise InvalidAmountFormat(field=field)
    digits = value.replace(".", "").lstrip("0")
    if not digits:
        raise InvalidAmountFormat(field=field)
    stroops = int(digits) * STROOPS_PER_CENT if len(digits) <= _CENTS_DIGITS else None
    if stroops is None or stroops > MAX_STROOPS:
        raise InvalidAmount("The amount is larger than the network can carry.", field=field)
    return stroops


def amount_pattern(most_stroops: int = MAX_AMOUNT_STROOPS) -> str:
    """A regular expression for just the texts that `parse_amount` takes, up to `most_stroops`.

    most_stroops: at least 1.00 USD, in whole cents.
    """
    whole, cents = divmod(most_stroops // STROOPS_PER_CENT, 100)
    below = f"(?:{digits.up_to(whole - 1)})\\.[0-9]{{2}}|" if whole > 1 else ""
    last = f"{whole}\\.(?:{digits.between('00', f'{cents:02d}')})"
    return f"^0*(?:{below}{last}|0\\.(?:{digits.between('01', '99')}))$"


def parse_exact(text: str) -> int:
    """Stroops of decimal text with at most seven decimals, as the chain writes amounts.

    Raises: InvalidAmountFormat.
    """
    if not _EXACT_TEXT.fullmatch(text):
        raise InvalidAmountFormat(field="amount")
    return from_decimal(Decimal(text))


def from_decimal(amount: Decimal) -> int:
    """Stroops of an exact decimal number of USD.

    Raises: InvalidAmountFormat when it is not a whole number of stroops or not finite.
    """
    if not amount.is_finite() or amount.copy_abs() > _LARGEST:
        raise InvalidAmountFormat(field="amount")
    try:
        stroops = amount.scaleb(7, context=_EXACT)
        whole = int(stroops)
    except ArithmeticError as exc:
        raise InvalidAmountFormat(field="amount") from exc
    if whole != stroops:
        raise InvalidAmountFormat(field="amount")
    return whole


def to_decimal(stroops: int) -> Decimal:
    """The same amount in USD, exact."""
    return Decimal(_whole(stroops)).scaleb(-7)


def format_amount(stroops: int) -> str:
    """Cents for the API, rounded down, towards zero; nothing is shown as `-0.00`."""
    cents = abs(_whole(stroops)) // STROOPS_PER_CENT
    sign = "-" if stroops < 0 and cents else ""
    return f"{sign}{cents // 100}.{cents % 100:02d}"


def format_exact(stroops: int) -> str:
    """All seven decimals, as the chain writes amounts."""
    sign = "-" if _whole(stroops) < 0 else ""
    usd, rest = divmod(abs(stroops), STROOPS_PER_USD)
    return f"{sign}{usd}.{rest:07d}"


def is_whole_cents(stroops: int) -> bool:
    """Whether Airtm and the escrow contract can carry this amount without a remainder."""
    return _whole(stroops) % STROOPS_PER_CENT == 0


def check_currency(value: object) -> str:
    """The one currency of a deployment.

    Raises: InvalidCurrency.
    """
    if value != CURRENCY:
        raise InvalidCurrency(value=str(value)[:16])
    return CURRENCY


def _whole(stroops: int) -> int:
    if isinstance(stroops, bool) or not isinstance(stroops, int):
        raise TypeError(f"money is an integer of stroops, not {type(stroops).__name__}")
    return stroops

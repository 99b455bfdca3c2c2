"""Times, ages and amounts as text. Amounts arrive as text and are never rounded or cut here."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from offerhub_tui.printable import printable

CURRENCY = "USD"


def clock_time(moment: datetime | None) -> str:
    """`12:04:11`, in UTC; a dash when there is none."""
    return "-" if moment is None else f"{moment:%H:%M:%S}"


def full_time(moment: datetime | None) -> str:
    """`2026-01-10 12:04:11`, in UTC; a dash when there is none."""
    return "-" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"


def age(since: datetime | None, now: datetime) -> str:
    """How long ago in at most four characters: `14s`, `3m`, `5h`, `12d`."""
    if since is None:
        return "-"
    seconds = max(0, int((now - since).total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def money(amount: str, currency: str = CURRENCY) -> str:
    """An amount with its currency."""
    return f"{amount} {currency}"


def total(amounts: Iterable[str]) -> str:
    """The exact sum of amounts, in cents."""
    return f"{sum((Decimal(amount) for amount in amounts), Decimal(0)):.2f}"


def plain(value: Any) -> str:
    """A value for a fact sheet; a dash for nothing."""
    return "-" if value in (None, "") else printable(str(value))

"""Times as others write them: ISO 8601 text with a zone, as a number. Not here: our clock."""

import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LEAP: Final = re.compile(r"(?P<until>[T ][0-9]{2}:?[0-9]{2}:?)60(?![0-9])")


def moment_ms(text: str) -> int:
    """Milliseconds since 1970, rounded down; see `moment_us`. Raises: ValueError."""
    return moment_us(text) // 1000


def moment_us(text: str) -> int:
    """Microseconds since 1970.

    A leap second, 23:59:60 UTC, is the second after it, as on a POSIX clock; it is accepted at the
    end of any month, since nobody knows the ones to come.
    Raises: ValueError for what is no time, and for a time without a zone.
    Source: RFC 3339, sections 5.6 and 5.7.
    """
    regular = _LEAP.sub(r"\g<until>59", text, count=1)
    moment = datetime.fromisoformat(regular)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    microseconds = (moment - _EPOCH) // timedelta(microseconds=1)
    if regular == text:
        return microseconds
    if not _ends_a_month(moment):
        raise ValueError(f"{text!r} is no leap second: those end a month, at midnight UTC")
    return microseconds + 1_000_000


def _ends_a_month(moment: datetime) -> bool:
    try:
        utc = moment.astimezone(UTC)
    except OverflowError:  # beyond the year 9999
        return False
    last_day = monthrange(utc.year, utc.month)[1]
    return (utc.day, utc.hour, utc.minute) == (last_day, 23, 59)

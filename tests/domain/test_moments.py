"""Times in text: zones, fractions, and seconds that only some clocks have."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offerhub.domain.moments import moment_ms, moment_us

MIDNIGHT_2017_MS = 1_483_228_800_000


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2017-01-01T00:00:00Z", MIDNIGHT_2017_MS),
        ("2016-12-31T23:59:59.999Z", MIDNIGHT_2017_MS - 1),
        ("2017-01-01T01:00:00.0019+01:00", MIDNIGHT_2017_MS + 1),
        ("1969-12-31T23:59:59.9999Z", -1),
        # The same reading of a wall clock in Berlin, an hour apart.
        ("2026-10-25T02:30:00+02:00", 1_792_888_200_000),
        ("2026-10-25T02:30:00+01:00", 1_792_888_200_000 + 3_600_000),
    ],
)
def test_a_time_is_the_milliseconds_since_1970(text: str, ms: int) -> None:
    assert moment_ms(text) == ms


@pytest.mark.proves("F16")
@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2016-12-31T23:59:60Z", MIDNIGHT_2017_MS),
        ("2016-12-31T23:59:60.250Z", MIDNIGHT_2017_MS + 250),
        ("2017-01-01T05:29:60+05:30", MIDNIGHT_2017_MS),
        ("2016-12-31T18:59:60-05:00", MIDNIGHT_2017_MS),
        ("20161231T235960Z", MIDNIGHT_2017_MS),
    ],
)
def test_a_leap_second_is_the_second_after_it(text: str, ms: int) -> None:
    assert moment_ms(text) == ms


@pytest.mark.proves("F16")
@pytest.mark.parametrize(
    "text",
    [
        "2016-12-31T23:58:60Z", "2016-12-30T23:59:60Z", "2016-12-31T23:59:60+01:00",
        "2016-12-31T23:59:61Z", "2016-12-31T23:60:60Z", "2016-12-31T23:59:60",
        "9999-12-31T23:59:60-01:00",
        "2016-12-31T23:59:59", "2016-12-31T24:59:60Z", "yesterday", "",
    ],
)  # fmt: skip
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no leap second|no time zone|isoformat|must be in"):
        moment_ms(text)


@given(
    st.integers(-62_000_000_000_000_000, 253_000_000_000_000_000), st.integers(-23 * 60, 23 * 60)
)
def test_any_time_in_any_zone_is_read_to_the_microsecond(microseconds: int, minutes: int) -> None:
    utc = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    local = utc.astimezone(timezone(timedelta(minutes=minutes)))
    assert moment_us(local.isoformat()) == microseconds

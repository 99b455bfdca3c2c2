"""How answers become records."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from offerhub.sdk import Balance, NewApiKey, Order, UnexpectedAnswer, User
from offerhub.sdk.records import time_text
from tests.sdk.samples import balance, order, user


def test_nested_records_times_and_money_are_read() -> None:
    read = Order.from_json(
        order(
            milestones=[
                {
                    "id": "mst_1",
                    "milestone_ref": "a",
                    "title": "Sketch",
                    "amount": "40.00",
                    "amount_exact": "40.0000000",
                    "status": "OPEN",
                    "position": 0,
                }
            ]
        )
    )
    assert read.created_at == datetime(2026, 1, 10, 12, tzinfo=UTC)
    assert read.milestones[0].amount.decimal == Decimal("40")
    assert read.escrow is None
    assert read.timeline == ()


def test_fields_of_tomorrow_are_kept_but_break_nothing() -> None:
    read = User.from_json(user(loyalty={"tier": 3}))
    assert read.raw["loyalty"] == {"tier": 3}


def test_a_missing_field_is_named() -> None:
    data = balance()
    del data["reserved"]
    with pytest.raises(UnexpectedAnswer, match="reserved"):
        Balance.from_json(data)


def test_a_number_is_not_accepted_as_money() -> None:
    with pytest.raises(UnexpectedAnswer, match="available"):
        Balance.from_json(balance(available=12.34))


def test_a_secret_does_not_appear_in_the_repr_of_its_record() -> None:
    key = NewApiKey.from_json(
        {
            "id": "key_1",
            "name": "ops",
            "scopes": ["read"],
            "created_at": "2026-01-10T12:00:00.000Z",
            "key": "ohk_test_key_verysecret",
        }
    )
    assert key.key == "ohk_test_key_verysecret"
    assert "verysecret" not in repr(key)


def test_times_are_sent_in_utc_with_milliseconds() -> None:
    local = datetime(2026, 1, 10, 14, 0, 0, 123_456, tzinfo=timezone(timedelta(hours=2)))
    assert time_text(local) == "2026-01-10T12:00:00.123Z"
    with pytest.raises(ValueError, match="time zone"):
        time_text(datetime(2026, 1, 10))  # noqa: DTZ001

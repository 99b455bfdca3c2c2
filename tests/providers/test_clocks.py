"""Leap seconds and zones in what providers say; waits that no jump of the wall clock shortens."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from offerhub.ports.errors import RateLimited
from offerhub.providers.airtm import mapping as airtm
from offerhub.providers.answers import retry_after_s
from offerhub.providers.limiter import RedisLimiter
from offerhub.providers.stellar import mapping as stellar
from offerhub.providers.trustlesswork import mapping as trustless_work
from offerhub.sdk.retry import read_retry_after
from tests.fixtures.ports import free_port
from tests.providers.airtm.test_mapping import payin, payout
from tests.providers.stellar.test_mapping import WALLET, arrivals, operation
from tests.providers.test_limiter import permits_until_refused, quick

pytestmark = pytest.mark.proves("F16")

LEAP = "2016-12-31T23:59:60Z"
NEXT_MS = 1_483_228_800_000
DAY_S = 86_400.0


@pytest.fixture(params=["UTC", "Europe/Berlin", "America/St_Johns"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The process lives there."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


def test_airtm_may_say_that_something_happened_in_a_leap_second() -> None:
    assert payin(updatedAt=LEAP).updated_at_ms == NEXT_MS
    assert payout(updatedAt="2016-12-31T23:59:60.250Z").updated_at_ms == NEXT_MS + 250
    with pytest.raises(airtm.Unreadable, match="updatedAt is not a time with a zone"):
        payin(updatedAt="2016-12-30T23:59:60Z")


def test_a_deposit_in_a_leap_second_is_a_deposit() -> None:
    made = {"type": "create_account", "account": WALLET, "funder": "G" + "A" * 55,
            "starting_balance": "5.0000000"}  # fmt: skip
    (at_the_leap,) = arrivals(operation(**made, created_at=LEAP))
    (before,) = arrivals(operation(**made, created_at="2016-12-31T23:59:59Z"))
    assert (before.occurred_at_ms, at_the_leap.occurred_at_ms) == (NEXT_MS - 1000, NEXT_MS)


def test_a_ledger_may_close_in_a_leap_second() -> None:
    root: dict[str, Any] = {
        "history_latest_ledger": 9, "history_elder_ledger": 1,
        "history_latest_ledger_closed_at": LEAP, "network_passphrase": "Test",
    }  # fmt: skip
    assert stellar.head(root).closed_at_s == NEXT_MS // 1000


def test_escrows_made_around_a_leap_second_keep_their_order() -> None:
    texts = ["2016-12-31T23:59:59.999999Z", LEAP, "2017-01-01T00:00:00.000001Z"]
    escrows = [{"createdAt": text} for text in texts]
    backwards = escrows[::-1]
    assert sorted(backwards, key=trustless_work.created_at) == escrows


def test_a_date_to_come_back_at_is_read_alike_in_every_zone(zone: str) -> None:
    for end in ("GMT", "-0000", "+0000"):
        assert read_retry_after(f"Sat, 31 Dec 2016 23:59:59 {end}", now_s=NEXT_MS / 1000 - 31) == 30
        assert retry_after_s(f"Wed, 31 Dec 9998 23:59:59 {end}") == 3600
        assert retry_after_s(f"Sat, 31 Dec 2016 23:59:59 {end}") == 0
    leap = "Sat, 31 Dec 2016 23:59:60 GMT"
    assert read_retry_after(leap, now_s=0.0) is None, "then the usual pause counts"
    assert retry_after_s(leap) is None


@pytest.mark.parametrize("jump_s", [-DAY_S, DAY_S])
def test_no_jump_of_the_wall_clock_lets_anybody_through_early(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, jump_s: float
) -> None:
    """With Redis its own clock counts, and without it one that only ever goes on."""
    away = RedisLimiter(quick(f"redis://127.0.0.1:{free_port()}/0"), {"acme": (2, 60.0)})
    shared = RedisLimiter(quick(redis_url), {"acme": (3, 60.0)})
    assert permits_until_refused(lambda: away.acquire("acme")) >= 1
    assert permits_until_refused(lambda: shared.acquire("acme")) == 3
    right = time.time
    monkeypatch.setattr(time, "time", lambda: right() + jump_s)
    for limiter in (away, shared):
        with pytest.raises(RateLimited) as caught:
            limiter.acquire("acme")
        assert 10 < (caught.value.retry_after_s or 0) <= 61

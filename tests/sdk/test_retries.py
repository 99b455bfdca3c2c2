"""Repeating what is safe to repeat, and only that."""

import httpx
import pytest

from offerhub.sdk import (
    Backoff,
    InsufficientFunds,
    InternalError,
    Maintenance,
    NoAnswer,
    OfferHub,
    ProviderError,
    RateLimited,
)
from offerhub.sdk.retry import read_retry_after
from tests.sdk.samples import order, user


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (429, "RATE_LIMITED"),
        (502, "PROVIDER_RATE_LIMITED"),
        (503, "MAINTENANCE"),
        (504, "PROVIDER_TIMEOUT"),
        (409, "IDEMPOTENCY_KEY_IN_PROGRESS"),
        (502, "HTML_FROM_A_PROXY"),
    ],
)
def test_what_may_pass_is_tried_again(script, client, pauses, status: int, code: str) -> None:
    script.error(status, code).data(user())
    assert client.users.get("usr_1").id == "usr_1"
    assert pauses.taken == [0.02]


def test_a_repeated_mutation_keeps_its_key(script, client) -> None:
    script.error(503, "PROVIDER_UNAVAILABLE").hang_up().data(order())
    client.orders.reserve("ord_1")
    keys = {seen.headers["idempotency-key"] for seen in script.seen}
    assert len(script.seen) == 3
    assert len(keys) == 1


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (422, "INSUFFICIENT_FUNDS", InsufficientFunds),
        (500, "INTERNAL_ERROR", InternalError),
        (502, "PROVIDER_ERROR", ProviderError),
    ],
)
def test_what_will_not_pass_is_told_at_once(script, client, status, code, error) -> None:
    script.error(status, code)
    with pytest.raises(error):
        client.orders.reserve("ord_1")
    assert len(script.seen) == 1


def test_retry_after_is_obeyed(script, client, pauses) -> None:
    script.error(429, "RATE_LIMITED", headers={"Retry-After": "7"}).data(user())
    client.users.get("usr_1")
    assert pauses.taken == [7.0]


def test_a_retry_after_that_is_too_long_is_left_to_the_caller(script, client, pauses) -> None:
    script.error(503, "MAINTENANCE", headers={"Retry-After": "600"})
    with pytest.raises(Maintenance) as caught:
        client.users.get("usr_1")
    assert caught.value.retry_after_s == 600
    assert pauses.taken == []


def test_attempts_are_bounded_and_pauses_double(script, client, pauses) -> None:
    for _ in range(4):
        script.error(429, "RATE_LIMITED")
    with pytest.raises(RateLimited):
        client.users.get("usr_1")
    assert len(script.seen) == 4
    assert pauses.taken == [0.02, 0.04, 0.08]


def test_a_lost_answer_to_a_mutation_says_that_the_outcome_is_unknown(script, client) -> None:
    for _ in range(4):
        script.hang_up()
    with pytest.raises(NoAnswer) as caught:
        client.orders.release("ord_1")
    assert caught.value.outcome_unknown
    assert caught.value.attempts == 4
    assert caught.value.idempotency_key == script.seen[0].headers["idempotency-key"]


def test_a_server_that_was_never_reached_leaves_no_doubt(pauses) -> None:
    backoff = Backoff(first_s=0.01, sleep=pauses)
    with (
        OfferHub("http://127.0.0.1:1", "k", max_retries=1, backoff=backoff) as client,
        pytest.raises(NoAnswer) as caught,
    ):
        client.orders.release("ord_1")
    assert not caught.value.outcome_unknown
    assert len(pauses.taken) == 1


def test_a_lost_answer_to_a_read_changes_nothing(script, client) -> None:
    for _ in range(4):
        script.hang_up()
    with pytest.raises(NoAnswer) as caught:
        client.users.get("usr_1")
    assert not caught.value.outcome_unknown


def test_health_is_asked_once(pauses) -> None:
    with (
        OfferHub("http://127.0.0.1:1", None, backoff=Backoff(sleep=pauses)) as client,
        pytest.raises(NoAnswer),
    ):
        client.health()
    assert pauses.taken == []


def test_a_slow_answer_times_out_and_is_asked_for_again(pauses) -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.extensions["timeout"]["read"])
        if len(asked) == 1:
            raise httpx.ReadTimeout("slow", request=request)
        return httpx.Response(200, json={"data": user(), "meta": {}})

    with OfferHub(
        "http://api.test",
        "k",
        timeout_s=1.5,
        transport=httpx.MockTransport(answer),
        backoff=Backoff(sleep=pauses),
    ) as client:
        assert client.users.get("usr_1").id == "usr_1"
    assert asked == [1.5, 1.5]


def test_pauses_are_spread_between_half_and_whole() -> None:
    low, high = Backoff(chance=lambda: 0.0), Backoff(chance=lambda: 1.0)
    assert (low.pause_s(1), high.pause_s(1)) == (0.125, 0.25)
    assert high.pause_s(1000) == high.cap_s


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("5", 5.0),
        ("soon", None),
        ("-1", None),
        ("Thu, 01 Jan 1970 00:02:00 GMT", 20.0),
        ("Thu, 01 Jan 1970 00:00:10 GMT", 0.0),
    ],
)
def test_retry_after_is_read_in_both_forms(header, seconds) -> None:
    assert read_retry_after(header, now_s=100.0) == seconds

"""Idempotency keys over the wire: twins at once, and repeats over a restart of the API."""

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pytest

from tests.journeys.market import Market, People, until
from tests.journeys.steps import Steps

TWINS = 20


def post(market: Market, path: str, key: str, body: dict[str, object]) -> httpx.Response:
    """One request, as it is: nothing is retried. Raises: httpx.TransportError."""
    headers = {"Authorization": f"Bearer {market.key}", "Idempotency-Key": key}
    url = f"{market.url}/api/v1{path}"
    return httpx.post(url, json=body, headers=headers, timeout=30, trust_env=False)


def withdrawal(market: Market, people: People) -> dict[str, object]:
    return {
        "user_id": people.seller, "amount": "3.00", "destination_type": "CRYPTO",
        "destination_ref": market.sandbox.outside_account(),
    }  # fmt: skip


def test_a_key_is_answered_byte_for_byte_after_the_api_was_killed(
    market: Market, people: People
) -> None:
    key = uuid4().hex
    body: dict[str, object] = {
        "buyer_id": people.buyer, "seller_id": people.seller, "amount": "2.00",
        "title": "Once", "client_order_ref": f"ref-{key}",
    }  # fmt: skip
    first = post(market, "/orders", key, body)
    assert first.status_code == 201
    dead = market.kill_group("api")
    market.wait_restarted("api", dead)
    market.client.me()
    again = post(market, "/orders", key, body)
    assert again.content == first.content
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["X-Request-ID"] != first.headers["X-Request-ID"]


@pytest.mark.parametrize("killed", [False, True], ids=["in peace", "while the API is killed"])
def test_twenty_twins_have_one_effect(market: Market, people: People, killed: bool) -> None:
    Steps(market, people).whole_order()
    balance = market.client.users.balance(people.seller)
    before = balance.available.decimal + balance.withdrawing.decimal
    body, key, start = withdrawal(market, people), uuid4().hex, threading.Barrier(TWINS)

    def send(number: int) -> bytes:
        start.wait()
        if killed and number == TWINS // 2:
            market.kill_group("api")

        def answered() -> bytes | None:
            try:
                answer = post(market, "/withdrawals", key, body)
            except httpx.TransportError:
                return None
            if answer.status_code == 409:
                assert answer.json()["error"]["code"] == "IDEMPOTENCY_KEY_IN_PROGRESS"
                return None
            assert answer.status_code == 202, answer.text
            return answer.content

        return until(answered, "an answer")

    with ThreadPoolExecutor(TWINS) as pool:
        answers = set(pool.map(send, range(TWINS)))
    assert len(answers) == 1
    id_ = httpx.Response(202, content=answers.pop()).json()["data"]["id"]
    market.wait_withdrawal(id_, "WITHDRAWAL_COMPLETED")
    after = market.client.users.balance(people.seller)
    assert after.withdrawing.decimal == 0
    assert before - after.available.decimal == 3
    market.books_match()

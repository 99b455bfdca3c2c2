"""A provider does what it was told and its answer is lost: the effect is found, not repeated."""

from uuid import uuid4

import pytest

from tests.journeys.market import Market, People
from tests.journeys.steps import STEPS, Steps


def lost(kind: str, provider: str, path: str, *, after_n: int = 0) -> dict[str, object]:
    return {
        "kind": kind, "provider": provider, "path_regex": path, "method": "POST",
        "delay_s": 1, "after_n": after_n,
    }  # fmt: skip


SEND = "/helper/send-transaction$"


def test_an_order_whose_every_transaction_is_sent_into_the_dark_completes_once(
    market: Market, people: People
) -> None:
    steps = Steps(market, people)
    faults = [
        lost("timeout_after", "trustless_work", SEND),
        lost("reset_after", "trustless_work", SEND, after_n=0),
        lost("truncated_after", "trustless_work", SEND, after_n=1),
        lost("timeout_after", "horizon", "/transactions_async$"),
    ]
    with market.faults(*faults):
        for step in STEPS:
            steps.begin(step, uuid4().hex)
            steps.end(step)
    market.books_match()


def test_a_payout_whose_commit_was_not_heard_is_paid_once(market: Market, people: People) -> None:
    # Airtm pays out of what came in there.
    paid_in = market.paid_topup(people, "10.00", before=lambda: None)
    market.client.topups.wait_for(paid_in, {"TOPUP_SUCCEEDED"})
    Steps(market, people).whole_order()
    with market.faults(lost("timeout_after", "airtm", "/payouts/[^/]+/commit$")):
        withdrawal = market.client.withdrawals.create(
            user_id=people.seller, amount="4.00", destination_type="AIRTM_BALANCE",
            destination_ref=people.seller_email, commit=True,
        )  # fmt: skip
        done = market.wait_withdrawal(withdrawal.id, "WITHDRAWAL_COMPLETED")
    payouts = [p for p in market.sandbox.world()["airtm"]["payouts"] if p["code"] == done.id]
    assert len(payouts) == 1
    market.books_match()


@pytest.mark.parametrize("kind", ["timeout_after", "error_500_after"])
def test_a_payin_whose_creation_was_not_heard_is_offered_and_credited_once(
    market: Market, people: People, kind: str
) -> None:
    before = market.client.users.balance(people.buyer).available.decimal
    with market.faults(lost(kind, "airtm", "/payins$")):
        topup_id = market.paid_topup(people, "10.00", before=lambda: None)
        topup = market.client.topups.wait_for(topup_id, {"TOPUP_SUCCEEDED"})
    after = market.client.users.balance(people.buyer).available.decimal
    assert after - before == topup.net_amount.decimal
    payins = [p for p in market.sandbox.world()["airtm"]["payins"] if p["code"] == topup.id]
    assert len(payins) == 1
    market.books_match()

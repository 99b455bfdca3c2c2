"""A crowd on one account: as many spend as there is money for, and a fee account slows nobody."""

import os
import time
from collections import Counter

import pytest

from offerhub.ledger import accounts, journal, payouts, transfers
from offerhub.store.database import atomic
from tests.fixtures.proof import Figure
from tests.ledger.bookkeeping import (
    BUYER,
    SELLER,
    USD,
    balance,
    deposit,
    findings,
    open_users,
    post,
)
from tests.ledger.test_races import _all_at_once

pytestmark = pytest.mark.proves("F12")
CROWD = 200 if os.environ.get("OFFERHUB_TEST_FULL") else 40


def test_a_crowd_that_withdraws_from_one_balance_gets_what_there_is(
    books: str, figure: Figure
) -> None:
    open_users(BUYER)
    deposit(BUYER, 105 * USD)
    ends = Counter(
        type(end).__name__
        for end in _all_at_once(
            lambda n: post(
                transfers.withdrawal_held(withdrawal_id=f"wd_{n}", user_id=BUYER, amount=10 * USD)
            ),
            CROWD,
        )
    )
    assert ends == {"Posted": 10, "InsufficientFunds": CROWD - 10}
    assert (balance(BUYER, "available"), balance(BUYER, "withdrawing")) == (5 * USD, 100 * USD)
    assert findings() == []
    figure("threads_on_one_balance", CROWD)
    figure("accepted", ends["Posted"])


def test_a_crowd_that_credits_one_fee_account_is_served_without_a_deadlock(
    books: str, figure: Figure
) -> None:
    open_users(BUYER, SELLER)
    deposit(BUYER, CROWD * 10 * USD)
    orders = [f"ord_{n}" for n in range(CROWD)]
    for order in orders:
        post(transfers.funds_reserved(order_id=order, buyer_id=BUYER, amount=10 * USD))
        post(transfers.escrow_funded(order_id=order, buyer_id=BUYER, amount=10 * USD))
    began = time.monotonic()
    ends = _all_at_once(
        lambda n: post(
            payouts.escrow_paid_out(
                kind=payouts.RELEASED, reference=orders[n], order_id=orders[n], buyer_id=BUYER,
                seller_id=SELLER, owed=10 * USD, to_buyer=0, to_seller=9 * USD,
                to_platform=USD - 3, to_protocol=3,
            )
        ),
        CROWD,
    )  # fmt: skip
    figure("fee_credits_took_s", round(time.monotonic() - began, 2))
    assert [end for end in ends if not isinstance(end, journal.Posted)] == []
    assert balance(SELLER, "available") == CROWD * 9 * USD
    with atomic():
        assert journal.balance(accounts.FEES_PLATFORM) == CROWD * (USD - 3)
    assert findings() == []
    figure("threads_on_one_fee_account", CROWD)

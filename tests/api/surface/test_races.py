"""Requests that exclude each other, sent at the same moment: one is granted, the books agree.

What is asked for in one moment differs from trial to trial only by who was first.
"""

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.api.caller import code
from tests.api.surface.market import Market
from tests.services.world import SELLER_EMAIL

pytestmark = pytest.mark.timeout(600)
TRIALS = 25
Ends = list[tuple[str, str]]


def _at_once(market: Market, asked: Sequence[tuple[str, str, Any]]) -> Ends:
    """POST (name, path, body) on a thread each, from one barrier; names with "ok" or a code."""
    start = threading.Barrier(len(asked))
    ends: Ends = []
    faults: list[BaseException] = []

    def go(name: str, path: str, body: Any) -> None:
        start.wait()
        try:
            answer = market.api.post(path, body)
            ends.append((name, "ok" if answer.status_code < 300 else code(answer)))
        except BaseException as error:  # noqa: BLE001 - told to the test below
            faults.append(error)

    threads = [threading.Thread(target=go, args=one) for one in asked]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    return ends


def _granted(ends: Ends) -> list[str]:
    return [name for name, end in ends if end == "ok"]


def _refusals(ends: Ends) -> set[str]:
    return {end for _, end in ends if end != "ok"}


def _all_in_progress(market: Market, amount: str, **more: Any) -> list[str]:
    """TRIALS orders, brought on together: their contracts are worked on side by side."""
    order_ids = [market.order(amount, **more) for _ in range(TRIALS)]
    for step in ("reserve", "escrow", "escrow/fund"):
        for order_id in order_ids:
            market.api.made(f"/orders/{order_id}/{step}")
        market.world.drain(limit_s=90)
    return order_ids


def _settled(market: Market) -> None:
    market.world.drain(limit_s=90)
    assert market.shown("/admin/operations?status=STUCK")["operations"] == []
    market.world.check()


@pytest.fixture
def pair(market: Market) -> Market:
    """The market with a buyer and a seller of their own: each trial costs their wallets fees."""
    world = market.world
    buyer = world.funded_user(f"racing-buyer-{next(market.numbers)}", "1000.00")["id"]
    return replace(market, buyer=str(buyer), seller=market.user())


def _exact(market: Market, user: str) -> Decimal:
    return Decimal(market.available(user))


@pytest.mark.full
def test_of_different_splits_at_once_one_is_carried_out(pair: Market) -> None:
    market = pair
    before = _exact(market, market.buyer), _exact(market, market.seller)
    shares = {"seller": ("8.00", "2.00"), "even": ("5.00", "5.00"), "buyer": ("1.00", "9.00")}
    expected_seller = Decimal(0)
    disputes = {}
    for order_id in _all_in_progress(market, "10.00", platform_fee_bps=0):
        body = {"opened_by": "BUYER", "reason": "OTHER"}
        disputes[order_id] = market.api.made(f"/orders/{order_id}/disputes", body)["id"]
    market.world.drain(limit_s=90)
    for dispute_id in disputes.values():
        path = f"/disputes/{dispute_id}"
        market.api.made(f"{path}/assign", {"assignee": "support-7"})
        asked = [
            (name, f"{path}/resolve",
             {"decision": "SPLIT", "release_amount": release, "refund_amount": refund})
            for name, (release, refund) in shares.items()
        ]  # fmt: skip
        ends = _at_once(market, asked * 2)
        (winner,) = _granted(ends)
        assert _refusals(ends) <= {"ESCROW_NOT_READY"}
        assert market.shown(path)["release_amount"] == shares[winner][0]
        expected_seller += Decimal(shares[winner][0])
    _settled(market)
    for order_id in disputes:
        assert market.shown(f"/orders/{order_id}")["resolution"] == "SPLIT"
    paid = Decimal("0.997")  # the contract takes 0.3 % of each share
    total = 10 * TRIALS
    assert _exact(market, market.seller) - before[1] == expected_seller * paid
    assert _exact(market, market.buyer) - before[0] == (total - expected_seller) * paid - total


@pytest.mark.full
def test_a_refund_and_a_release_exclude_each_other(pair: Market) -> None:
    market = pair
    before = _exact(market, market.buyer), _exact(market, market.seller)
    won: Counter[str] = Counter()
    order_ids = _all_in_progress(market, "10.00", platform_fee_bps=0)
    for order_id in order_ids:
        asked = [(step, f"/orders/{order_id}/{step}", {}) for step in ("refund", "release")]
        ends = _at_once(market, asked * 3)
        (winner,) = _granted(ends)
        assert _refusals(ends) == {"INVALID_STATE"}
        won[winner] += 1
    _settled(market)
    resolutions = Counter(market.shown(f"/orders/{o}")["resolution"] for o in order_ids)
    assert resolutions == {
        name: number
        for name, number in (("REFUNDED", won["refund"]), ("RELEASED", won["release"]))
        if number
    }
    assert _exact(market, market.seller) - before[1] == won["release"] * Decimal("9.97")
    assert _exact(market, market.buyer) - before[0] == -10 * won["release"]


@pytest.mark.full
def test_each_milestone_is_paid_once_whatever_else_is_asked_for(pair: Market) -> None:
    market = pair
    before = _exact(market, market.seller)
    milestones = [
        {"milestone_ref": ref, "title": ref, "amount": "5.00"} for ref in ("draft", "final")
    ]
    order_ids = _all_in_progress(market, "10.00", platform_fee_bps=0, milestones=milestones)
    for order_id in order_ids:
        for ref in ("draft", "final"):
            market.api.made(f"/orders/{order_id}/milestones/{ref}/complete")
    market.world.drain(limit_s=90)
    for number, order_id in enumerate(order_ids):
        asked: list[tuple[str, str, Any]] = [
            (ref, f"/orders/{order_id}/milestones/{ref}/release", {}) for ref in ("draft", "final")
        ] * 2
        if number % 2:
            asked.append(("all", f"/orders/{order_id}/release", {}))
        ends = _at_once(market, asked)
        granted = sorted(_granted(ends))
        assert granted in (["all"], ["draft", "final"]), ends
        assert _refusals(ends) <= {"ESCROW_NOT_READY", "INVALID_STATE"}
    _settled(market)
    for order_id in order_ids:
        assert market.shown(f"/orders/{order_id}")["resolution"] == "RELEASED"
    assert _exact(market, market.seller) - before == TRIALS * Decimal("9.97")


def test_a_withdrawal_is_committed_or_canceled_and_the_money_is_in_one_place(
    market: Market,
) -> None:
    before = _exact(market, market.seller)
    ended: Counter[str] = Counter()
    for _ in range(TRIALS):
        market.credit(market.seller, "1.00")
        withdrawal_id = market.api.made(
            "/withdrawals",
            {"user_id": market.seller, "amount": "1.00", "destination_type": "AIRTM_BALANCE",
             "destination_ref": SELLER_EMAIL},
        )["id"]  # fmt: skip
        path = f"/withdrawals/{withdrawal_id}"
        ends = _at_once(market, [(s, f"{path}/{s}", {}) for s in ("commit", "cancel")] * 3)
        granted = Counter(_granted(ends))
        # Canceled while it was held, once; or committed once, and then Airtm may be asked.
        assert granted in (
            {"cancel": 1},
            {"commit": 1, "cancel": 3},
            {"commit": 1},
            {"commit": 1, "cancel": 1},
            {"commit": 1, "cancel": 2},
        ), ends
        assert _refusals(ends) <= {"WITHDRAWAL_NOT_COMMITTABLE", "INVALID_STATE"}
        ended[_followed_to_its_end(market, path)] += 1
    _settled(market)
    assert set(ended) <= {"WITHDRAWAL_CANCELED", "WITHDRAWAL_COMPLETED"}
    assert _exact(market, market.seller) - before == ended["WITHDRAWAL_CANCELED"]
    assert market.shown(f"/users/{market.seller}/balance")["withdrawing"] == "0.00"


def _followed_to_its_end(market: Market, path: str) -> str:
    market.world.drain()

    def ended() -> str | None:
        status = str(market.api.made(f"{path}/refresh")["status"])
        return status if status in {"WITHDRAWAL_CANCELED", "WITHDRAWAL_COMPLETED"} else None

    return str(market.world.until(ended))

"""Requests that exclude each other, sent at the same moment: one is granted, the books agree.

What is asked for in one moment differs from trial to trial only by who was first.
"""

import json
import os
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from svix.webhooks import Webhook

from offerhub.store.database import connection
from offerhub.store.inbox import InboxEvent
from tests.api.caller import code
from tests.api.surface.market import Market
from tests.fixtures.proof import Figure
from tests.services.world import BUYER_EMAIL, SELLER_EMAIL, USD

pytestmark = pytest.mark.timeout(600)
TRIALS = 25
# What costs little is tried as often by default as the rest is with `--full`.
FEW = TRIALS if os.environ.get("OFFERHUB_TEST_FULL") else 2
CREDITED = Decimal("9.75")  # of a top-up of 10.00, after Airtm's fee
Ends = list[tuple[str, str]]


def _together(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Make the calls on a thread each, from one barrier; what they answered, first come first."""
    start = threading.Barrier(len(calls))
    answers: list[Any] = []
    faults: list[BaseException] = []

    def go(call: Callable[[], Any]) -> None:
        start.wait()
        try:
            answers.append(call())
        except BaseException as error:  # noqa: BLE001 - told to the test below
            faults.append(error)

    threads = [threading.Thread(target=go, args=(one,)) for one in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    return answers


def _at_once(market: Market, asked: Sequence[tuple[str, str, Any]]) -> Ends:
    """POST (name, path, body) all at once; names with "ok" or a code."""

    def ask(name: str, path: str, body: Any) -> tuple[str, str]:
        answer = market.api.post(path, body)
        return name, "ok" if answer.status_code < 300 else code(answer)

    return _together([lambda one=one: ask(*one) for one in asked])  # type: ignore[misc]


def _granted(ends: Ends) -> list[str]:
    return [name for name, end in ends if end == "ok"]


def _refusals(ends: Ends) -> set[str]:
    return {end for _, end in ends if end != "ok"}


def _all_ready_to_fund(market: Market, amount: str, number: int, **more: Any) -> list[str]:
    """So many orders, brought on together: their contracts are worked on side by side."""
    order_ids = [market.order(amount, **more) for _ in range(number)]
    for step in ("reserve", "escrow"):
        for order_id in order_ids:
            market.api.made(f"/orders/{order_id}/{step}")
        market.world.drain(limit_s=90)
    return order_ids


def _all_in_progress(market: Market, amount: str, number: int, **more: Any) -> list[str]:
    order_ids = _all_ready_to_fund(market, amount, number, **more)
    for order_id in order_ids:
        market.api.made(f"/orders/{order_id}/escrow/fund")
    market.world.drain(limit_s=90)
    return order_ids


def _settled(market: Market) -> None:
    market.world.drain(limit_s=90)
    assert market.shown("/admin/operations?status=STUCK") == []
    market.world.check()


@pytest.fixture
def pair(market: Market) -> Market:
    """The market with a buyer and a seller of their own: each trial costs their wallets fees."""
    world = market.world
    buyer = world.funded_user(f"racing-buyer-{next(market.numbers)}", "1000.00")["id"]
    return replace(market, buyer=str(buyer), seller=market.user())


def _exact(market: Market, user: str) -> Decimal:
    return Decimal(market.available(user))


def _reserved(market: Market, user: str) -> Decimal:
    return Decimal(market.shown(f"/users/{user}/balance")["reserved_exact"])


@pytest.mark.proves("F12")
def test_of_six_reserves_of_an_order_one_counts(pair: Market, figure: Figure) -> None:
    market = pair
    for _ in range(FEW):
        path = f"/orders/{market.order('10.00')}"
        ends = _at_once(market, [("reserve", f"{path}/reserve", {})] * 6)
        assert Counter(end for _, end in ends) == {"ok": 1, "FUNDS_ALREADY_RESERVED": 5}
        assert market.shown(path)["status"] == "FUNDS_RESERVED"
    assert _reserved(market, market.buyer) == 10 * FEW
    assert _exact(market, market.buyer) == 1000 - 10 * FEW
    _settled(market)
    figure("races_over_http", FEW)


@pytest.mark.proves("F12")
def test_of_six_cancels_one_counts_while_another_order_is_reserved(
    pair: Market, figure: Figure
) -> None:
    market = pair
    for _ in range(FEW):
        mine, other = (f"/orders/{market.order('10.00')}" for _ in range(2))
        market.api.made(f"{mine}/reserve")
        asked: list[tuple[str, str, Any]] = [("cancel", f"{mine}/cancel", {})] * 6
        ends = _at_once(market, [*asked, ("reserve", f"{other}/reserve", {})])
        assert sorted(_granted(ends)) == ["cancel", "reserve"]
        assert _refusals(ends) == {"INVALID_STATE"}
        assert market.shown(mine)["resolution"] == "CANCELED"
        assert market.shown(other)["status"] == "FUNDS_RESERVED"
    assert _reserved(market, market.buyer) == 10 * FEW
    assert _exact(market, market.buyer) == 1000 - 10 * FEW
    _settled(market)
    figure("races_over_http", FEW)


@pytest.mark.proves("F12")
def test_reserves_and_cancels_of_an_order_leave_nothing_reserved(
    pair: Market, figure: Figure
) -> None:
    market = pair
    for _ in range(FEW):
        path = f"/orders/{market.order('10.00')}"
        asked = [(step, f"{path}/{step}", {}) for step in ("reserve", "cancel")]
        ends = _at_once(market, asked * 3)
        assert Counter(_granted(ends)) in ({"cancel": 1}, {"cancel": 1, "reserve": 1}), ends
        assert _refusals(ends) <= {"INVALID_STATE", "FUNDS_ALREADY_RESERVED"}
        shown = market.shown(path)
        assert (shown["status"], shown["resolution"]) == ("CLOSED", "CANCELED")
    assert _reserved(market, market.buyer) == 0
    assert _exact(market, market.buyer) == 1000
    _settled(market)
    figure("races_over_http", FEW)


def test_of_six_requests_to_fund_an_escrow_one_moves_money(pair: Market) -> None:
    market = pair
    order_ids = _all_ready_to_fund(market, "10.00", FEW)
    for order_id in order_ids:
        ends = _at_once(market, [("fund", f"/orders/{order_id}/escrow/fund", {})] * 6)
        assert Counter(end for _, end in ends) == {"ok": 1, "ESCROW_ALREADY_FUNDED": 5}
    _settled(market)
    for order_id in order_ids:
        shown = market.shown(f"/orders/{order_id}")
        assert shown["status"] == "IN_PROGRESS"
        contract = shown["escrow"]["trustless_contract_id"]
        assert market.world.transfers(destination=contract) == [10 * USD]
    assert _exact(market, market.buyer) == 1000 - 10 * FEW


def _paid_topup(market: Market, user: str) -> str:
    """A top-up of 10.00 that Airtm knows to be paid, and we do not yet."""
    topup = market.api.made(
        "/topups",
        {"user_id": user, "amount": "10.00", "return_url": "https://shop.example/",
         "cancel_url": "https://shop.example/"},
    )  # fmt: skip
    market.world.drain()
    market.world.control("POST", f"/payins/{topup['id']}/pay", email=BUYER_EMAIL)

    def paid() -> bool:
        found = market.world.app.payments.find_payin(topup["id"])
        return found is not None and str(found.status) == "SUCCEEDED"

    market.world.until(paid)
    return str(topup["id"])


@pytest.mark.proves("F12")
def test_a_top_up_confirmed_while_an_order_reserves_is_neither_lost_nor_spent_twice(
    market: Market, figure: Figure
) -> None:
    spender = market.seller  # has an Airtm account, and little money
    market.credit(spender, "20.00")
    won: Counter[bool] = Counter()
    for _ in range(FEW):
        before = _exact(market, spender)
        topup_id = _paid_topup(market, spender)
        # Only with the top-up's money is there enough for this order.
        needed = f"{int(before) + 5}.00"
        order_id = market.order(needed, buyer_id=spender, seller_id=market.buyer)
        reserve = ("reserve", f"/orders/{order_id}/reserve", {})
        refresh = ("refresh", f"/topups/{topup_id}/refresh", {})
        ends = _at_once(market, [refresh, reserve, refresh, reserve, refresh])
        assert _refusals(ends) <= {"INSUFFICIENT_FUNDS", "FUNDS_ALREADY_RESERVED"}
        granted = Counter(_granted(ends))
        assert granted["refresh"] == 3, ends
        assert granted["reserve"] <= 1
        assert _exact(market, spender) + _reserved(market, spender) == before + CREDITED
        won[bool(granted["reserve"])] += 1
        if not granted["reserve"]:
            market.api.made(f"/orders/{order_id}/reserve")
        assert _reserved(market, spender) == Decimal(needed)
        market.api.made(f"/orders/{order_id}/cancel")
    assert sum(won.values()) == FEW
    _settled(market)
    figure("races_over_http", FEW)


def test_of_six_copies_of_a_webhook_at_once_one_is_new_and_its_money_comes_once(
    market: Market,
) -> None:
    signer = Webhook(market.world.environ["AIRTM_WEBHOOK_SECRET"])
    for _ in range(FEW):
        before = _exact(market, market.seller)
        topup_id = _paid_topup(market, market.seller)
        name, at = f"msg_{topup_id}", market.world.clock.now()
        body = json.dumps({"type": "payin.confirmed", "data": {"code": topup_id}})
        headers = {
            "svix-id": name,
            "svix-timestamp": str(int(at.timestamp())),
            "svix-signature": signer.sign(name, at, body),
        }

        def send(raw: bytes = body.encode(), signed: dict[str, str] = headers) -> bool:
            door = market.api.with_key(None)
            answer = door.send("POST", "/webhooks/airtm", raw=raw, headers=signed)
            assert answer.status_code == 200, answer.text
            return bool(answer.json["data"]["duplicate"])

        assert Counter(_together([send] * 6)) == {False: 1, True: 5}
        with connection():
            assert InboxEvent.select().where(InboxEvent.event_id == name).count() == 1
        _together([market.world.process_inbox] * 2)
        assert market.shown(f"/topups/{topup_id}")["status"] == "TOPUP_SUCCEEDED"
        assert _exact(market, market.seller) == before + CREDITED
    _settled(market)


@pytest.mark.proves("F12")
def test_of_withdrawals_of_more_than_the_balance_as_many_are_paid_as_it_holds(
    market: Market, figure: Figure
) -> None:
    world = market.world
    user = world.funded_user(f"spender-{next(market.numbers)}", "5.00")
    outside = world.control("POST", "/stellar/outside-account")["address"]
    body = {
        "user_id": user["id"], "amount": "10.00", "destination_type": "CRYPTO",
        "destination_ref": outside, "commit": True,
    }  # fmt: skip
    for _ in range(FEW):
        world.deposit(user["wallet"]["address"], "20.00")
        market.api.made(f"/users/{user['id']}/balance/sync")
        assert market.available(user["id"]) == "25.0000000"
        ends = _at_once(market, [("withdraw", "/withdrawals", body)] * 6)
        assert Counter(end for _, end in ends) == {"ok": 2, "INSUFFICIENT_FUNDS": 4}
        shown = market.shown(f"/users/{user['id']}/balance")
        assert (shown["available"], shown["withdrawing"]) == ("5.00", "20.00")
        world.drain()
    assert world.transfers(destination=outside) == [10 * USD] * (2 * FEW)
    _settled(market)
    figure("races_over_http", FEW)


def test_of_different_splits_at_once_one_is_carried_out(pair: Market) -> None:
    market = pair
    before = _exact(market, market.buyer), _exact(market, market.seller)
    shares = {"seller": ("8.00", "2.00"), "even": ("5.00", "5.00"), "buyer": ("1.00", "9.00")}
    expected_seller = Decimal(0)
    disputes = {}
    for order_id in _all_in_progress(market, "10.00", FEW, platform_fee_bps=0):
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
    total = 10 * FEW
    assert _exact(market, market.seller) - before[1] == expected_seller * paid
    assert _exact(market, market.buyer) - before[0] == (total - expected_seller) * paid - total


@pytest.mark.full
def test_a_refund_and_a_release_exclude_each_other(pair: Market) -> None:
    market = pair
    before = _exact(market, market.buyer), _exact(market, market.seller)
    won: Counter[str] = Counter()
    order_ids = _all_in_progress(market, "10.00", TRIALS, platform_fee_bps=0)
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
    order_ids = _all_in_progress(market, "10.00", TRIALS, platform_fee_bps=0, milestones=milestones)
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

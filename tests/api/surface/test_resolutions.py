"""Refunds, milestones and disputes over HTTP: shapes, refusals, replays, and who got how much."""

from decimal import Decimal
from typing import Any

import pytest

from tests.api.caller import Caller, code
from tests.api.surface.market import Market


def _gained(market: Market, user_id: str, before: str) -> str:
    return str(Decimal(market.available(user_id)) - Decimal(before))


def test_a_refund_is_asked_for_once_and_gives_everything_back(market: Market) -> None:
    before = market.available(market.buyer)
    order_id = market.in_progress(platform_fee_bps=500)
    path = f"/orders/{order_id}"
    asked = market.twice(f"{path}/refund", {"reason": "late", "requested_by": "BUYER"}, status=202)
    assert (asked["status"], asked["escrow"]["status"]) == ("REFUND_REQUESTED", "REFUNDING")
    assert asked["operation"]["status"] == "PENDING"
    assert market.refused(f"{path}/refund") == (409, "INVALID_STATE")
    assert market.refused(f"{path}/release") == (409, "INVALID_STATE")
    assert market.refused(f"{path}/cancel") == (409, "INVALID_STATE")
    market.world.drain()
    order = market.shown(path)
    assert (order["status"], order["resolution"], order["operation"]) == (
        "CLOSED", "REFUNDED", None,
    )  # fmt: skip
    assert _gained(market, market.buyer, before) == "0E-7"
    assert market.event_types(order_id) >= {
        "order.refund_requested", "order.refunded", "order.closed",
    }  # fmt: skip
    market.world.check()


def test_a_refund_says_which_field_is_wrong(market: Market) -> None:
    order_id = market.order()
    assert market.refused(f"/orders/{order_id}/refund", {"requested_by": "NOBODY"}) == (
        400, "VALIDATION_ERROR",
    )  # fmt: skip
    assert market.refused(f"/orders/{order_id}/refund", {"amount": "1.00"}) == (
        400, "VALIDATION_ERROR",
    )  # fmt: skip
    answer = market.api.post(f"/orders/{order_id}/refund", {})
    assert code(answer) == "INVALID_STATE"
    assert answer.json["error"]["details"]["current_state"] == "ORDER_CREATED"


def test_milestones_are_listed_completed_and_paid_in_parts(market: Market) -> None:
    before = market.available(market.seller)
    order_id = market.with_milestones()
    path = f"/orders/{order_id}/milestones"
    listed = market.shown(path)["milestones"]
    assert [(m["milestone_ref"], m["amount"], m["status"]) for m in listed] == [
        ("draft", "60.00", "OPEN"), ("final", "40.00", "OPEN"),
    ]  # fmt: skip
    assert market.refused(f"{path}/draft/release") == (409, "INVALID_STATE")
    assert market.refused(f"{path}/missing/complete") == (404, "MILESTONE_NOT_FOUND")
    assert market.refused(f"{path}/draft/complete", {"evidence_url": "ftp://x"})[0] == 400
    body = {"evidence_url": "https://shop.example/proof", "note": "done"}
    asked = market.twice(f"{path}/draft/complete", body, status=202)
    assert (asked["status"], asked["operation"]["kind"]) == ("OPEN", "milestone.complete")
    assert (asked["evidence_url"], asked["note"]) == (body["evidence_url"], "done")
    assert market.refused(f"{path}/draft/complete") == (409, "ESCROW_NOT_READY")
    market.world.drain()
    paying = market.twice(f"{path}/draft/release", {}, status=202)
    assert (paying["status"], paying["operation"]["kind"]) == ("COMPLETED", "milestone.release")
    market.world.drain()
    assert [m["status"] for m in market.shown(path)["milestones"]] == ["RELEASED", "OPEN"]
    assert _gained(market, market.seller, before) == "58.3200000"  # 60 less 2.5 % and 0.3 %
    assert market.refused(f"{path}/draft/release") == (409, "INVALID_STATE")
    escrow_id = market.shown(f"/orders/{order_id}")["escrow"]["id"]
    assert market.event_types(escrow_id) >= {
        "escrow.milestone_completed", "escrow.milestone_released",
    }  # fmt: skip
    market.world.check()


def test_waiting_for_a_milestone_answers_with_its_end(
    market: Market, background_worker: None
) -> None:
    order_id = market.with_milestones()
    answer = market.api.post(f"/orders/{order_id}/milestones/draft/complete", {}, Prefer="wait=30")
    assert (answer.status_code, answer.json["data"]["status"]) == (200, "COMPLETED")
    assert answer.json["data"]["operation"] is None


def test_a_dispute_goes_from_opened_to_split(market: Market) -> None:
    api, buyer_had, seller_had = (
        market.api, market.available(market.buyer), market.available(market.seller),
    )  # fmt: skip
    order_id = market.in_progress(platform_fee_bps=500)
    body = {
        "opened_by": "SELLER", "reason": "OTHER", "note": "We disagree.",
        "evidence": ["https://shop.example/a.png"],
    }  # fmt: skip
    opened = market.twice(f"/orders/{order_id}/disputes", body, status=202)
    path = f"/disputes/{opened['id']}"
    assert (opened["status"], opened["comments"], opened["evidence"]) == (
        "OPEN", [], ["https://shop.example/a.png"],
    )  # fmt: skip
    assert market.refused(f"/orders/{order_id}/disputes", body) == (409, "DISPUTE_ALREADY_OPEN")
    assert market.refused(f"/orders/{order_id}/release") == (409, "INVALID_STATE")
    market.world.drain()
    assert market.refused(f"{path}/resolve", {"decision": "FULL_REFUND"}) == (409, "INVALID_STATE")

    support = api.with_scopes("support", "read")
    key = "assign-1"
    assigned = support.post(f"{path}/assign", {"assignee": "support-7"}, key=f"{key}-{order_id}")
    again = support.post(f"{path}/assign", {"assignee": "support-7"}, key=f"{key}-{order_id}")
    assert (assigned.status_code, again.data) == (200, assigned.data)
    assert assigned.json["data"]["status"] == "UNDER_REVIEW"
    commented = support.post(f"{path}/comments", {"body": "Please send the contract."})
    assert commented.status_code == 201
    (said,) = commented.json["data"]["comments"]
    assert (said["author"], said["body"]) == (support.key_id, "Please send the contract.")

    split = {"decision": "SPLIT", "release_amount": "60.00", "refund_amount": "39.00"}
    assert market.refused(f"{path}/resolve", split) == (400, "VALIDATION_ERROR")
    assert market.refused(f"{path}/resolve", {"decision": "SPLIT"}) == (400, "VALIDATION_ERROR")
    number = {"decision": "SPLIT", "release_amount": 60, "refund_amount": "40.00"}
    assert market.refused(f"{path}/resolve", number) == (400, "INVALID_AMOUNT_FORMAT")
    whole = {"decision": "FULL_REFUND", "refund_amount": "100.00"}
    assert market.refused(f"{path}/resolve", whole) == (400, "VALIDATION_ERROR")
    split["refund_amount"] = "40.00"
    decided = market.twice(f"{path}/resolve", split, status=202)
    assert (decided["decision"], decided["release_amount"], decided["refund_amount"]) == (
        "SPLIT", "60.00", "40.00",
    )  # fmt: skip
    assert market.refused(f"{path}/resolve", split)[1] in {"ESCROW_NOT_READY", "INVALID_STATE"}
    market.world.drain()
    assert market.shown(path)["status"] == "RESOLVED"
    order = market.shown(f"/orders/{order_id}")
    assert (order["status"], order["resolution"], order["dispute"]["id"]) == (
        "CLOSED", "SPLIT", opened["id"],
    )  # fmt: skip
    assert _gained(market, market.seller, seller_had) == "56.8200000"
    assert _gained(market, market.buyer, buyer_had) == "-62.1200000"
    assert market.refused(f"{path}/comments", {"body": "late"}) == (409, "INVALID_STATE")
    assert market.refused(f"{path}/resolve", split) == (409, "INVALID_STATE")
    assert market.refused(f"{path}/assign", {"assignee": "x"}) == (409, "INVALID_STATE")
    assert market.event_types(opened["id"]) == {
        "dispute.opened", "dispute.under_review", "dispute.commented", "dispute.resolved",
    }  # fmt: skip
    market.world.check()


@pytest.mark.parametrize(
    ("decision", "resolution"), [("FULL_RELEASE", "RELEASED"), ("FULL_REFUND", "REFUNDED")]
)
def test_a_whole_decision_ends_the_order(market: Market, decision: str, resolution: str) -> None:
    order_id = market.in_progress("10.00")
    dispute_id = market.disputed(order_id)
    market.api.made(f"/disputes/{dispute_id}/resolve", {"decision": decision})
    market.world.drain()
    assert market.shown(f"/orders/{order_id}")["resolution"] == resolution


def test_one_milestone_is_disputed_and_the_others_go_on(market: Market) -> None:
    order_id = market.with_milestones()
    assert market.refused(
        f"/orders/{order_id}/disputes",
        {"opened_by": "BUYER", "reason": "OTHER", "milestone_ref": "none"},
    ) == (404, "MILESTONE_NOT_FOUND")
    dispute_id = market.disputed(order_id, milestone_ref="draft")
    shown = market.shown(f"/orders/{order_id}/milestones")["milestones"]
    assert [m["status"] for m in shown] == ["DISPUTED", "OPEN"]
    market.api.made(f"/disputes/{dispute_id}/resolve", {"decision": "FULL_REFUND"})
    market.world.drain()
    order = market.shown(f"/orders/{order_id}")
    assert order["status"] == "IN_PROGRESS"
    assert [m["status"] for m in order["milestones"]] == ["REFUNDED", "OPEN"]
    market.world.check()


@pytest.mark.parametrize(
    "body",
    [
        {"opened_by": "PLATFORM", "reason": "OTHER"},
        {"opened_by": "BUYER", "reason": "BORED"},
        {"opened_by": "BUYER"},
        {"opened_by": "BUYER", "reason": "OTHER", "evidence": ["not a url"]},
        {"opened_by": "BUYER", "reason": "OTHER", "evidence": ["https://x.example/"] * 21},
        {"opened_by": "BUYER", "reason": "OTHER", "extra": 1},
    ],
)
def test_a_dispute_that_is_not_well_said_is_refused(market: Market, body: dict[str, Any]) -> None:
    order_id = market.order()
    status, said = market.refused(f"/orders/{order_id}/disputes", body)
    assert status == 400
    assert said in {"VALIDATION_ERROR", "MISSING_REQUIRED_FIELD"}


def test_disputes_are_listed_by_state_order_and_assignee(market: Market, api: Caller) -> None:
    order_id = market.in_progress("10.00")
    dispute_id = market.disputed(order_id)
    for query in (f"order_id={order_id}", "status=UNDER_REVIEW", "assignee=support-7"):
        assert dispute_id in [d["id"] for d in api.get(f"/disputes?{query}&limit=100").json["data"]]
    assert api.get(f"/disputes?order_id={order_id}&status=OPEN").json["data"] == []
    assert api.get("/disputes?status=BROKEN").status_code == 400
    page = api.get("/disputes?limit=1").json
    if page["pagination"]["has_more"]:
        second = api.get(f"/disputes?limit=1&cursor={page['pagination']['next_cursor']}").json
        assert second["data"][0]["id"] != page["data"][0]["id"]

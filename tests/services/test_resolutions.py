"""Refunds, disputes and milestones: what the chain paid is what the books say, fees included."""

from collections.abc import Callable
from typing import Any

import pytest

from offerhub.domain.errors import OfferHubError
from offerhub.domain.money import format_exact, parse_exact
from offerhub.ledger import accounts
from offerhub.services import dispute_cases, disputes, milestones, operations, orders, refunds
from offerhub.store import operations as operations_store
from offerhub.store.database import connection
from tests.services.world import World

MILESTONES = (("design", "Design", "60.00"), ("build", "Build", "40.00"))


@pytest.fixture
def parties(world: World) -> tuple[str, str]:
    buyer = world.funded_user("buyer", "500.00")
    seller = world.user("seller")
    return str(buyer["id"]), str(seller["id"])


def _milestones() -> list[tuple[str, str, int]]:
    return [(ref, title, parse_exact(amount)) for ref, title, amount in MILESTONES]


def _available(world: World, user_id: str) -> str:
    return format_exact(world.available(user_id))


def _order(world: World, order_id: str) -> dict[str, Any]:
    return orders.get_order(world.ctx, order_id)


def _decided(world: World, order_id: str, decision: str, **amounts: int) -> None:
    """Open a dispute by the buyer, assign it, decide it, and have it carried out."""
    opened = disputes.open_dispute(
        world.ctx, order_id, opened_by="BUYER", reason="QUALITY_ISSUE", **_ref(amounts)
    )
    world.drain()
    dispute_cases.assign(world.ctx, opened["id"], assignee="support")
    disputes.resolve(world.ctx, opened["id"], decision=decision, **amounts)
    world.drain()
    assert dispute_cases.get_dispute(world.ctx, opened["id"])["status"] == "RESOLVED"


def _ref(amounts: dict[str, Any]) -> dict[str, Any]:
    return {"milestone_ref": amounts.pop("milestone_ref")} if "milestone_ref" in amounts else {}


@pytest.mark.parametrize("fee_bps", [0, 250, 500])
def test_a_refund_gives_the_buyer_everything_back_and_the_platform_bears_the_fees(
    world: World, parties: tuple[str, str], fee_bps: int
) -> None:
    buyer, seller = parties
    order_id = world.in_progress(buyer, seller, "100.00", platform_fee_bps=fee_bps)
    refunds.refund(world.ctx, order_id, reason="changed their mind", requested_by="BUYER")
    world.drain()
    order = _order(world, order_id)
    assert (order["status"], order["resolution"]) == ("CLOSED", "REFUNDED")
    assert _available(world, buyer) == "500.0000000"
    assert world.balance("fees.platform") == 0
    assert format_exact(world.balance("fees.protocol")) == "-0.3000000"
    world.check()


def test_a_split_pays_both_sides_less_their_part_of_the_fees(
    world: World, parties: tuple[str, str]
) -> None:
    buyer, seller = parties
    order_id = world.in_progress(buyer, seller, "100.00", platform_fee_bps=500)
    _decided(
        world, order_id, "SPLIT",
        release_stroops=parse_exact("60.00"), refund_stroops=parse_exact("40.00"),
    )  # fmt: skip
    order = _order(world, order_id)
    assert (order["status"], order["resolution"]) == ("CLOSED", "SPLIT")
    assert _available(world, seller) == "56.8200000"
    assert _available(world, buyer) == "437.8800000"
    assert format_exact(world.balance("fees.platform")) == "5.0000000"
    world.check()


@pytest.mark.parametrize(
    ("decision", "status", "buyer_has", "seller_has"),
    [
        ("FULL_RELEASE", "RELEASED", "400.0000000", "94.7000000"),
        ("FULL_REFUND", "REFUNDED", "500.0000000", "0.0000000"),
    ],
)
def test_a_full_decision_ends_the_order_on_one_side(
    world: World,
    parties: tuple[str, str],
    decision: str,
    status: str,
    buyer_has: str,
    seller_has: str,
) -> None:
    buyer, seller = parties
    order_id = world.in_progress(buyer, seller, "100.00", platform_fee_bps=500)
    _decided(world, order_id, decision)
    order = _order(world, order_id)
    assert (order["status"], order["resolution"]) == ("CLOSED", status)
    assert (_available(world, buyer), _available(world, seller)) == (buyer_has, seller_has)
    world.check()


def test_milestones_are_completed_and_paid_one_by_one(
    world: World, parties: tuple[str, str]
) -> None:
    buyer, seller = parties
    order_id = world.in_progress(
        buyer, seller, "100.00", platform_fee_bps=500, milestones=_milestones()
    )
    with pytest.raises(OfferHubError, match="INVALID_STATE"):
        milestones.release(world.ctx, order_id, "design")
    for ref, seller_has in (("design", "56.8200000"), ("build", "94.7000000")):
        milestones.complete(world.ctx, order_id, ref, evidence_url="https://example.com/proof")
        world.drain()
        milestones.release(world.ctx, order_id, ref)
        world.drain()
        assert _available(world, seller) == seller_has
        world.check()
    order = _order(world, order_id)
    assert (order["status"], order["resolution"]) == ("CLOSED", "RELEASED")
    assert [m["status"] for m in order["milestones"]] == ["RELEASED", "RELEASED"]


def test_a_disputed_milestone_is_refunded_and_the_others_go_on(
    world: World, parties: tuple[str, str]
) -> None:
    buyer, seller = parties
    order_id = world.in_progress(
        buyer, seller, "100.00", platform_fee_bps=500, milestones=_milestones()
    )
    _decided(world, order_id, "FULL_REFUND", milestone_ref="design")
    order = _order(world, order_id)
    assert order["status"] == "IN_PROGRESS"
    assert [m["status"] for m in order["milestones"]] == ["REFUNDED", "OPEN"]
    assert _available(world, buyer) == "460.0000000"
    world.check()
    milestones.complete(world.ctx, order_id, "build")
    world.drain()
    milestones.release(world.ctx, order_id, "build")
    world.drain()
    order = _order(world, order_id)
    assert (order["status"], order["resolution"]) == ("CLOSED", "SPLIT")
    assert _available(world, seller) == "37.8800000"
    world.check()


def test_release_of_an_order_pays_all_milestones_that_are_left(
    world: World, parties: tuple[str, str]
) -> None:
    buyer, seller = parties
    order_id = world.in_progress(
        buyer, seller, "100.00", platform_fee_bps=500, milestones=_milestones()
    )
    for ref in ("design", "build"):
        milestones.complete(world.ctx, order_id, ref)
    world.drain()
    world.release(order_id)
    assert _order(world, order_id)["resolution"] == "RELEASED"
    assert _available(world, seller) == "94.7000000"
    world.check()


def test_a_split_of_a_whole_order_fills_the_milestones_in_turn(
    world: World, parties: tuple[str, str]
) -> None:
    buyer, seller = parties
    order_id = world.in_progress(
        buyer, seller, "100.00", platform_fee_bps=0, milestones=_milestones()
    )
    _decided(
        world, order_id, "SPLIT",
        release_stroops=parse_exact("70.00"), refund_stroops=parse_exact("30.00"),
    )  # fmt: skip
    order = _order(world, order_id)
    assert (order["status"], order["resolution"]) == ("CLOSED", "SPLIT")
    assert _available(world, seller) == "69.7900000"
    assert _available(world, buyer) == "429.9100000"
    world.check()


def test_dust_in_a_contract_goes_to_the_one_who_is_paid(
    world: World, parties: tuple[str, str]
) -> None:
    buyer, seller = parties
    order_id = world.in_progress(buyer, seller, "100.00", platform_fee_bps=0)
    contract = _order(world, order_id)["escrow"]["trustless_contract_id"]
    world.control("POST", "/stellar/dust", contract=contract, amount="0.0000001")
    refunds.refund(world.ctx, order_id)
    world.drain()
    assert _order(world, order_id)["resolution"] == "REFUNDED"
    world.check()


@pytest.mark.parametrize(
    "dust",
    ["0.0000001", *(pytest.param(text, marks=pytest.mark.full) for text in ("0.0099999", "0.01"))],
)
def test_dust_in_a_contract_does_not_stop_a_split(
    world: World, parties: tuple[str, str], dust: str
) -> None:
    buyer, seller = parties
    order_id = world.in_progress(buyer, seller, "100.00", platform_fee_bps=500)
    contract = _order(world, order_id)["escrow"]["trustless_contract_id"]
    adjustments = world.balance(accounts.ADJUSTMENTS)
    world.control("POST", "/stellar/dust", contract=contract, amount=dust)
    _decided(
        world, order_id, "SPLIT",
        release_stroops=parse_exact("60.00"), refund_stroops=parse_exact("40.00"),
    )  # fmt: skip
    order = _order(world, order_id)
    assert (order["status"], order["resolution"]) == ("CLOSED", "SPLIT")
    # 60.00 and 40.01 of 100.01, each less its part of 5.3 %.
    assert _available(world, seller) == "56.8200000"
    assert _available(world, buyer) == "437.8894700"
    spent = -parse_exact(dust) % 100_000
    assert adjustments - world.balance(accounts.ADJUSTMENTS) == spent
    world.check()


def test_what_the_protocol_takes_has_a_bound(world: World, parties: tuple[str, str]) -> None:
    buyer, seller = parties
    order_id = world.in_progress(buyer, seller, "100.00", platform_fee_bps=500)
    world.control("PATCH", "/trustless-work", protocol_fee_bps=31)
    refunds.refund(world.ctx, order_id)
    world.drain()
    with connection():
        stuck = operations_store.listed(status="STUCK", limit=10, cursor=None).rows
    assert [row.kind for row in stuck] == ["order.refund"]
    assert "took 3100000 of 1000000000 stroops" in str(stuck[0].last_error)
    assert world.balance(accounts.order_escrow(order_id)) == parse_exact("100.00")


@pytest.mark.parametrize(
    "second",
    [
        lambda w, o: refunds.refund(w.ctx, o),
        lambda w, o: disputes.open_dispute(w.ctx, o, opened_by="SELLER", reason="OTHER"),
        lambda w, o: w.release(o),
    ],
)
def test_release_refund_and_dispute_exclude_each_other(
    world: World, parties: tuple[str, str], second: Callable[[World, str], Any]
) -> None:
    buyer, seller = parties
    order_id = world.in_progress(buyer, seller, "10.00")
    refunds.refund(world.ctx, order_id)
    with pytest.raises(OfferHubError, match="INVALID_STATE"):
        second(world, order_id)
    world.drain()
    assert not operations.list_operations(world.ctx, status="STUCK").items
    world.check()


def test_an_open_dispute_is_not_resolved_before_it_is_assigned(
    world: World, parties: tuple[str, str]
) -> None:
    buyer, seller = parties
    order_id = world.in_progress(buyer, seller, "10.00")
    opened = disputes.open_dispute(
        world.ctx, order_id, opened_by="SELLER", reason="NOT_DELIVERED", note="paid, never used"
    )
    with pytest.raises(OfferHubError, match="DISPUTE_ALREADY_OPEN"):
        disputes.open_dispute(world.ctx, order_id, opened_by="BUYER", reason="OTHER")
    world.drain()
    with pytest.raises(OfferHubError, match="INVALID_STATE"):
        disputes.resolve(world.ctx, opened["id"], decision="FULL_REFUND")
    dispute_cases.assign(world.ctx, opened["id"], assignee="support")
    dispute_cases.comment(world.ctx, opened["id"], body="Please send the proof of delivery.")
    with pytest.raises(OfferHubError, match="VALIDATION_ERROR"):
        disputes.resolve(
            world.ctx, opened["id"], decision="SPLIT", release_stroops=1, refund_stroops=2
        )
    shown = dispute_cases.get_dispute(world.ctx, opened["id"])
    assert shown["status"] == "UNDER_REVIEW"
    assert [c["body"] for c in shown["comments"]] == ["Please send the proof of delivery."]

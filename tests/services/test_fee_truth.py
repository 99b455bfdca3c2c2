"""Every way out of an escrow at every fee: the books are equal to the chain's, account by account.

Amounts are of odd size, so that a rounding in the wrong place shows.
"""

from collections.abc import Callable
from typing import Any

import pytest

from offerhub.domain.money import parse_exact
from offerhub.services import dispute_cases, disputes, milestones, orders, refunds
from tests.services.world import World

pytestmark = [pytest.mark.full, pytest.mark.timeout(300)]
WHOLE = "33.33"
PARTS = (("design", "Design", "20.01"), ("build", "Build", "13.32"))
SHARES = {"release_stroops": parse_exact("11.11"), "refund_stroops": parse_exact("22.22")}
PART_SHARES = {"release_stroops": parse_exact("0.01"), "refund_stroops": parse_exact("20.00")}
Way = Callable[[World, str], None]


def _resolved(world: World, order_id: str, decision: str, ref: str | None, **shares: int) -> None:
    opened = disputes.open_dispute(
        world.ctx, order_id, opened_by="SELLER", reason="OTHER", milestone_ref=ref
    )
    world.drain()
    dispute_cases.assign(world.ctx, opened["id"], assignee="support")
    disputes.resolve(world.ctx, opened["id"], decision=decision, **shares)
    world.drain()


def _released(world: World, order_id: str) -> None:
    world.release(order_id)


def _refunded(world: World, order_id: str) -> None:
    refunds.refund(world.ctx, order_id)
    world.drain()


def _split(world: World, order_id: str) -> None:
    _resolved(world, order_id, "SPLIT", None, **SHARES)


def _paid_part_by_part(world: World, order_id: str) -> None:
    for ref, _, _ in PARTS:
        milestones.complete(world.ctx, order_id, ref)
        world.drain()
        milestones.release(world.ctx, order_id, ref)
        world.drain()
        world.check()


def _part_split_rest_released(world: World, order_id: str) -> None:
    _resolved(world, order_id, "SPLIT", "design", **PART_SHARES)
    world.check()
    world.release(order_id)


def _part_refunded_rest_refunded(world: World, order_id: str) -> None:
    _resolved(world, order_id, "FULL_REFUND", "design")
    world.check()
    _refunded(world, order_id)


WAYS: dict[str, tuple[Way, bool, str]] = {
    "release": (_released, False, "RELEASED"),
    "refund": (_refunded, False, "REFUNDED"),
    "split": (_split, False, "SPLIT"),
    "milestones: release of all": (_released, True, "RELEASED"),
    "milestones: refund of all": (_refunded, True, "REFUNDED"),
    "milestones: split of all": (_split, True, "SPLIT"),
    "milestones: one by one": (_paid_part_by_part, True, "RELEASED"),
    "milestones: one split": (_part_split_rest_released, True, "SPLIT"),
    "milestones: one refunded": (_part_refunded_rest_refunded, True, "REFUNDED"),
}


@pytest.mark.parametrize("fee_bps", [0, 250, 500])
def test_the_books_are_the_chains_whichever_way_the_money_goes(world: World, fee_bps: int) -> None:
    buyer = str(world.funded_user("buyer", "1000.00")["id"])
    seller = str(world.user("seller")["id"])
    parts = [(ref, title, parse_exact(amount)) for ref, title, amount in PARTS]
    for name, (way, in_parts, resolution) in WAYS.items():
        more: dict[str, Any] = {"milestones": parts} if in_parts else {}
        order_id = world.in_progress(buyer, seller, WHOLE, platform_fee_bps=fee_bps, **more)
        way(world, order_id)
        shown = orders.get_order(world.ctx, order_id)
        assert (shown["status"], shown["resolution"]) == ("CLOSED", resolution), name
        world.check()

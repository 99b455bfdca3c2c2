"""Whole orders ended while milestones are still open: what the chain pays, the books take."""

import pytest

from offerhub.domain.money import parse_exact
from offerhub.services import milestones, operations, orders, refunds
from tests.services.world import World


@pytest.fixture
def order_id(world: World) -> str:
    buyer = world.funded_user("buyer", "500.00")
    seller = world.user("seller")
    parts = [("design", "Design", parse_exact("60.00")), ("build", "Build", parse_exact("40.00"))]
    return world.in_progress(
        str(buyer["id"]), str(seller["id"]), "100.00", platform_fee_bps=250, milestones=parts
    )


def _ended(world: World, order_id: str) -> tuple[str, str | None]:
    order = orders.get_order(world.ctx, order_id)
    assert operations.list_operations(world.ctx, status="STUCK").items == []
    world.check()
    return order["status"], order["resolution"]


def test_release_of_an_order_pays_its_open_milestones_too(world: World, order_id: str) -> None:
    world.release(order_id)
    assert _ended(world, order_id) == ("CLOSED", "RELEASED")


def test_refund_of_an_order_takes_its_open_milestones_back(world: World, order_id: str) -> None:
    refunds.refund(world.ctx, order_id)
    world.drain()
    assert _ended(world, order_id) == ("CLOSED", "REFUNDED")


def test_refund_of_an_order_takes_completed_milestones_back(world: World, order_id: str) -> None:
    milestones.complete(world.ctx, order_id, "design")
    world.drain()
    refunds.refund(world.ctx, order_id)
    world.drain()
    assert _ended(world, order_id) == ("CLOSED", "REFUNDED")

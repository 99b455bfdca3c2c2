"""A refused escrow contract leaves the reserve in the books: for another try, or to be returned."""

from dataclasses import replace
from typing import Any

from offerhub.ports.errors import Rejected
from offerhub.services import escrows, orders
from offerhub.services.context import App
from tests.services.world import USD, World


class Refusing:
    """The provider, which deploys nothing."""

    def __init__(self, escrows_port: Any) -> None:
        self._port = escrows_port

    def build_deploy(self, terms: Any, **_: Any) -> Any:
        raise Rejected("no such asset", provider="trustless_work", error_code="refused")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)


def refusing(world: World) -> App:
    return replace(world.app, escrows=Refusing(world.app.escrows))


def test_a_refused_deployment_may_be_asked_for_again_or_the_order_canceled(
    shared_world: World,
) -> None:
    world = shared_world
    buyer, seller = world.funded_user("eva", "100.00"), world.user("otto")
    made = [world.order(buyer["id"], seller["id"], "10.00") for _ in range(2)]
    for order_id in made:
        orders.reserve(world.ctx, order_id)
        escrows.create_escrow(world.ctx, order_id)
    world.drain(refusing(world))
    assert [world.order_status(order_id) for order_id in made] == ["FUNDS_RESERVED"] * 2
    assert world.available(buyer["id"]) == 80 * USD

    orders.cancel(world.ctx, made[0])
    assert world.available(buyer["id"]) == 90 * USD

    escrows.create_escrow(world.ctx, made[1])
    world.drain()
    assert world.order_status(made[1]) == "ESCROW_FUNDING"
    assert world.available(buyer["id"]) == 90 * USD
    world.check()

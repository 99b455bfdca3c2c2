"""A contract is the one that our own transaction created, whatever the escrow service says."""

from dataclasses import replace
from typing import Any

from stellar_sdk import StrKey

from offerhub.ports.chain import SignedTransaction
from offerhub.ports.escrow import Sent
from offerhub.services import escrows, operations, orders
from tests.services.world import World

SOMEBODY_ELSES = StrKey.encode_contract(b"7" * 32)


class Misleading:
    """The escrow service, except that it names a contract of somebody's own as the new one."""

    def __init__(self, real: Any, *, silent: bool = False) -> None:
        self._real = real
        self._silent = silent

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def send(self, transaction: SignedTransaction) -> Sent:
        self._real.send(transaction)
        return Sent(contract_id=None if self._silent else SOMEBODY_ELSES)


def _reserved(world: World) -> str:
    buyer, seller = world.funded_user("buyer", "200.00"), world.user("seller")
    order_id = world.order(str(buyer["id"]), str(seller["id"]), "100.00")
    orders.reserve(world.ctx, order_id)
    escrows.create_escrow(world.ctx, order_id)
    return order_id


def test_a_contract_that_our_transaction_cannot_have_created_is_never_used(world: World) -> None:
    order_id = _reserved(world)
    world.drain(replace(world.app, escrows=Misleading(world.app.escrows)))
    order = orders.get_order(world.ctx, order_id)
    assert order["status"] == "ESCROW_CREATING"
    assert order["escrow"]["trustless_contract_id"] is None
    (stuck,) = operations.list_operations(world.ctx, status="STUCK").items
    assert SOMEBODY_ELSES in stuck["message"]
    world.check()


def test_a_service_that_names_no_contract_is_asked_for_ours(world: World) -> None:
    order_id = _reserved(world)
    world.drain(replace(world.app, escrows=Misleading(world.app.escrows, silent=True)))
    assert orders.get_order(world.ctx, order_id)["status"] == "ESCROW_FUNDING"
    world.check()

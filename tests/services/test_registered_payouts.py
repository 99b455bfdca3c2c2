"""A pay-out that Airtm has registered can still be paid: its hold is not given back by hand."""

import pytest

from offerhub.domain.errors import InvalidState
from offerhub.domain.money import parse_exact
from offerhub.services import operations, settling, withdrawals
from tests.services.world import BUYER_EMAIL, World


def test_a_registered_payout_keeps_its_hold_when_its_operation_is_settled(world: World) -> None:
    user_id = str(world.user("ana", email=BUYER_EMAIL)["id"])
    world.topped_up(user_id, "100.00")
    before = world.available(user_id)
    withdrawals.create_withdrawal(
        world.ctx,
        user_id=user_id,
        amount_stroops=parse_exact("30.00"),
        destination_type="AIRTM_BALANCE",
        destination_ref=BUYER_EMAIL,
        commit=True,
    )

    def broken(point: str) -> None:
        if point == "withdrawal.airtm/commit_payout/claimed":
            raise RuntimeError("a fault of our own, before the commit is written down")

    world.drain(world.with_probe(broken))
    (stuck,) = operations.list_operations(world.ctx, status="STUCK").items
    with pytest.raises(InvalidState):
        settling.settle(world.ctx, stuck["id"], outcome="FAILED", reason="nothing happened")
    assert world.available(user_id) == before - parse_exact("30.00")
    operations.retry(world.ctx, stuck["id"], reason="repaired")
    world.drain()
    world.finish_withdrawal(stuck["subject_id"])
    world.check()

"""Pay-outs that were completed and bounced: credited once, and the books stay those of Airtm."""

from typing import Any

import pytest

from offerhub.domain.money import format_exact, parse_exact
from offerhub.ports.payments import ReturnedPayout
from offerhub.services import balances, withdrawal_returns, withdrawals
from tests.services.world import BUYER_EMAIL, World

pytestmark = pytest.mark.proves("F6")


@pytest.fixture
def user_id(world: World) -> str:
    user_id = str(world.user("ana", email=BUYER_EMAIL)["id"])
    world.topped_up(user_id, "100.00")
    return user_id


def _paid_out(world: World, user_id: str, amount: str) -> dict[str, Any]:
    made = withdrawals.create_withdrawal(
        world.ctx,
        user_id=user_id,
        amount_stroops=parse_exact(amount),
        destination_type="AIRTM_BALANCE",
        destination_ref=BUYER_EMAIL,
        commit=True,
    )
    world.drain()
    return world.finish_withdrawal(made["id"])


def test_a_payout_that_bounces_is_credited_once_and_stays_completed(
    world: World, user_id: str
) -> None:
    before = world.available(user_id)
    kept = _paid_out(world, user_id, "10.00")
    paid = _paid_out(world, user_id, "30.00")
    world.control("POST", f"/payouts/{paid['airtm_payout_id']}/bounce")
    assert [withdrawal_returns.read(world.ctx) for _ in range(3)] == [1, 0, 0]
    assert format_exact(before - world.available(user_id)) == "10.0000000"
    for one in (kept, paid):
        shown = withdrawals.get_withdrawal(world.ctx, one["id"])
        assert shown["status"] == "WITHDRAWAL_COMPLETED"
    line = balances.statement(world.ctx, user_id, limit=1).items[0]
    assert (line["kind"], line["subject_id"]) == ("withdrawal_came_back", paid["id"])
    world.check()


def test_the_look_for_returns_happens_now_and_then(world: World, user_id: str) -> None:
    paid = _paid_out(world, user_id, "30.00")
    assert withdrawal_returns.read_due(world.ctx) == 0
    world.control("POST", f"/payouts/{paid['airtm_payout_id']}/bounce")
    assert withdrawal_returns.read_due(world.ctx) == 0
    world.clock.skip(withdrawal_returns.LOOK_EVERY_MS / 1000)
    assert withdrawal_returns.read_due(world.ctx) == 1
    world.check()


def test_a_return_that_fits_no_completed_payout_credits_nobody(
    world: World, user_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid = _paid_out(world, user_id, "30.00")
    before, payout_id = world.available(user_id), paid["airtm_payout_id"]
    amount = parse_exact("30.00")
    claimed = (
        ReturnedPayout("a", None, amount),
        ReturnedPayout("b", "somebody-elses", amount),
        ReturnedPayout("c", payout_id, amount + 1),
    )
    monkeypatch.setattr(world.app.payments, "returned_payouts", lambda: claimed)
    assert withdrawal_returns.read(world.ctx) == 0
    twice = (ReturnedPayout("d", payout_id, amount), ReturnedPayout("e", payout_id, amount))
    monkeypatch.setattr(world.app.payments, "returned_payouts", lambda: twice)
    assert withdrawal_returns.read(world.ctx) == 1
    assert world.available(user_id) == before + amount

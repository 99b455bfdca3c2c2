"""What Airtm does against its own word: booked where it is, shown, never guessed."""

from dataclasses import replace
from typing import Any

import pytest

from offerhub.domain.errors import InvalidState
from offerhub.ledger import accounts
from offerhub.ports.payments import PayinStatus, PayoutStatus
from offerhub.services import adjustments, dead_letters, topups, withdrawals
from offerhub.store.database import connection, proxy
from tests.services.world import BUYER_EMAIL, USD, World

pytestmark = [
    pytest.mark.proves("F6"),
    pytest.mark.parametrize(
        "_module_world",
        ["sqlite", pytest.param("postgres", marks=pytest.mark.full)],
        indirect=True,
        scope="module",
    ),
]


def _payer(world: World) -> dict[str, Any]:
    kept = world.__dict__.setdefault("late_payer", {})
    if not kept:
        kept.update(world.user("late-payer", email=BUYER_EMAIL))
    return dict(kept)


def _failed_topup(world: World, user_id: str) -> str:
    """A top-up that we were told had failed, and that can still be paid at Airtm."""
    made = topups.create_topup(
        world.ctx, user_id=user_id, amount_stroops=20 * USD,
        return_url="http://localhost/r", cancel_url="http://localhost/c",
    )  # fmt: skip
    world.drain()
    found = world.app.payments.find_payin(made["id"])
    assert found is not None
    topups.apply_payin_result(world.ctx, made["id"], replace(found, status=PayinStatus.FAILED))
    assert topups.get_topup(world.ctx, made["id"])["status"] == "TOPUP_FAILED"
    return str(made["id"])


def _pay(world: World, topup_id: str) -> Any:
    payin_id = topups.get_topup(world.ctx, topup_id)["airtm_payin_id"]
    world.control("POST", f"/payins/{payin_id}/pay", email=BUYER_EMAIL)

    def paid() -> Any:
        found = world.app.payments.find_payin(topup_id)
        return found if found and found.status is PayinStatus.SUCCEEDED else None

    return world.until(paid)


def _letters(world: World, about: str) -> list[dict[str, Any]]:
    return [
        one for one in dead_letters.list_dead_letters(world.ctx).items if one["reference"] == about
    ]


def _announced(about: str) -> int:
    query = "SELECT count(*) FROM events WHERE aggregate_id = %s AND type = %s"
    mark = "%s" if "Postgres" in type(proxy.obj).__name__ else "?"
    with connection():
        rows = proxy.execute_sql(query.replace("%s", mark), (about, "balance.discrepancy_detected"))
        return int(rows.fetchone()[0])


def test_money_that_comes_after_a_failure_is_held_and_shown_once(shared_world: World) -> None:
    world, user = shared_world, _payer(shared_world)
    topup_id = _failed_topup(world, user["id"])
    held = world.balance(accounts.ADJUSTMENTS)
    available = world.available(user["id"])
    payin = _pay(world, topup_id)
    for _ in range(2):
        reason = topups.apply_payin_result(world.ctx, topup_id, payin)
        assert "held" in str(reason)
    assert world.balance(accounts.ADJUSTMENTS) - held == payin.net_stroops
    assert world.available(user["id"]) == available
    assert topups.get_topup(world.ctx, topup_id)["status"] == "TOPUP_FAILED"
    (letter,) = _letters(world, topup_id)
    assert letter["kind"] == "difference"
    assert "payin_state" in letter["subject"]
    assert _announced(topup_id) == 1
    world.check()


def test_the_operator_credits_what_is_held_and_closes_the_entry(shared_world: World) -> None:
    world, user = shared_world, _payer(shared_world)
    topup_id = _failed_topup(world, user["id"])
    held = world.balance(accounts.ADJUSTMENTS)
    available = world.available(user["id"])
    payin = _pay(world, topup_id)
    topups.apply_payin_result(world.ctx, topup_id, payin)
    adjustments.adjust(
        world.ctx, user["id"], amount_stroops=payin.net_stroops, direction="CREDIT",
        reason="paid after all", reference=topup_id,
    )  # fmt: skip
    assert world.balance(accounts.ADJUSTMENTS) == held
    assert world.available(user["id"]) - available == payin.net_stroops
    (letter,) = _letters(world, topup_id)
    with pytest.raises(InvalidState):
        dead_letters.retry(world.ctx, letter["id"])
    dead_letters.discard(world.ctx, letter["id"], reason="credited by an adjustment")
    assert _letters(world, topup_id) == []
    world.check()


def test_a_payin_of_another_amount_is_shown_once(shared_world: World) -> None:
    world, user = shared_world, _payer(shared_world)
    made = topups.create_topup(
        world.ctx, user_id=user["id"], amount_stroops=20 * USD,
        return_url="http://localhost/r", cancel_url="http://localhost/c",
    )  # fmt: skip
    world.drain()
    payin = _pay(world, made["id"])
    wrong = replace(payin, amount_stroops=payin.amount_stroops + 1)
    for _ in range(2):
        topups.apply_payin_result(world.ctx, made["id"], wrong)
    (letter,) = _letters(world, made["id"])
    assert "ours 20.0000000, theirs 20.0000001" in letter["reason"]
    topups.apply_payin_result(world.ctx, made["id"], payin)
    world.check()


def test_a_payout_of_another_amount_keeps_its_hold_and_is_shown(shared_world: World) -> None:
    world, user = shared_world, _payer(shared_world)
    world.topped_up(user["id"], "50.00")
    made = withdrawals.create_withdrawal(
        world.ctx, user_id=user["id"], amount_stroops=30 * USD, commit=True,
        destination_type="AIRTM_BALANCE", destination_ref=BUYER_EMAIL,
    )  # fmt: skip
    world.drain()
    found = world.app.payments.find_payout(made["id"])
    assert found is not None
    wrong = replace(found, status=PayoutStatus.COMPLETED, amount_stroops=29 * USD)
    for _ in range(2):
        reason = withdrawals.apply_payout_result(world.ctx, made["id"], wrong)
        assert "held" in str(reason)
    assert world.balance(accounts.user(user["id"], accounts.WITHDRAWING)) == 30 * USD
    (letter,) = _letters(world, made["id"])
    assert "payout_amount" in letter["subject"]
    assert "ours 30.0000000, theirs 29.0000000" in letter["reason"]
    world.finish_withdrawal(made["id"])
    world.check()

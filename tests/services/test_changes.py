"""What a client may change on the way: two-step withdrawals, cancels, refreshes, adjustments."""

from typing import Any

import pytest

from offerhub.domain.errors import OfferHubError
from offerhub.domain.money import parse_exact
from offerhub.services import (
    adjustments,
    balances,
    topup_changes,
    topups,
    users,
    withdrawal_changes,
    withdrawals,
)
from tests.services.world import SELLER_EMAIL, USD, World


@pytest.fixture
def user_id(world: World) -> str:
    made = world.user("someone", email=SELLER_EMAIL)
    adjustments.adjust(
        world.ctx, made["id"], amount_stroops=100 * USD, direction="CREDIT",
        reason="opening balance", reference="opening",
    )  # fmt: skip
    world.control("POST", "/airtm/balance/credit", amount="100.00")
    return str(made["id"])


def _topup(world: World, user_id: str) -> dict[str, Any]:
    made = topups.create_topup(
        world.ctx, user_id=user_id, amount_stroops=50 * USD,
        return_url="http://localhost/r", cancel_url="http://localhost/c",
    )  # fmt: skip
    world.drain()
    return topups.get_topup(world.ctx, made["id"])


def _withdrawal(world: World, user_id: str, *, commit: bool) -> str:
    made = withdrawals.create_withdrawal(
        world.ctx, user_id=user_id, amount_stroops=30 * USD, destination_type="AIRTM_BALANCE",
        destination_ref=SELLER_EMAIL, commit=commit,
    )  # fmt: skip
    return str(made["id"])


def _status(world: World, withdrawal_id: str) -> str:
    return str(withdrawals.get_withdrawal(world.ctx, withdrawal_id)["status"])


def test_a_withdrawal_is_held_then_committed(world: World, user_id: str) -> None:
    withdrawal_id = _withdrawal(world, user_id, commit=False)
    world.drain()
    assert _status(world, withdrawal_id) == "WITHDRAWAL_CREATED"
    assert balances.get_balance(world.ctx, user_id)["withdrawing"] == "30.00"
    withdrawal_changes.commit(world.ctx, withdrawal_id)
    world.drain()
    assert world.finish_withdrawal(withdrawal_id)["net_amount"] == "29.70"
    with pytest.raises(OfferHubError, match="WITHDRAWAL_NOT_COMMITTABLE"):
        withdrawal_changes.commit(world.ctx, withdrawal_id)


def test_a_held_withdrawal_is_canceled_at_once(world: World, user_id: str) -> None:
    withdrawal_id = _withdrawal(world, user_id, commit=False)
    withdrawal_changes.cancel(world.ctx, withdrawal_id)
    assert _status(world, withdrawal_id) == "WITHDRAWAL_CANCELED"
    assert balances.get_balance(world.ctx, user_id)["available"] == "100.00"
    with pytest.raises(OfferHubError, match="INVALID_STATE"):
        withdrawal_changes.cancel(world.ctx, withdrawal_id)


def test_airtm_decides_whether_a_payout_under_way_can_be_canceled(
    world: World, user_id: str
) -> None:
    world.control("PATCH", f"/airtm/users/{SELLER_EMAIL}", is_verified=False)
    withdrawal_id = _withdrawal(world, user_id, commit=True)
    world.drain()
    world.control("POST", f"/payouts/{withdrawal_id}/wait")
    refreshed = withdrawal_changes.refresh(
        world.ctx, withdrawal_id, payout=withdrawal_changes.look(world.ctx, withdrawal_id)
    )
    assert refreshed["status"] == "WITHDRAWAL_PENDING_USER_ACTION"
    withdrawal_changes.cancel(world.ctx, withdrawal_id)
    world.drain()
    assert _status(world, withdrawal_id) == "WITHDRAWAL_CANCELED"
    assert balances.get_balance(world.ctx, user_id)["available"] == "100.00"


def test_a_topup_that_nobody_paid_is_canceled(world: World, user_id: str) -> None:
    topup = _topup(world, user_id)
    topup_changes.cancel(world.ctx, topup["id"])
    world.drain()
    assert topups.get_topup(world.ctx, topup["id"])["status"] == "TOPUP_CANCELED"
    with pytest.raises(OfferHubError, match="INVALID_STATE"):
        topup_changes.cancel(world.ctx, topup["id"])


def test_a_payment_that_is_faster_than_its_cancel_is_credited(world: World, user_id: str) -> None:
    topup = _topup(world, user_id)
    world.control("POST", f"/payins/{topup['airtm_payin_id']}/pay")
    topup_changes.cancel(world.ctx, topup["id"])
    world.drain()

    def paid() -> bool:
        payin = topup_changes.look(world.ctx, topup["id"])
        shown = topup_changes.refresh(world.ctx, topup["id"], payin=payin)
        return bool(shown["status"] == "TOPUP_SUCCEEDED")

    world.until(paid)
    assert balances.get_balance(world.ctx, user_id)["available"] == "148.75"


def test_an_adjustment_is_posted_once_per_reference(world: World, user_id: str) -> None:
    debit = {"amount_stroops": parse_exact("40.00"), "direction": "DEBIT", "reason": "correction"}
    assert adjustments.adjust(world.ctx, user_id, reference="r1", **debit)["available"] == "60.00"
    with pytest.raises(OfferHubError, match="VALIDATION_ERROR"):
        adjustments.adjust(world.ctx, user_id, reference="r1", **debit)
    with pytest.raises(OfferHubError, match="INSUFFICIENT_FUNDS"):
        adjustments.adjust(
            world.ctx, user_id, reference="r2", **debit | {"amount_stroops": 61 * USD}
        )
    assert balances.get_balance(world.ctx, user_id)["available"] == "60.00"
    assert world.balance("adjustments") == 10_000 * USD - 60 * USD


def test_a_suspended_user_moves_no_money_out(world: World, user_id: str) -> None:
    held = _withdrawal(world, user_id, commit=False)
    users.update_user(world.ctx, user_id, status="SUSPENDED")
    with pytest.raises(OfferHubError, match="USER_SUSPENDED"):
        _withdrawal(world, user_id, commit=True)
    with pytest.raises(OfferHubError, match="USER_SUSPENDED"):
        withdrawal_changes.commit(world.ctx, held)
    users.update_user(world.ctx, user_id, status="ACTIVE", metadata={"note": "checked"})
    withdrawal_changes.cancel(world.ctx, held)
    assert balances.get_balance(world.ctx, user_id)["available"] == "100.00"

"""A wallet's difference is booked by hand: the very difference, once, and to nobody's balance."""

from typing import Any

import pytest

from offerhub.domain.errors import InvalidState, ValidationFailed
from offerhub.ledger import accounts, adjustments, journal
from offerhub.services import audit_log, corrections, operations, reconciliation
from offerhub.store.database import atomic
from tests.services.world import USD, World
from tests.store.threads import all_at_once

LATER_S = 3_600


def off_by(world: World, user_id: str, *, more: int = 0, less: int = 0) -> None:
    """The chain holds this much more or less than the books say, and nobody knows why."""
    with atomic():
        wrong = adjustments.wallet_corrected(
            reference=f"wrong of {user_id}", user_id=user_id, more=less, less=more
        )
        journal.post(wrong, now_ms=world.app.now_ms())
    world.clock.skip(LATER_S)  # what a lagging reader may still show explains nothing any more


def correct(world: World, user_id: str, amount: int, direction: str, **more: Any) -> dict[str, Any]:
    return corrections.correct_wallet(
        world.ctx, user_id, amount_stroops=amount, direction=direction,
        reason="a payment that was forgotten", **{"reference": "case 7", **more},
    )  # fmt: skip


@pytest.mark.parametrize(("direction", "sign"), [("MORE", 1), ("LESS", -1)])
def test_the_difference_is_booked_against_the_adjustments_and_the_user_is_owed_the_same(
    world: World, direction: str, sign: int
) -> None:
    user = world.funded_user("someone", "20.00")["id"]
    off_by(world, user, **{direction.lower(): 5 * USD + 1})
    before = world.balance(accounts.ADJUSTMENTS)
    assert reconciliation.run(world.ctx)["differing"] > 0

    found = correct(world, user, 5 * USD + 1, direction)
    assert found["after_exact"] == "20.0000000"
    assert world.balance(accounts.wallet(user)) == 20 * USD
    assert world.balance(accounts.ADJUSTMENTS) - before == sign * (5 * USD + 1)
    assert world.available(user) == 20 * USD
    assert reconciliation.run(world.ctx)["differing"] == 0
    (record,) = audit_log.list_records(world.ctx, action="wallet.correct").items
    assert record["after"]["reason"] == "a payment that was forgotten"
    world.check()


def test_only_the_difference_that_is_there_can_be_booked_and_a_reference_once(
    world: World,
) -> None:
    user = world.funded_user("someone", "20.00")["id"]
    with pytest.raises(ValidationFailed, match="only that difference"):
        correct(world, user, USD, "MORE")  # nothing differs
    off_by(world, user, less=3 * USD)
    for amount, direction in ((3 * USD, "MORE"), (2 * USD, "LESS"), (3 * USD + 1, "LESS")):
        with pytest.raises(ValidationFailed, match=r"holds 20\.0000000 and the books say 23\."):
            correct(world, user, amount, direction)
    correct(world, user, 3 * USD, "LESS")
    other = world.funded_user("other", "1.00")["id"]
    off_by(world, other, more=USD)
    with pytest.raises(ValidationFailed, match="used before"):
        correct(world, other, USD, "MORE")


def test_one_reference_for_two_users_at_once_is_booked_for_one_of_them(world: World) -> None:
    made = [world.funded_user(name, "20.00")["id"] for name in ("someone", "other")]
    for user in made:
        off_by(world, user, more=USD)

    def book(number: int) -> bool:
        try:
            correct(world, made[number], USD, "MORE")
        except ValidationFailed as refused:
            return "used before" not in str(refused)
        return True

    assert sorted(all_at_once(book, 2)) == [False, True]


def test_a_wallet_that_moves_or_cannot_be_seen_is_not_corrected(world: World) -> None:
    user = world.funded_user("someone", "20.00")["id"]
    off_by(world, user, more=USD)
    with atomic():
        operations.start(
            world.ctx, kind=operations.WALLET_SWEEP, subject_type="user", subject_id=user,
            params={"user_id": user},
        )  # fmt: skip
    with pytest.raises(InvalidState, match="under way"):
        correct(world, user, USD, "MORE")
    world.fault("error_503_before", provider="horizon", times=None)
    with pytest.raises(InvalidState, match="cannot be corrected now"):
        correct(world, user, USD, "MORE")
    world.healthy()
    assert world.balance(accounts.wallet(user)) == 19 * USD

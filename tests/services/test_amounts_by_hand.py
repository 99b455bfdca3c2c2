"""Money booked by hand stays within what the books can add up."""

from typing import Any

import pytest

from offerhub.domain.errors import InvalidAmount
from offerhub.domain.money import MAX_BY_HAND_STROOPS, MAX_STROOPS
from offerhub.services import adjustments, treasury, treasury_movements
from offerhub.services.treasury_movements import Movement
from tests.services.world import World

WHOLE_CENTS = MAX_STROOPS // 100_000 * 100_000


@pytest.mark.parametrize("amount", [WHOLE_CENTS, MAX_BY_HAND_STROOPS + 100_000])
def test_an_amount_that_could_break_the_sums_is_refused(world: World, amount: int) -> None:
    user = world.user("ana")
    with pytest.raises(InvalidAmount):
        adjustments.adjust(
            world.ctx, user["id"], amount_stroops=amount, direction="CREDIT",
            reason="by mistake", reference="one",
        )  # fmt: skip
    with pytest.raises(InvalidAmount):
        treasury_movements.check(
            world.ctx, Movement("AIRTM", "IN", amount, reason="by mistake", reference="two")
        )


def test_the_largest_amounts_leave_the_balance_sheet_readable(world: World) -> None:
    user = world.user("ana")
    for reference in ("one", "two", "three"):
        adjustments.adjust(
            world.ctx, user["id"], amount_stroops=MAX_BY_HAND_STROOPS, direction="CREDIT",
            reason="test", reference=reference,
        )  # fmt: skip
    sheet: dict[str, Any] = treasury.balance_sheet(world.ctx)
    assert sheet["difference"] == "0.00"
    assert treasury.check_books(world.ctx) == []

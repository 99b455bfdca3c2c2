"""The treasury: solvent or not, on which rail, by how much; and movements of the platform's own."""

from dataclasses import replace
from typing import Any

import pytest

from offerhub.domain.errors import OfferHubError, ValidationFailed
from offerhub.ledger import accounts
from offerhub.services import orders, reconciliation, solvency, treasury, treasury_movements
from offerhub.services.context import system_context
from offerhub.services.treasury_movements import Movement
from tests.services.seeded_differences import payout, person
from tests.services.world import USD, World

# What is tried here is the same on both databases; Postgres has its turn with the full tests.
pytestmark = pytest.mark.parametrize(
    "database_url", ["sqlite", pytest.param("postgres", marks=pytest.mark.full)], indirect=True
)


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_url"))


def moved(world: World, **asked: Any) -> dict[str, Any]:
    movement = Movement(**{"reason": "float", **asked})
    treasury_movements.check(world.ctx, movement)
    return treasury_movements.move(world.ctx, movement)


def rail(world: World, name: str, *, ask: bool = False) -> dict[str, Any]:
    view = solvency.view(world.ctx, ask=ask)
    return next(one for one in view["rails"] if one["rail"] == name)


def test_each_rail_says_what_it_holds_and_what_is_committed_on_it(world: World) -> None:
    buyer, seller = person(world, "100.00"), person(world)
    order_id = world.order(buyer["id"], seller["id"], "60.00")
    orders.reserve(world.ctx, order_id)
    payout(world, buyer, 10 * USD)
    view = solvency.view(world.ctx, ask=True)
    assert view["solvent"] is True
    assert (view["reserved"], view["withdrawing"]) == ("60.00", "10.00")
    airtm, stellar = rail(world, "AIRTM"), rail(world, "STELLAR", ask=True)
    assert (airtm["committed"], airtm["shortage"], airtm["solvent"]) == ("10.00", "0.00", True)
    assert (stellar["committed"], stellar["holds"]) == ("60.00", "10000.00")
    assert stellar["theirs_exact"] == stellar["holds_exact"]
    assert [one["suffices"] for one in view["xlm"]] == [True, True, True]


def test_a_rail_that_cannot_pay_says_by_how_much_it_is_short(world: World) -> None:
    buyer, seller = person(world, "100.00"), person(world)
    order_id = world.order(buyer["id"], seller["id"], "60.00")
    orders.reserve(world.ctx, order_id)
    moved(world, rail="STELLAR", direction="OUT", amount_stroops=9990 * USD, reference="away")
    stellar = rail(world, "STELLAR")
    assert (stellar["solvent"], stellar["shortage"]) == (False, "50.00")
    assert solvency.at_a_glance() == (0, {"AIRTM": 0, "STELLAR": 50 * USD})
    view = solvency.view(world.ctx)
    assert (view["solvent"], view["shortage"]) == (False, "0.00")
    moved(world, rail="AIRTM", direction="OUT", amount_stroops=50 * USD, reference="gone")
    assert solvency.view(world.ctx)["shortage_exact"] != "0.0000000"


def test_a_provider_that_is_away_is_null_in_the_view(world: World) -> None:
    world.control("POST", "/faults", kind="error_503_before", provider="airtm", times=50)
    assert rail(world, "AIRTM", ask=True)["theirs"] is None


def test_money_out_of_the_chain_is_paid_once_and_booked_when_it_is_there(world: World) -> None:
    outside = world.control("POST", "/stellar/outside-account")["address"]
    asked = {
        "rail": "STELLAR", "direction": "OUT", "amount_stroops": 25 * USD, "reference": "cash-1",
        "destination": outside,
    }  # fmt: skip
    made = moved(world, **asked)["movement"]
    assert made["operation_id"].startswith("opn_")
    with pytest.raises(ValidationFailed):
        moved(world, **asked)  # under way
    world.drain()
    assert world.transfers(destination=outside) == [25 * USD]
    assert world.balance(accounts.STELLAR_TREASURY) == 9975 * USD
    with pytest.raises(ValidationFailed):
        moved(world, **asked)  # done
    world.check()


def test_an_address_that_cannot_be_paid_is_refused_before_anything_is_written(
    world: World,
) -> None:
    own = world.app.platform_keys.treasury.address
    with pytest.raises(OfferHubError, match="own wallets"):
        moved(
            world, rail="STELLAR", direction="OUT", amount_stroops=USD, reference="x",
            destination=own,
        )  # fmt: skip


def test_what_goes_from_airtm_to_the_chain_is_in_transit_and_the_sheet_balances(
    world: World,
) -> None:
    world.control("POST", "/airtm/balance/credit", amount="100.00")
    moved(world, rail="AIRTM", direction="IN", amount_stroops=100 * USD, reference="start")
    world.control("PUT", "/airtm/balance", available="0.00")
    sent = moved(
        world, rail="AIRTM", direction="OUT", amount_stroops=100 * USD, reference="over",
        toward="STELLAR",
    )  # fmt: skip
    transit = sent["movement"]["transit"]
    assert sent["difference"] == "0.00"
    assert world.balance(accounts.in_transit(transit)) == 100 * USD
    assert solvency.view(world.ctx)["in_transit"] == "100.00"
    assert reconciliation.run(world.ctx)["differences"] == []
    world.deposit(world.app.platform_keys.treasury.address, "99.50")
    assert reconciliation.run(world.ctx)["differences"] == []  # the chain has posted it
    with pytest.raises(ValidationFailed):
        moved(
            world, rail="STELLAR", direction="IN", amount_stroops=101 * USD, reference="more",
            transit=transit,
        )  # fmt: skip
    done = moved(
        world, rail="STELLAR", direction="IN", amount_stroops=99 * USD, reference="there",
        transit=transit,
    )  # fmt: skip
    assert (done["difference"], world.balance(accounts.in_transit(transit))) == ("0.00", 0)
    # 10,000 and 100 were the operator's; the way cost 0.50.
    assert world.balance(accounts.ADJUSTMENTS) == 10_099 * USD + USD // 2


def test_what_goes_from_the_chain_to_airtm_is_in_transit_until_it_is_there(world: World) -> None:
    outside = world.control("POST", "/stellar/outside-account")["address"]
    sent = moved(
        world, rail="STELLAR", direction="OUT", amount_stroops=30 * USD, reference="back",
        destination=outside, toward="AIRTM",
    )  # fmt: skip
    world.drain()
    transit = sent["movement"]["transit"]
    assert world.balance(accounts.in_transit(transit)) == 30 * USD
    world.control("POST", "/airtm/balance/credit", amount="29.00")
    moved(
        world, rail="AIRTM", direction="IN", amount_stroops=29 * USD, reference="back-there",
        transit=transit,
    )  # fmt: skip
    assert world.balance(accounts.AIRTM_TREASURY) == 29 * USD
    assert world.balance(accounts.in_transit(transit)) == 0
    assert treasury.check_books(world.ctx) == []
    assert reconciliation.run(world.ctx)["differences"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"direction": "IN"},
        {"direction": "IN", "toward": "AIRTM"},
        {"direction": "OUT", "toward": "STELLAR"},
        {"direction": "OUT", "transit": "x"},
        {"direction": "OUT", "memo": "alone"},
        {"direction": "IN", "transit": "nothing-there"},
    ],
)
def test_a_movement_that_makes_no_sense_is_refused(world: World, wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationFailed):
        moved(world, rail="STELLAR", amount_stroops=USD, reference="wrong", **wrong)


def test_snapshots_are_kept_and_old_ones_deleted(world: World) -> None:
    solvency.take_snapshot(world.ctx)
    world.clock.skip(401 * 24 * 3600)
    solvency.take_snapshot(world.ctx)
    kept = solvency.history(world.ctx, limit=10)
    assert [one["solvent"] for one in kept] == [True]


def test_xlm_that_does_not_suffice_is_told(world: World) -> None:
    dear = replace(world.app.policy, wallet_xlm_stroops=10**12)
    view = solvency.view(system_context(replace(world.app, policy=dear), name="test"), ask=True)
    assert {one["role"]: one["suffices"] for one in view["xlm"]} == {
        "treasury": False, "release": True, "resolver": True,
    }  # fmt: skip

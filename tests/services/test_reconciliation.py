"""Reconciliation finds every seeded difference, by its class, and nothing where all is well."""

from dataclasses import replace
from pathlib import Path

import pytest

from offerhub.domain.differences import BETWEEN_RUNS, MEANINGS, Difference
from offerhub.ledger import accounts
from offerhub.services import orders, reconciliation
from offerhub.services.context import system_context
from tests.fixtures.proof import Figure
from tests.services.seeded_differences import SEEDS, payout, person
from tests.services.world import BUYER_EMAIL, USD, World

pytestmark = pytest.mark.proves("F23")
LATER_S = 700  # what is younger than ten minutes is under way
ON_BOTH = ["sqlite", pytest.param("postgres", marks=pytest.mark.full)]
MANUAL = Path(__file__).parents[2] / "docs" / "operations" / "reconciliation.md"


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.mark.parametrize("database_url", ON_BOTH, indirect=True)
def test_books_that_agree_give_no_alarm(world: World) -> None:
    buyer = world.user("buyer", email=BUYER_EMAIL)
    seller = world.user("seller")
    world.topped_up(buyer["id"], "100.00")
    world.deposit(seller["wallet"]["address"], "3.0000001")
    order_id = world.in_progress(buyer["id"], seller["id"], "50.00")
    found = reconciliation.run(world.ctx)
    assert found["differences"] == []
    assert (found["status"], found["differing"], found["unreachable"]) == ("MATCHED", 0, 0)
    parts = {part["name"]: (part["checked"], part["total"]) for part in found["coverage"]}
    assert parts["wallets"] == (2, 2)
    assert parts["escrows"] == parts["pay-ins"] == (1, 1)
    assert parts["treasury on chain"] == (4, 4)
    assert world.available(seller["id"]) == 3 * USD + 1  # the run read the deposit on
    world.release(order_id)
    assert reconciliation.run(world.ctx)["status"] == "MATCHED"


@pytest.mark.parametrize("database_url", ON_BOTH, indirect=True)
def test_one_run_finds_every_seeded_difference_by_its_class(world: World, figure: Figure) -> None:
    expected: dict[tuple[str, str], str] = {}
    left = set()
    for seed in SEEDS:
        subject = seed.arrange(world)
        expected[str(seed.kind), subject] = seed.name
        if seed.left:
            left.add((str(seed.kind), subject))
    world.clock.skip(LATER_S)
    found = reconciliation.run(world.ctx)
    seen = {_key(one) for one in found["differences"]}
    missed = {name for key, name in expected.items() if key not in seen}
    assert missed == set()
    figure("seeded", len(expected))
    figure("found", len(set(expected) & seen))
    assert {kind for kind, _ in expected} == {str(kind) for kind in set(Difference) - BETWEEN_RUNS}
    by_key = {_key(one): one for one in found["differences"]}
    assert {key for key in expected if by_key[key]["status"] == "OPEN"} == left
    assert all(one["detail"]["do"] and one["detail"]["what"] for one in found["differences"])
    # What was put right is not found again; what is left for the operator is.
    world.drain()
    again = {_key(one) for one in reconciliation.run(world.ctx)["differences"]}
    once = {str(Difference.WEBHOOK_MISSING)}
    waking = {str(Difference.WEBHOOK_UNAPPLIED), str(Difference.OPERATION_IDLE)}
    assert {key for key in left - again if key[0] not in once} == set()
    assert {key for key in again & set(expected) - left if key[0] not in waking} == set()


def _key(one: dict[str, object]) -> tuple[str, str]:
    """Class and subject; a deposit that the run itself read is told by its wallet."""
    if one["kind"] == Difference.DEPOSIT_UNREAD:
        with_wallet = str(one["detail"]["wallet_id"])  # type: ignore[index]
        return str(one["kind"]), f"wallet:{with_wallet}"
    return str(one["kind"]), str(one["subject_id"])


@pytest.mark.parametrize("database_url", ON_BOTH, indirect=True)
def test_xlm_that_runs_low_in_the_platforms_wallet_is_told(world: World) -> None:
    dear = replace(world.app.policy, wallet_xlm_stroops=10**12)
    ctx = system_context(replace(world.app, policy=dear), name="test")
    found = {_key(one) for one in reconciliation.run(ctx)["differences"]}
    assert found == {(str(Difference.XLM_LOW), "treasury")}


@pytest.mark.parametrize("database_url", ON_BOTH, indirect=True)
def test_a_provider_that_cannot_be_asked_is_said_and_is_no_difference(world: World) -> None:
    world.control("POST", "/faults", kind="error_503_before", provider="airtm", times=50)
    found = reconciliation.run(world.ctx)
    assert (found["status"], found["differing"]) == ("MATCHED", 0)
    silent = {part["name"] for part in found["coverage"] if part["unreachable"]}
    assert silent == {"Airtm's lists", "returned pay-outs", "treasury at Airtm"}


@pytest.mark.parametrize("database_url", ON_BOTH, indirect=True)
def test_what_is_under_way_is_no_difference(world: World) -> None:
    buyer, seller = person(world, "100.00"), person(world)
    order_id = world.order(buyer["id"], seller["id"], "50.00")
    orders.reserve(world.ctx, order_id)
    withdrawal_id = payout(world, buyer)
    world.until(lambda: world.control("GET", f"/payouts/{withdrawal_id}")["status"] == "COMPLETED")
    found = reconciliation.run(world.ctx)  # Airtm has paid, and we do not know it yet
    assert found["differences"] == []
    assert world.balance(accounts.AIRTM_TREASURY) > 90 * USD  # not paid, by our books


@pytest.mark.parametrize("database_url", ON_BOTH, indirect=True)
def test_wallets_take_turns_within_the_budget_and_moved_ones_come_first(world: World) -> None:
    people = [person(world) for _ in range(5)]
    reconciliation.run(world.ctx)
    world.clock.skip(LATER_S * 2)
    reconciliation.run(world.ctx)  # nothing has moved since this one
    world.clock.skip(LATER_S * 2)
    small = replace(world.app.policy, reconciliation_calls=4)
    ctx = system_context(replace(world.app, policy=small), name="test")
    turns = [_wallets(reconciliation.run(ctx)) for _ in range(2)]
    assert [turn["checked"] for turn in turns] == [3, 2]
    assert turns[0]["notes"] == ["3 of 5 in this run; all of them within 2 runs"]
    assert len(people) == turns[0]["total"]


def _wallets(found: dict[str, list[dict[str, object]]]) -> dict[str, object]:
    return next(part for part in found["coverage"] if part["name"] == "wallets")


@pytest.mark.parametrize("database_url", ON_BOTH, indirect=True)
def test_a_wallet_is_compared_on_request(world: World) -> None:
    user = world.funded_user("someone", "12.50")
    compared = reconciliation.look_at_wallet(world.ctx, user["id"])
    shown = reconciliation.record_wallet(world.ctx, user["id"], compared)
    assert shown["available"] == "12.50"
    assert (shown["wallet"]["same"], shown["wallet"]["theirs_exact"]) == (True, "12.5000000")


def test_every_class_has_a_meaning_and_a_row_in_the_manual() -> None:
    assert set(MEANINGS) == set(Difference)
    manual = MANUAL.read_text()
    assert [kind for kind in Difference if f"| `{kind}` |" not in manual] == []

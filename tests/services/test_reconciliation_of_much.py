"""No false alarm: over many operations that went well, and in the middle of others."""

import threading
import time
from dataclasses import replace

import pytest

from offerhub.services import reconciliation
from offerhub.services.context import system_context
from offerhub.worker.jobs.operations import perform_next
from tests.fixtures.proof import Figure
from tests.services.clean_operations import Volume, perform
from tests.services.seeded_differences import person, topup
from tests.services.world import World

pytestmark = pytest.mark.proves("F23")

SOME = Volume(people=6, deposits=220, topups=40, payments=10, payouts=5, orders=7)
MANY = Volume(people=100, deposits=4400, topups=1500, payments=1500, payouts=400, orders=700)
ON_BOTH = ["sqlite", pytest.param("postgres", marks=pytest.mark.full)]


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_url"))


def _run_all(world: World) -> dict[str, object]:
    policy = replace(world.app.policy, reconciliation_calls=100_000)
    return reconciliation.run(system_context(replace(world.app, policy=policy), name="test"))


def _no_alarm(world: World, volume: Volume, figure: Figure) -> None:
    perform(world, volume)
    began = time.monotonic()
    found = _run_all(world)
    figure("reconciliation_s", time.monotonic() - began)
    assert found["differences"] == []
    assert (found["status"], found["unreachable"]) == ("MATCHED", 0)
    for part in found["coverage"]:  # type: ignore[attr-defined]
        assert part["checked"] == part["total"], part
    figure("clean_operations", volume.operations)
    figure("false_alarms", found["differing"])  # type: ignore[arg-type]
    world.check()


@pytest.mark.parametrize("database_url", ON_BOTH, indirect=True)
def test_some_hundred_operations_that_went_well_give_no_alarm(world: World, figure: Figure) -> None:
    assert SOME.operations >= 290
    _no_alarm(world, SOME, figure)


@pytest.mark.full
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("database_url", ["sqlite", "postgres"], indirect=True)
def test_ten_thousand_operations_that_went_well_give_no_alarm(world: World, figure: Figure) -> None:
    assert MANY.operations >= 10_000
    _no_alarm(world, MANY, figure)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("database_url", ON_BOTH, indirect=True)
def test_runs_in_the_middle_of_a_load_give_no_alarm(world: World, figure: Figure) -> None:
    """One thread asks for work and performs it while another reconciles, again and again."""
    buyer, seller = person(world, "200.00"), person(world)
    holder = world.funded_user("holder", "100.00")
    done = threading.Event()
    runs: list[dict[str, object]] = []

    def reconcile() -> None:
        while not done.is_set() and len(runs) < 200:
            runs.append(_run_all(world))

    thread = threading.Thread(target=reconcile, name="reconciling")
    thread.start()
    try:
        for number in range(6):
            order_id = world.in_progress(buyer["id"], seller["id"], "10.00")
            world.release(order_id)
            id_ = topup(world, buyer)
            world.control("POST", f"/payins/{id_}/pay", email=buyer["email"])
            world.deposit(holder["wallet"]["address"], f"{number + 1}.00")
            world.until(lambda: not perform_next(world.app))
    finally:
        done.set()
        thread.join(timeout=60)
    assert not thread.is_alive()
    assert len(runs) >= 2
    assert [one for found in runs for one in found["differences"]] == []  # type: ignore[attr-defined]
    figure("runs_under_load", len(runs))
    world.drain()
    last = _run_all(world)
    assert last["differences"] == []

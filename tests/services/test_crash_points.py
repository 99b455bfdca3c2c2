"""A process dies at every point of every flow, once each; whoever comes next ends the work.

The probe raises what no code of ours catches, just as a killed process runs nothing further.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from offerhub.services.context import App
from offerhub.services.flows.registry import FLOWS
from offerhub.store.database import in_transaction
from offerhub.worker.jobs.operations import perform_next
from tests.fixtures.proof import Figure
from tests.services.flow_cases import CASES, Case, Subject
from tests.services.world import World

pytestmark = pytest.mark.proves("F2")

POINTS = ("claimed", "intent", "call", "outcome")
BY_NAME = {case.name: case for case in CASES}


class Killed(BaseException):
    """The process is gone."""


class KillOnce:
    """A probe that kills at one point, the first time it is reached."""

    def __init__(self, *points: str) -> None:
        self.left = set(points)
        self.seen: list[str] = []

    def __call__(self, point: str) -> None:
        self.seen.append(point)
        if point in self.left:
            self.left.remove(point)
            raise Killed(point)


def points_of(case: Case) -> list[str]:
    """Every point that a case passes, from its steps."""
    points = []
    for step in case.steps:
        names = ("claimed", "outcome") if step in case.skipped else POINTS
        points += [f"{case.kind}/{step}/{name}" for name in names]
    return [*points, f"{case.kind}/finish"]


# One death each: by default where money leaves; of the rest `--full` tries them one by one, and the
# test of every point in turn all together.
DEAREST = {"release", "withdrawal", "pay-out"}
SINGLE = [
    pytest.param(
        case.name, point, id=f"{case.name}: {point}",
        marks=() if case.name in DEAREST else pytest.mark.full,
    )
    for case in CASES
    for point in points_of(case)
]  # fmt: skip


class DyingClock:
    """Kills inside transactions, where services ask for the time, each time one question later.

    So a process dies in the middle of every transaction of a flow, and nothing of it may stay.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.deaths = 0
        self.asked = 0

    def now(self) -> datetime:
        if in_transaction():
            self.asked += 1
            if self.asked > self.deaths:
                self.deaths += 1
                self.asked = 0
                raise Killed("in a transaction")
        return self.world.clock.now()


class DyingDoorbell:
    """Kills where a wake-up is rung: right after the commit, every other time."""

    def __init__(self) -> None:
        self.rings = 0

    def ring(self, name: str) -> None:
        self.rings += 1
        if self.rings % 2:
            raise Killed("after a commit")


# What the other tests of this file see on both databases anyway: `--full` repeats it on Postgres.
ON_SQLITE = pytest.mark.parametrize(
    "_module_world",
    ["sqlite", pytest.param("postgres", marks=pytest.mark.full)],
    indirect=True,
    scope="module",
)


def app_of(world: World, subject: Subject, probe: Any) -> App:
    return replace(subject.more.get("app", world.app), probe=probe)


def drain_through_deaths(world: World, app: App) -> int:
    """Drain, beginning anew after each death; how many there were."""
    for deaths in range(500):
        try:
            world.drain(app)
        except Killed:
            continue
        return deaths
    raise AssertionError("it never ends")


def perform_until_dead(app: App) -> None:
    """Perform operations until the probe kills; it must."""
    try:
        while perform_next(app):
            pass
    except Killed:
        return
    raise AssertionError("the point was never reached")


@ON_SQLITE
@pytest.mark.parametrize(("name", "point"), SINGLE)
def test_a_death_at_any_point_changes_nothing_in_the_end(
    shared_world: World, name: str, point: str, figure: Figure
) -> None:
    case = BY_NAME[name]
    subject = case.begin(shared_world)
    probe = KillOnce(point)
    perform_until_dead(app_of(shared_world, subject, probe))
    shared_world.drain(app_of(shared_world, subject, probe))
    case.check(shared_world, subject)
    figure("single_deaths", 1)


@pytest.mark.parametrize("name", BY_NAME)
def test_a_death_at_every_point_in_turn_changes_nothing_in_the_end(
    shared_world: World, name: str, figure: Figure
) -> None:
    case = BY_NAME[name]
    subject = case.begin(shared_world)
    probe = KillOnce(*points_of(case))
    drain_through_deaths(shared_world, app_of(shared_world, subject, probe))
    assert probe.left == set(), "points that were never reached"
    case.check(shared_world, subject)
    figure("deaths_in_turn", len(points_of(case)))


@pytest.mark.parametrize("name", BY_NAME)
def test_a_death_in_the_middle_of_any_transaction_leaves_nothing_half_done(
    shared_world: World, name: str, figure: Figure
) -> None:
    case = BY_NAME[name]
    subject = case.begin(shared_world)
    clock = DyingClock(shared_world)
    app = replace(subject.more.get("app", shared_world.app), clock=clock)
    deaths = drain_through_deaths(shared_world, app)
    assert deaths == clock.deaths >= 5
    case.check(shared_world, subject)
    figure("deaths_in_transactions", deaths)


@pytest.mark.parametrize("name", BY_NAME)
def test_a_death_right_after_a_commit_loses_a_wake_up_and_no_more(
    shared_world: World, name: str, figure: Figure
) -> None:
    case = BY_NAME[name]
    subject = case.begin(shared_world)
    app = replace(subject.more.get("app", shared_world.app), doorbell=DyingDoorbell())
    deaths = drain_through_deaths(shared_world, app)
    case.check(shared_world, subject)
    figure("deaths_after_commits", deaths)


@ON_SQLITE
@pytest.mark.parametrize("name", BY_NAME)
def test_no_flow_has_a_point_that_is_not_tried(
    shared_world: World, name: str, figure: Figure
) -> None:
    case = BY_NAME[name]
    subject = case.begin(shared_world)
    probe = KillOnce()
    shared_world.drain(app_of(shared_world, subject, probe))
    case.check(shared_world, subject)
    # A provider that was slow to answer is asked again, and the points before it come again.
    own = list(dict.fromkeys(one for one in probe.seen if one.startswith(f"{case.kind}/")))
    assert own == points_of(case)
    figure("flows", 1)
    figure("points", len(own))


def test_every_flow_is_among_the_cases() -> None:
    assert {case.kind for case in CASES} == set(FLOWS)
    for case in CASES:
        others = [other for other in CASES if other.kind == case.kind]
        passed = {point for other in others for point in points_of(other)}
        for step in case.steps:
            assert {f"{case.kind}/{step}/{name}" for name in POINTS} <= passed

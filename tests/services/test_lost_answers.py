"""The older system's worst losses: paid money given back, a release that forgot its rounds."""

import time
from dataclasses import replace

import pytest

from offerhub.ledger import accounts
from offerhub.ports.payments import PayoutStatus
from offerhub.services import engine, withdrawals
from offerhub.worker.jobs.operations import perform_next
from tests.fixtures.proof import Figure
from tests.services.flow_cases import CASES, Subject
from tests.services.test_crash_points import KillOnce, drain_through_deaths, points_of
from tests.services.world import USD, World

BY_NAME = {case.name: case for case in CASES}

# Which case of a flow, and the call whose answer is lost after its effect.
LOST = {
    "withdrawal": ("withdrawal", "horizon", "transactions_async"),
    "pay-out registered": ("pay-out", "airtm", "/payouts$"),
    "pay-out committed": ("pay-out", "airtm", "/commit$"),
}


@pytest.mark.proves("P2")
@pytest.mark.parametrize("name", LOST)
def test_money_that_was_paid_is_never_given_back(
    shared_world: World, name: str, figure: Figure
) -> None:
    """The provider has the effect and its answer is lost; then it cannot be asked for a while."""
    case_name, provider, path = LOST[name]
    case = BY_NAME[case_name]
    subject = case.begin(shared_world)
    left_before = shared_world.available(subject.buyer["id"])
    shared_world.fault("timeout_after", provider=provider, path_regex=path, delay_s=0.01)
    perform_next(shared_world.app)
    shared_world.fault("error_503_before", provider=provider, method="GET", times=4)
    end = time.monotonic() + 30
    while (due_at := engine.next_due_at(shared_world.app)) is not None:
        _not_given_back(shared_world, subject, left_before)
        figure("looks", 1)
        assert time.monotonic() < end, "the operation never ends"
        shared_world.clock.skip((due_at - shared_world.app.now_ms()) / 1000)
        perform_next(shared_world.app)
    _not_given_back(shared_world, subject, left_before)
    case.check(shared_world, subject)


def _not_given_back(world: World, subject: Subject, left_before: int) -> None:
    shown = withdrawals.get_withdrawal(world.ctx, subject.id)
    assert shown["status"] not in {"WITHDRAWAL_FAILED", "WITHDRAWAL_CANCELED"}
    assert shown["failure_reason"] is None
    assert world.available(subject.buyer["id"]) == left_before, "what was paid was given back"
    if shown["status"] != "WITHDRAWAL_COMPLETED":
        held = world.balance(accounts.user(subject.buyer["id"], accounts.WITHDRAWING))
        assert held == 30 * USD


@pytest.mark.proves("P2")
def test_a_pay_out_of_a_status_that_nobody_knows_keeps_its_hold(shared_world: World) -> None:
    """Nor does one that Airtm does not describe: only its named ends free the money."""
    case = BY_NAME["pay-out"]
    subject = case.begin(shared_world)
    shared_world.drain()
    found = shared_world.app.payments.find_payout(subject.id)
    assert found is not None
    left_before = shared_world.available(subject.buyer["id"])
    odd = replace(found, status=PayoutStatus.UNCLEAR, raw_status="BRIDGE_FAILED")
    reason = withdrawals.apply_payout_result(shared_world.ctx, subject.id, odd)
    if withdrawals.get_withdrawal(shared_world.ctx, subject.id)["status"] != "WITHDRAWAL_COMPLETED":
        assert "hold stays" in str(reason)
    _not_given_back(shared_world, subject, left_before)
    case.check(shared_world, subject)


@pytest.mark.proves("P5")
def test_a_release_that_dies_after_each_of_its_calls_pays_once(
    shared_world: World, figure: Figure
) -> None:
    """Six deaths: before, after and long after the call of each round on chain."""
    case = BY_NAME["release"]
    subject = case.begin(shared_world)
    probe = KillOnce(*[p for p in points_of(case) if not p.endswith(("/claimed", "/finish"))])
    deaths = drain_through_deaths(shared_world, shared_world.with_probe(probe))
    assert probe.left == set()
    assert deaths == 3 * len(case.steps) == 6
    figure("deaths", deaths)
    case.check(shared_world, subject)

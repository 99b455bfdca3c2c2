"""Whoever builds the next transaction may not know the last one yet; and whose reference it is.

A node that lags a ledger behind refuses what would be right a moment later. That is no reason to
call an operator, nor to undo what can be done.
"""

from dataclasses import replace
from typing import Any

import pytest

from offerhub.ports.errors import Rejected
from offerhub.services.context import App
from tests.services.flow_cases import CASES
from tests.services.test_engine import Odd, held, retry_and_finish, row_of
from tests.services.world import World

pytestmark = pytest.mark.proves("F5")
BY_NAME = {case.name: case for case in CASES}


def refusing_at_first(port: Any, method: str, refusal: Rejected, *, times: int) -> tuple[Any, list]:
    """The port, one of whose builders refuses a few times; and how often it did."""
    refused: list[int] = []

    def build(*args: Any, **kwargs: Any) -> Any:
        if len(refused) < times:
            refused.append(1)
            raise refusal
        return getattr(port, method)(*args, **kwargs)

    return Odd(port, **{method: build}), refused


def with_margin(world: World, **ports: Any) -> App:
    policy = replace(world.app.policy, replica_margin_s=30)
    return replace(world.app, policy=policy, **ports)


@pytest.mark.parametrize(
    ("name", "method", "code"),
    [
        ("release", "build_release", "EscrowNotCompleted"),  # the approval is not seen
        ("refund", "build_resolve", "EscrowNotInDispute"),  # nor the dispute
        ("bridged funding", "build_fund", "BalanceError"),  # nor what the bridge brought
        ("split with dust", "build_resolve", "DistributionsMustEqualEscrowBalance"),
    ],
)
def test_a_builder_that_does_not_see_the_step_before_is_asked_again(
    shared_world: World, name: str, method: str, code: str
) -> None:
    case = BY_NAME[name]
    subject = case.begin(shared_world)
    refusal = Rejected(f"refused: {code}", provider="trustless_work", code=code)
    odd, refused = refusing_at_first(shared_world.app.escrows, method, refusal, times=3)
    shared_world.drain(with_margin(shared_world, escrows=odd))
    assert len(refused) == 3
    case.check(shared_world, subject)


def test_a_refusal_that_stays_is_believed_when_no_node_can_lag_so_far(shared_world: World) -> None:
    subject = BY_NAME["release"].begin(shared_world)
    refusal = Rejected("refused", provider="trustless_work", code="EscrowNotCompleted")
    odd, refused = refusing_at_first(shared_world.app.escrows, "build_release", refusal, times=99)
    shared_world.drain(with_margin(shared_world, escrows=odd))
    assert row_of(subject).status == "STUCK"
    assert 2 < len(refused) < 12
    retry_and_finish(shared_world, subject, "release")


@pytest.mark.parametrize("name", ["bridged withdrawal", "refund", "sweep", "treasury payment"])
def test_usdc_that_the_books_have_and_the_reader_lacks_is_waited_for(
    shared_world: World, name: str
) -> None:
    case = BY_NAME[name]
    subject = case.begin(shared_world)
    refusal = Rejected(
        "too little", provider="stellar", code="op_underfunded", error_code="INSUFFICIENT_FUNDS"
    )
    odd, refused = refusing_at_first(shared_world.app.chain, "build_payment", refusal, times=3)
    shared_world.drain(replace(shared_world.app, chain=odd))
    assert len(refused) == 3
    case.check(shared_world, subject)


def test_a_pay_out_under_our_code_for_somebody_else_is_never_committed(shared_world: World) -> None:
    """Whoever has our key at Airtm, and knows the withdrawal, was faster with a pay-out of his."""
    world = shared_world
    subject = BY_NAME["pay-out"].begin(world)
    payments = world.app.payments
    email = "thief@example.com"
    world.control("POST", "/airtm/users", email=email, first_name="T", last_name="H",
                  country="MEX", wallet="0.00")  # fmt: skip
    payments.create_payout(
        code=subject.id, amount_stroops=30 * 10_000_000, recipient_email=email, note="mine"
    )
    world.drain()
    assert row_of(subject).status == "STUCK"
    assert held(world, subject) == 30 * 10_000_000
    assert str(payments.find_payout(subject.id).status) == "CREATED"

"""A refusal is believed only where it can be the whole story; a reading that fails is none.

What may have happened before (a call whose answer was lost with its process, work that a restored
database has forgotten) is looked for first, and while it cannot be looked for nothing is undone.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from offerhub.ledger import accounts
from offerhub.ports.errors import Rejected, Unavailable
from offerhub.services import restored, topup_changes, topups, withdrawals
from offerhub.store import leases as flags
from offerhub.store.database import atomic
from offerhub.worker.jobs.operations import perform_next
from tests.services.cases import Subject
from tests.services.flow_cases import CASES
from tests.services.test_crash_points import Killed
from tests.services.test_engine import Odd, row_of
from tests.services.world import USD, World

pytestmark = pytest.mark.proves("F5")
BY_NAME = {case.name: case for case in CASES}


def die_at(world: World, point: str) -> None:
    """A worker takes the one operation that is due, and dies at this point of it."""

    def die(here: str) -> None:
        if here == point:
            raise Killed(here)

    with pytest.raises(Killed):
        perform_next(world.with_probe(die))
    world.clock.skip(7)


def refusing(*_: Any, **__: Any) -> Any:
    raise Rejected("the account is not active", provider="airtm", code="415008")


def settle(world: World, app: Any, done: Callable[[], bool]) -> None:
    """Have the operation tried again and again, its waits passing at once."""
    for _ in range(30):
        if done():
            return
        perform_next(app)
        world.clock.skip(70)
    raise AssertionError("it did not come to that")


def test_a_pay_out_that_a_dead_worker_registered_is_not_undone_by_a_later_refusal(
    shared_world: World,
) -> None:
    """The list does not show it yet when the next worker looks; then the recipient is refused."""
    world = shared_world
    subject = BY_NAME["pay-out"].begin(world)
    die_at(world, "withdrawal.airtm/create_payout/call")
    payments, looks = world.app.payments, []

    def lagging(code: str) -> Any:
        looks.append(code)
        return None if len(looks) == 1 else payments.find_payout(code)

    odd = Odd(payments, create_payout=refusing, find_payout=lagging)
    world.drain(replace(world.app, payments=odd))
    BY_NAME["pay-out"].check(world, subject)


def test_a_pay_in_that_a_dead_worker_made_does_not_fail_its_top_up(shared_world: World) -> None:
    world = shared_world
    subject = BY_NAME["pay-in"].begin(world)
    die_at(world, "topup.payin/create_payin/call")
    payments, looks = world.app.payments, []

    def lagging(code: str) -> Any:
        looks.append(code)
        return None if len(looks) == 1 else payments.find_payin(code)

    odd = Odd(payments, create_payin=refusing, find_payin=lagging)
    world.drain(replace(world.app, payments=odd))
    BY_NAME["pay-in"].check(world, subject)


@pytest.mark.parametrize("name", ["pay-out", "pay-in"])
def test_a_refusal_undoes_nothing_while_the_earlier_call_cannot_be_looked_up(
    shared_world: World, name: str
) -> None:
    """Both the repeated call and the look-up after it are refused, as by a key that was changed."""
    world, case = shared_world, BY_NAME[name]
    subject = case.begin(world)
    die_at(world, f"{case.kind}/{case.steps[0]}/call")
    payments, looks = world.app.payments, []

    def find(code: str) -> Any:
        looks.append(code)
        return None if len(looks) == 1 else refusing()

    verb = "payout" if name == "pay-out" else "payin"
    odd = Odd(payments, **{f"create_{verb}": refusing, f"find_{verb}": find})
    settle(world, replace(world.app, payments=odd), lambda: len(looks) > 4)
    assert row_of(subject).status == "PENDING"
    world.drain()
    case.check(world, subject)


@pytest.fixture
def forgotten(shared_world: World) -> Iterator[None]:
    """As after a restore: the last hour may hold work that the database does not know."""
    now = shared_world.app.now_ms()
    with atomic():
        hour = {"from_ms": now - 3_600_000, "to_ms": now + 3_600_000}
        flags.set_flag(restored.FORGOTTEN, [hour], now=now)
    yield
    with atomic():
        flags.clear_flag(restored.FORGOTTEN)


@pytest.mark.usefixtures("forgotten")
def test_after_a_restore_a_refused_reading_of_the_chain_gives_no_money_back(
    shared_world: World,
) -> None:
    """Whether the payment was made before the restore is not known; its hold stays."""
    world = shared_world
    subject = BY_NAME["withdrawal"].begin(world)
    chain, refusals = world.app.chain, [3]

    def sent_by(*args: Any, **kwargs: Any) -> Any:
        if refusals[0]:
            refusals[0] -= 1
            raise Rejected("stellar answered 403", provider="stellar")
        return chain.sent_by(*args, **kwargs)

    app = replace(world.app, chain=Odd(chain, sent_by=sent_by))
    settle(world, app, lambda: not refusals[0])
    assert withdrawals.get_withdrawal(world.ctx, subject.id)["status"] == "WITHDRAWAL_COMMITTED"
    held = accounts.user(subject.buyer["id"], accounts.WITHDRAWING)
    assert world.balance(held) == 30 * USD
    world.drain(app)
    BY_NAME["withdrawal"].check(world, subject)


def canceled_while_unseen(world: World, name: str) -> Subject:
    """Asked to cancel what Airtm, for a while, does not find though it has made it."""
    subject = BY_NAME[name].begin(world)
    payments, looks = world.app.payments, []

    def lagging(code: str) -> Any:
        looks.append(code)
        find = payments.find_payin if name == "pay-in canceled" else payments.find_payout
        return None if len(looks) < 3 else find(code)

    odd = Odd(payments, find_payin=lagging, find_payout=lagging)
    world.drain(replace(world.app, payments=odd))
    return subject


@pytest.mark.parametrize("name", ["pay-in canceled", "pay-out canceled"])
def test_a_cancellation_waits_until_airtm_finds_what_it_made(
    shared_world: World, name: str
) -> None:
    subject = canceled_while_unseen(shared_world, name)
    BY_NAME[name].check(shared_world, subject)


def test_a_cancellation_of_what_was_never_made_ends(shared_world: World) -> None:
    """Its pay-in was refused while the cancellation waited: there is nothing to cancel."""
    world = shared_world
    subject = BY_NAME["pay-in"].begin(world)
    topup_changes.cancel(world.ctx, subject.id)
    world.drain(replace(world.app, payments=Odd(world.app.payments, create_payin=refusing)))
    assert topups.get_topup(world.ctx, subject.id)["status"] == "TOPUP_FAILED"


def test_a_pay_out_is_unavailable_and_not_refused_when_the_look_up_is(shared_world: World) -> None:
    """A first call, too: for all that its worker knows, another one may have been there before."""
    subject = BY_NAME["pay-out"].begin(shared_world)

    def away(code: str) -> Any:
        raise Unavailable("no connection", provider="airtm")

    odd = Odd(shared_world.app.payments, create_payout=refusing, find_payout=away)
    app = replace(shared_world.app, payments=odd)
    settle(shared_world, app, lambda: row_of(subject).failures >= 2)
    assert row_of(subject).status == "PENDING"
    shared_world.drain()
    BY_NAME["pay-out"].check(shared_world, subject)

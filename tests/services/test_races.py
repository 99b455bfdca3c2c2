"""Real threads on real connections ask for the same thing at once; exactly one gets it."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import pytest

from offerhub.domain.errors import OfferHubError
from offerhub.ledger import accounts, journal, transfers
from offerhub.services import (
    adjustments,
    deposits,
    engine,
    escrows,
    orders,
    releases,
    topups,
    treasury_movements,
    users,
    withdrawals,
)
from offerhub.services.treasury_movements import Movement
from offerhub.store import users as users_store
from offerhub.store.database import atomic
from offerhub.worker.jobs.operations import perform_next
from tests.services.world import BUYER_EMAIL, SELLER_EMAIL, USD, World

TRIALS = 25
FEW, MANY = 2, 4
_numbers = count(1)


def at_once(*calls: Callable[[], Any]) -> Counter[str]:
    """Run calls on a thread each, from one barrier; how often each ended how.

    "ok", or the code of the error of ours; anything else fails the test.
    """
    start = threading.Barrier(len(calls))
    ends: list[str] = []
    faults: list[BaseException] = []

    def go(call: Callable[[], Any]) -> None:
        start.wait()
        try:
            call()
            ends.append("ok")
        except OfferHubError as error:
            ends.append(error.code)
        except BaseException as error:  # noqa: BLE001 - told to the test below
            faults.append(error)

    threads = [threading.Thread(target=go, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    return Counter(ends)


@pytest.fixture
def parties(shared_world: World) -> tuple[dict[str, Any], dict[str, Any]]:
    """A rich buyer and a seller, one pair per world."""
    kept = shared_world.__dict__.setdefault("parties", {})
    if not kept:
        kept["buyer"] = shared_world.funded_user("race-buyer", "1000000.00")
        kept["seller"] = shared_world.user("race-seller", email=SELLER_EMAIL)
    return kept["buyer"], kept["seller"]


def give(world: World, user_id: str, amount: int) -> None:
    """Money by decree of the books, for races that are about the books alone."""
    with atomic():
        key = f"race:{next(_numbers)}"
        journal.post(
            transfers.deposit_credited(
                deposit_key=key, deposit_id=key, user_id=user_id, amount=amount
            ),
            now_ms=world.app.now_ms(),
        )


def new_orders(world: World, parties: Sequence[dict[str, Any]], number: int) -> list[str]:
    buyer, seller = parties
    return [world.order(buyer["id"], seller["id"], "10.00") for _ in range(number)]


def reserved(world: World, buyer: dict[str, Any]) -> int:
    return world.balance(accounts.user(buyer["id"], accounts.RESERVED))


def test_of_six_reservations_of_an_order_one_counts(
    shared_world: World, parties: tuple[dict[str, Any], ...]
) -> None:
    before = reserved(shared_world, parties[0])
    for order_id in new_orders(shared_world, parties, TRIALS):
        ends = at_once(*[lambda o=order_id: orders.reserve(shared_world.ctx, o)] * 6)
        assert ends == {"ok": 1, "FUNDS_ALREADY_RESERVED": 5}
    assert reserved(shared_world, parties[0]) - before == TRIALS * 10 * USD
    shared_world.check()


def test_of_six_cancellations_one_counts_while_another_order_is_reserved(
    shared_world: World, parties: tuple[dict[str, Any], ...]
) -> None:
    before = reserved(shared_world, parties[0])
    mine, others = (new_orders(shared_world, parties, TRIALS) for _ in range(2))
    for order_id, other in zip(mine, others, strict=True):
        orders.reserve(shared_world.ctx, order_id)
        ends = at_once(
            *[lambda o=order_id: orders.cancel(shared_world.ctx, o)] * 6,
            lambda o=other: orders.reserve(shared_world.ctx, o),
        )
        assert ends == {"ok": 2, "INVALID_STATE": 5}
    assert reserved(shared_world, parties[0]) - before == TRIALS * 10 * USD
    shared_world.check()


def test_a_reservation_and_a_cancellation_agree_on_who_was_first(
    shared_world: World, parties: tuple[dict[str, Any], ...]
) -> None:
    before = reserved(shared_world, parties[0])
    for order_id in new_orders(shared_world, parties, TRIALS):
        ends = at_once(
            lambda o=order_id: orders.reserve(shared_world.ctx, o),
            lambda o=order_id: orders.cancel(shared_world.ctx, o),
        )
        assert ends in ({"ok": 2}, {"ok": 1, "INVALID_STATE": 1})
        assert shared_world.order_status(order_id) == "CLOSED"
    assert reserved(shared_world, parties[0]) == before
    shared_world.check()


@pytest.mark.proves("P1")
def test_eight_withdrawals_of_everything_pay_once(
    shared_world: World, parties: tuple[dict[str, Any], ...]
) -> None:
    """On the older system's shape all eight are accepted."""
    user = shared_world.user(f"spender-{next(_numbers)}")
    outside = shared_world.control("POST", "/stellar/outside-account")["address"]

    def withdraw() -> None:
        withdrawals.create_withdrawal(
            shared_world.ctx, user_id=user["id"], amount_stroops=100 * USD,
            destination_type="CRYPTO", destination_ref=outside, destination_checked=True,
        )  # fmt: skip

    for trial in range(1, TRIALS + 1):
        shared_world.deposit(user["wallet"]["address"], "100.00")
        deposits.read_wallet(shared_world.ctx, user["wallet"]["id"])
        ends = at_once(*[withdraw] * 8)
        assert ends == {"ok": 1, "INSUFFICIENT_FUNDS": 7}
        assert shared_world.available(user["id"]) == 0
        held = shared_world.balance(accounts.user(user["id"], accounts.WITHDRAWING))
        assert held == trial * 100 * USD
    shared_world.drain(limit_s=90)
    assert shared_world.transfers(destination=outside) == [100 * USD] * TRIALS
    shared_world.check()


def test_credits_and_spending_of_one_account_at_once_lose_nothing(
    shared_world: World, parties: tuple[dict[str, Any], ...]
) -> None:
    """Top-ups confirmed while orders reserve: the balance is what the sum says."""
    buyer = shared_world.user(f"both-{next(_numbers)}")
    pair = (buyer, parties[1])
    for trial in range(TRIALS):
        order_id = new_orders(shared_world, pair, 1)[0]
        topped_up = trial * 20 * USD
        ends = at_once(
            lambda: give(shared_world, buyer["id"], 10 * USD),
            lambda o=order_id: orders.reserve(shared_world.ctx, o),
            lambda: give(shared_world, buyer["id"], 10 * USD),
        )
        assert set(ends) <= {"ok", "INSUFFICIENT_FUNDS"}
        total = shared_world.available(buyer["id"]) + reserved(shared_world, buyer)
        assert total == topped_up + 20 * USD
    # What was given by decree is on no chain: take the wallets' side back before comparing.
    _take_back(shared_world, buyer, TRIALS * 20 * USD)


def _take_back(world: World, user: dict[str, Any], amount: int) -> None:
    world.deposit(user["wallet"]["address"], f"{amount // USD}.00")
    # The books know this money already; the reader is told that it was read.
    page = world.app.chain.incoming(user["wallet"]["address"], cursor="0")
    with atomic():
        users_store.Wallet.update(cursor=page.last_cursor).where(
            users_store.Wallet.id == user["wallet"]["id"]
        ).execute()
    world.check()


def test_a_top_up_is_credited_once_by_whoever_reports_it(
    shared_world: World, parties: tuple[dict[str, Any], ...]
) -> None:
    seller = parties[1]
    made = [
        topups.create_topup(
            shared_world.ctx, user_id=seller["id"], amount_stroops=10 * USD,
            return_url="http://localhost/r", cancel_url="http://localhost/c",
        )["id"]
        for _ in range(TRIALS)
    ]  # fmt: skip
    shared_world.drain(limit_s=60)
    for topup_id in made:
        shared_world.control("POST", f"/payins/{topup_id}/pay", email=BUYER_EMAIL)
    for topup_id in made:
        found = shared_world.until(lambda t=topup_id: _succeeded(shared_world, t))
        before = shared_world.available(seller["id"])
        at_once(
            *[lambda t=topup_id, f=found: topups.apply_payin_result(shared_world.ctx, t, f)] * 6
        )
        assert shared_world.available(seller["id"]) - before == 97_500_000
    shared_world.check()


def _succeeded(world: World, topup_id: str) -> Any:
    found = world.app.payments.find_payin(topup_id)
    return found if found is not None and str(found.status) == "SUCCEEDED" else None


@pytest.mark.parametrize("number", [10, pytest.param(TRIALS, marks=pytest.mark.full)])
def test_an_escrow_is_asked_for_funded_and_released_once_each(
    shared_world: World, parties: tuple[dict[str, Any], ...], number: int
) -> None:
    """Six at once at each stage, over many orders, then performed by six workers."""
    ids = new_orders(shared_world, parties, number)
    for order_id in ids:
        orders.reserve(shared_world.ctx, order_id)
        ends = at_once(*[lambda o=order_id: escrows.create_escrow(shared_world.ctx, o)] * 6)
        assert ends == {"ok": 1, "ESCROW_ALREADY_EXISTS": 5}
    work(shared_world)
    for order_id in ids:
        ends = at_once(*[lambda o=order_id: escrows.fund_escrow(shared_world.ctx, o)] * 6)
        assert ends == {"ok": 1, "ESCROW_ALREADY_FUNDED": 5}
    work(shared_world)
    for order_id in ids:
        ends = at_once(*[lambda o=order_id: releases.release(shared_world.ctx, o)] * 6)
        assert ends == {"ok": 1, "INVALID_STATE": 5}
    work(shared_world)
    for order_id in ids:
        order = orders.get_order(shared_world.ctx, order_id)
        assert (order["status"], order["resolution"]) == ("CLOSED", "RELEASED")
        contract = order["escrow"]["trustless_contract_id"]
        assert shared_world.transfers(destination=contract) == [10 * USD]
        assert sum(shared_world.transfers(source=contract)) == 10 * USD
    shared_world.check()


def work(world: World) -> None:
    """Six workers perform what is due, in real time, until nothing is."""
    stop = threading.Event()
    faults: list[BaseException] = []

    def go() -> None:
        try:
            while not stop.is_set():
                if not perform_next(world.app):
                    stop.wait(0.02)
        except BaseException as error:  # noqa: BLE001 - told to the test below
            faults.append(error)

    threads = [threading.Thread(target=go) for _ in range(6)]
    for thread in threads:
        thread.start()
    try:
        world.until(lambda: engine.next_due_at(world.app) is None, limit_s=100)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert faults == []


# What may happen once for ever: a reference that is used up, money that arrives, an account.


def new_user(world: World) -> str:
    made = users.create_user(world.ctx, external_user_id=f"race-{next(_numbers)}", type="BOTH")
    return str(made["id"])


def _movement(**changes: Any) -> Movement:
    fields: dict[str, Any] = {
        "rail": "AIRTM", "direction": "OUT", "amount_stroops": 10 * USD, "reason": "race",
        "reference": f"move-{next(_numbers)}", **changes,
    }  # fmt: skip
    return Movement(**fields)


def test_an_adjustments_reference_counts_once(shared_world: World) -> None:
    user_id = new_user(shared_world)
    for trial in range(FEW):
        ends = at_once(
            *[
                lambda n=trial: adjustments.adjust(
                    shared_world.ctx, user_id, amount_stroops=USD, direction="CREDIT",
                    reason="race", reference=f"adjust-{n}",
                )
            ]
            * MANY
        )  # fmt: skip
        assert ends == {"ok": 1, "VALIDATION_ERROR": MANY - 1}
    assert shared_world.balance(accounts.user(user_id, accounts.AVAILABLE)) == FEW * USD
    shared_world.check()


def test_a_movements_reference_counts_once(shared_world: World) -> None:
    for _ in range(FEW):
        movement = _movement()
        ends = at_once(*[lambda m=movement: treasury_movements.move(shared_world.ctx, m)] * MANY)
        assert ends == {"ok": 1, "VALIDATION_ERROR": MANY - 1}


def test_what_is_in_transit_arrives_once(shared_world: World) -> None:
    for _ in range(FEW):
        sent = _movement(toward="STELLAR")
        treasury_movements.move(shared_world.ctx, sent)
        arrivals = [
            _movement(rail="STELLAR", direction="IN", transit=sent.reference) for _ in range(MANY)
        ]
        ends = at_once(
            *[lambda m=one: treasury_movements.move(shared_world.ctx, m) for one in arrivals]
        )
        assert ends == {"ok": 1, "VALIDATION_ERROR": MANY - 1}
        assert shared_world.balance(accounts.in_transit(sent.reference)) == 0


def test_one_airtm_account_is_linked_to_one_user(shared_world: World) -> None:
    found = [new_user(shared_world) for _ in range(MANY)]
    ends = at_once(
        *[
            lambda user_id=one: users.link_airtm(shared_world.ctx, user_id, email=BUYER_EMAIL)
            for one in found
        ]
    )
    assert ends == {"ok": 1, "AIRTM_USER_ALREADY_LINKED": MANY - 1}

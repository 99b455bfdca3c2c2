"""Deposits: each movement that reached a wallet is credited once, and nothing else is."""

import threading
from itertools import count
from typing import Any

import pytest
from stellar_sdk import Keypair, MuxedAccount

from offerhub.domain.money import parse_exact
from offerhub.services import deposits, users
from offerhub.store import deposits as store
from offerhub.store import users as users_store
from offerhub.store.database import connection
from tests.services.flow_cases import CASES
from tests.services.test_crash_points import DyingClock, Killed
from tests.services.world import USD, World

_numbers = count(1)
BY_NAME = {case.name: case for case in CASES}


@pytest.fixture
def user(shared_world: World) -> dict[str, Any]:
    """A user whose wallet's own beginning, some XLM, has been read already."""
    made = shared_world.user(f"depositor-{next(_numbers)}")
    read(shared_world, made)
    return made


def read(world: World, user: dict[str, Any]) -> int:
    return deposits.read_wallet(world.ctx, user["wallet"]["id"])


def rows(user: dict[str, Any]) -> list[tuple[str, str | None, int]]:
    with connection():
        found = store.Deposit.select().where(store.Deposit.wallet_id == user["wallet"]["id"])
        return [(row.status, row.reason, row.amount) for row in found.order_by(store.Deposit.id)]


def test_the_smallest_amount_there_is_counts(shared_world: World, user: dict[str, Any]) -> None:
    shared_world.deposit(user["wallet"]["address"], "0.0000001")
    assert read(shared_world, user) == 1
    assert shared_world.available(user["id"]) == 1
    shared_world.check()


def test_several_payments_in_one_transaction_are_several_deposits(
    shared_world: World, user: dict[str, Any]
) -> None:
    chain = shared_world.sandbox.chain
    chain.actors.pay(
        sender=chain.issuer_address, to=user["wallet"]["address"],
        amounts_stroops=[5 * USD, 5 * USD, 7], asset=chain.usdc,
    )  # fmt: skip
    assert read(shared_world, user) == 3
    assert read(shared_world, user) == 0
    assert shared_world.available(user["id"]) == 10 * USD + 7
    shared_world.check()


def test_a_path_payment_counts_by_what_arrived(shared_world: World, user: dict[str, Any]) -> None:
    chain = shared_world.sandbox.chain
    chain.actors.pay_by_path(
        sender=chain.outside_account(), to=user["wallet"]["address"], amount_stroops=3 * USD
    )
    read(shared_world, user)
    assert shared_world.available(user["id"]) == 3 * USD
    shared_world.check()


def test_a_muxed_address_of_the_wallet_and_a_memo_change_nothing_of_what_arrives(
    shared_world: World, user: dict[str, Any]
) -> None:
    """M… addresses are the same account with a number; the memo is kept, and decides nothing."""
    chain, address = shared_world.sandbox.chain, user["wallet"]["address"]
    muxed = MuxedAccount(address, 1001).account_muxed
    assert muxed is not None
    sent = chain.actors.pay(
        sender=chain.issuer_address, to=muxed, amounts_stroops=[1_2345678, 3], asset=chain.usdc,
        memo="for somebody else",
    )  # fmt: skip
    assert read(shared_world, user) == 2
    assert shared_world.available(user["id"]) == 1_2345681
    with connection():
        found = store.Deposit.select().where(store.Deposit.transaction_hash == sent.hash)
        kept = sorted((row.amount, row.memo, row.status) for row in found)
    assert kept == [
        (3, "for somebody else", "CREDITED"),
        (1_2345678, "for somebody else", "CREDITED"),
    ]
    shared_world.check()


def test_a_transfer_by_somebody_elses_contract_is_a_deposit(
    shared_world: World, user: dict[str, Any]
) -> None:
    """It reaches Horizon as a contract call, as an exchange's contract wallet would send it."""
    chain = shared_world.sandbox.chain
    sender = chain.outside_account()
    chain.mint_usdc(to=sender, amount_stroops=9 * USD)
    shared_world.control(
        "POST", "/stellar/deposit", to=user["wallet"]["address"], amount="4.0000000",
        from_address=sender,
    )  # fmt: skip
    read(shared_world, user)
    assert shared_world.available(user["id"]) == 4 * USD
    shared_world.check()


def test_false_dollars_and_foreign_money_are_recorded_and_not_credited(
    shared_world: World, user: dict[str, Any]
) -> None:
    address = user["wallet"]["address"]
    shared_world.control(
        "POST", "/stellar/deposit", to=address, amount="1000.00",
        asset_issuer=Keypair.random().public_key,
    )  # fmt: skip
    shared_world.deposit(address, "1.00")
    assert read(shared_world, user) >= 2
    assert shared_world.available(user["id"]) == 1 * USD
    assert ("IGNORED", "another asset", 1000 * USD) in rows(user)
    shared_world.check()


def test_money_that_came_the_moment_the_wallet_was_made_is_found(shared_world: World) -> None:
    """It is on chain before we know that the wallet is."""
    made = users.create_user(shared_world.ctx, external_user_id=f"at-once-{next(_numbers)}",
                             type="BOTH")  # fmt: skip
    address = users.get_user(shared_world.ctx, made["id"])["wallet"]["address"]
    paid: list[str] = []

    def pay(point: str) -> None:
        if point == "wallet.create/create_wallet/call":
            paid.append(shared_world.deposit(address, "2.50"))

    shared_world.drain(shared_world.with_probe(pay))
    assert paid
    shown = users.get_user(shared_world.ctx, made["id"])
    read(shared_world, shown)
    assert shared_world.available(made["id"]) == parse_exact("2.50")
    shared_world.check()


def test_pages_are_read_to_their_end_and_a_death_between_them_costs_nothing(
    shared_world: World, user: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deposits, "PAGE", 2)
    for _ in range(7):
        shared_world.deposit(user["wallet"]["address"], "1.00")
    clock = DyingClock(shared_world)
    dying = shared_world.dying(clock)
    for _ in range(500):
        try:
            deposits.read_wallet(dying, user["wallet"]["id"])
            break
        except Killed:
            continue
    assert clock.deaths > 3
    assert shared_world.available(user["id"]) == 7 * USD
    assert len([row for row in rows(user) if row[0] == "CREDITED"]) == 7
    shared_world.check()


def test_many_readers_at_once_credit_once(shared_world: World, user: dict[str, Any]) -> None:
    for _ in range(5):
        shared_world.deposit(user["wallet"]["address"], "1.00")
    start = threading.Barrier(6)

    def go() -> None:
        start.wait()
        read(shared_world, user)

    threads = [threading.Thread(target=go) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shared_world.available(user["id"]) == 5 * USD
    shared_world.check()


def test_after_a_long_absence_reading_goes_on_where_it_stopped(
    shared_world: World, user: dict[str, Any]
) -> None:
    shared_world.deposit(user["wallet"]["address"], "1.00")
    read(shared_world, user)
    for _ in range(30):
        shared_world.deposit(user["wallet"]["address"], "0.01")
        shared_world.control("POST", "/stellar/close-ledger")
    shared_world.clock.skip(3 * 24 * 3600)
    assert read(shared_world, user) == 30
    assert shared_world.available(user["id"]) == parse_exact("1.30")
    shared_world.check()


OTHERS = ("milestone released", "resolution", "split with dust", "bridged withdrawal", "fuel")


@pytest.mark.parametrize(
    "name",
    ["bridged funding", "release", "refund", "sweep"]
    + [pytest.param(name, marks=pytest.mark.full) for name in OTHERS],
)
def test_what_our_own_operations_moved_is_not_credited_again(
    shared_world: World, name: str
) -> None:
    case = BY_NAME[name]
    subject = case.begin(shared_world)
    shared_world.drain()
    case.check(shared_world, subject)
    people = [one for one in (subject.buyer, subject.seller) if one]
    before = {one["id"]: shared_world.available(one["id"]) for one in people}
    shared_world.clock.skip(3600)
    deposits.read_due(shared_world.ctx, limit=1_000)
    assert {one["id"]: shared_world.available(one["id"]) for one in people} == before
    shared_world.check()


def test_reading_while_an_operation_is_between_call_and_outcome_credits_nothing_of_it(
    shared_world: World,
) -> None:
    """The bridge has applied on chain and is not in the books yet: the reader sees it first."""
    case = BY_NAME["bridged funding"]
    subject = case.begin(shared_world)
    seen: list[int] = []

    def look(point: str) -> None:
        if point == "escrow.fund/bridge/call":
            read(shared_world, subject.buyer)
            seen.append(shared_world.available(subject.buyer["id"]))

    before = shared_world.available(subject.buyer["id"])
    shared_world.drain(shared_world.with_probe(look))
    assert seen == [before]
    case.check(shared_world, subject)


def test_a_wallet_that_cannot_be_read_holds_up_no_other(shared_world: World) -> None:
    first, second = (shared_world.user(f"neighbour-{next(_numbers)}") for _ in range(2))
    for one in (first, second):
        shared_world.deposit(one["wallet"]["address"], "1.00")
    shared_world.clock.skip(3600)
    shared_world.fault(
        "wrong_body_after", times=None, method="GET",
        path_regex=f"accounts/{first['wallet']['address']}/payments",
    )  # fmt: skip
    deposits.read_due(shared_world.ctx, limit=1_000)
    assert shared_world.available(second["id"]) == 1 * USD
    assert shared_world.available(first["id"]) == 0
    with connection():
        kept = users_store.Wallet.get_by_id(first["wallet"]["id"])
        assert kept.checked_at > kept.created_at, "its turn has passed"
    shared_world.healthy()
    shared_world.clock.skip(3600)
    deposits.read_due(shared_world.ctx, limit=1_000)
    assert shared_world.available(first["id"]) == 1 * USD
    shared_world.check()

"""Many writers on few accounts: no stroop is lost, made or spent twice; the books stay right."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from offerhub.domain.errors import InsufficientFunds
from offerhub.ledger import accounts, checks, journal, transfers
from offerhub.store.database import atomic, connection, snapshot
from offerhub.store.failures import is_conflict
from tests.ledger.bookkeeping import (
    BUYER,
    NOW_MS,
    SELLER,
    USD,
    balance,
    deposit,
    findings,
    open_users,
    post,
    rows,
    sheet,
)

THREADS = 8


def _all_at_once(action: Callable[[int], object], count: int = THREADS) -> list[object]:
    """Results, or the exceptions raised, of `count` threads that start together."""
    start = threading.Barrier(count)

    def run(number: int) -> object:
        start.wait(10)
        try:
            return action(number)
        except Exception as error:  # noqa: BLE001 - handed to the test
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@pytest.mark.proves("P1")
def test_of_eight_reservations_of_everything_exactly_one_succeeds(books: str) -> None:
    open_users(BUYER)
    deposit(BUYER, 100 * USD)
    results = _all_at_once(
        lambda n: post(
            transfers.funds_reserved(order_id=f"ord_{n}", buyer_id=BUYER, amount=100 * USD)
        )
    )
    assert sum(isinstance(result, journal.Posted) for result in results) == 1
    assert sum(isinstance(result, InsufficientFunds) for result in results) == THREADS - 1
    assert (balance(BUYER, "available"), balance(BUYER, "reserved")) == (0, 100 * USD)
    assert findings() == []


def test_of_eight_postings_of_one_reference_exactly_one_succeeds(books: str) -> None:
    open_users(BUYER)
    deposit(BUYER, 100 * USD)
    results = _all_at_once(
        lambda n: post(transfers.funds_reserved(order_id="ord_1", buyer_id=BUYER, amount=USD))
    )
    refused = [result for result in results if isinstance(result, Exception)]
    assert len(refused) == THREADS - 1
    assert all(is_conflict(error) for error in refused)
    assert balance(BUYER, "reserved") == USD
    assert findings() == []


def test_concurrent_credits_of_one_account_all_arrive(books: str) -> None:
    open_users(BUYER)
    results = _all_at_once(lambda n: [deposit(BUYER, n + 1) for _ in range(10)])
    assert not [result for result in results if isinstance(result, Exception)]
    assert balance(BUYER, "available") == 10 * sum(range(1, THREADS + 1))
    assert findings() == []


def test_transfers_that_cross_each_other_never_deadlock(books: str) -> None:
    """Both directions at once, over accounts named in either order."""
    open_users(BUYER, SELLER)
    deposit(BUYER, 1000)
    deposit(SELLER, 1000)

    def pay(payer: str, payee: str, key: str) -> None:
        post(
            transfers.NewTransfer(
                "crossed", f"crossed:{key}", "user", payer,
                (
                    transfers.Line(accounts.user(payer, "available"), -1),
                    transfers.Line(accounts.user(payee, "available"), 1),
                ),
            )
        )  # fmt: skip

    def back_and_forth(number: int) -> None:
        parties = (BUYER, SELLER) if number % 2 else (SELLER, BUYER)
        for turn in range(15):
            pay(*parties, key=f"{number}.{turn}")

    results = _all_at_once(back_and_forth)
    assert results == [None] * THREADS
    assert balance(BUYER, "available") + balance(SELLER, "available") == 2000
    assert findings() == []


def test_a_waiting_writer_sees_what_the_one_before_it_left(postgres_books: str) -> None:
    """The second takes its turn only after the first has committed, and finds too little."""
    open_users(BUYER)
    deposit(BUYER, 10 * USD)
    locked, outcome = threading.Event(), []

    def second() -> None:
        locked.wait(10)
        try:
            post(transfers.funds_reserved(order_id="ord_2", buyer_id=BUYER, amount=6 * USD))
        except InsufficientFunds as error:
            outcome.append(error)

    thread = threading.Thread(target=second)
    thread.start()
    with atomic():
        journal.post(
            transfers.funds_reserved(order_id="ord_1", buyer_id=BUYER, amount=6 * USD),
            now_ms=NOW_MS,
        )
        locked.set()
        waiting = "SELECT COUNT(*) FROM pg_locks WHERE NOT granted"
        for _ in range(500):
            if rows(waiting) != [(0,)]:
                break
            threading.Event().wait(0.01)
        else:
            pytest.fail("the second writer does not wait")
        assert not outcome
    thread.join(10)
    assert len(outcome) == 1
    assert (balance(BUYER, "available"), balance(BUYER, "reserved")) == (4 * USD, 6 * USD)


def test_the_books_are_right_at_every_moment_while_many_write(books: str) -> None:
    """A check beside running writers reads one moment of the books, and holds up nobody."""
    users = [f"usr_{n}" for n in range(4)]
    open_users(*users)
    for user_id in users:
        deposit(user_id, 1_000)
    finished = threading.Event()
    looks: list[list[checks.Finding]] = []

    def write(number: int) -> None:
        random_ = random.Random(number)
        for turn in range(30):
            buyer = random_.choice(users)
            key = f"ord_{number}_{turn}"
            post(transfers.funds_reserved(order_id=key, buyer_id=buyer, amount=1))
            post(transfers.reserve_returned(order_id=key, buyer_id=buyer, amount=1))

    def look() -> None:
        while not finished.is_set():
            with snapshot():
                looks.append(checks.check())
                assert checks.sheet().difference_stroops == 0

    watcher = ThreadPoolExecutor(1)
    watching = watcher.submit(look)
    results = _all_at_once(write, 4)
    finished.set()
    watching.result(20)
    watcher.shutdown()
    assert results == [None] * 4
    assert len(looks) > 5
    assert [found for found in looks if found] == []


def test_a_snapshot_holds_up_no_writer_and_does_not_see_it(books: str) -> None:
    open_users(BUYER)
    with snapshot():
        assert checks.sheet().assets == {}
        with ThreadPoolExecutor(1) as other:
            other.submit(deposit, BUYER, USD).result(5)
        assert checks.sheet().assets == {}
    assert sheet().assets == {accounts.wallet(BUYER): USD}


def test_a_snapshot_writes_nothing(books: str) -> None:
    open_users(BUYER)

    def write() -> None:
        with snapshot():
            journal.post(
                transfers.treasury_funded(deposit_key="1", deposit_id="dep_1", amount=USD),
                now_ms=NOW_MS,
            )

    with pytest.raises(Exception, match=r"(?i)read.?only"):
        write()
    deposit(BUYER, USD)  # the connection can write again
    with connection():
        assert balance(BUYER, "available") == USD

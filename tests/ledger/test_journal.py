"""The one writer of the books: what it posts, what it refuses, and what a refusal leaves behind."""

import pytest

from offerhub.domain.errors import InsufficientFunds
from offerhub.ledger import accounts, journal, payouts, transfers
from offerhub.store.database import atomic, in_transaction
from offerhub.store.failures import is_conflict
from tests.ledger.bookkeeping import (
    BUYER,
    NOW_MS,
    ORDER,
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


def _reserve(amount: int, order_id: str = ORDER) -> transfers.NewTransfer:
    return transfers.funds_reserved(order_id=order_id, buyer_id=BUYER, amount=amount)


def _everything() -> tuple[list[tuple[object, ...]], ...]:
    return tuple(
        rows(f"SELECT * FROM {table} ORDER BY 1") for table in ("accounts", "transfers", "entries")
    )


def test_a_new_user_has_three_accounts_at_zero_and_opening_twice_changes_nothing(books) -> None:
    open_users(BUYER)
    deposit(BUYER, 5 * USD)
    open_users(BUYER)
    assert [balance(BUYER, kind) for kind in accounts.USER_KINDS] == [5 * USD, 0, 0]
    assert findings() == []


@pytest.mark.proves("P11")
def test_a_transfer_is_written_with_its_entries_and_the_balances_after_it(books) -> None:
    open_users(BUYER)
    deposit(BUYER, 10 * USD)
    posted = post(_reserve(4 * USD))
    assert posted.balances == {
        accounts.user(BUYER, "available"): 6 * USD,
        accounts.user(BUYER, "reserved"): 4 * USD,
    }
    assert rows("SELECT kind, reference, subject_type, subject_id, created_at FROM transfers "
                "WHERE id = ?", posted.transfer_id) == [
        ("funds_reserved", "funds_reserved:ord_1", "order", ORDER, NOW_MS)
    ]  # fmt: skip
    assert rows(
        "SELECT account, owner_id, amount, balance_after, created_at FROM entries "
        "WHERE transfer_id = ? ORDER BY id",
        posted.transfer_id,
    ) == [
        (accounts.user(BUYER, "available"), BUYER, 4 * USD, 6 * USD, NOW_MS),
        (accounts.user(BUYER, "reserved"), BUYER, -4 * USD, 4 * USD, NOW_MS),
    ]


def test_an_asset_has_no_row_that_requests_could_queue_for(books) -> None:
    open_users(BUYER)
    deposit(BUYER, 10 * USD)
    names = {name for (name,) in rows("SELECT name FROM accounts")}
    assert names == {accounts.user(BUYER, kind) for kind in accounts.USER_KINDS}
    with atomic():
        assert journal.balance(accounts.wallet(BUYER)) == 10 * USD
        assert journal.balance(accounts.STELLAR_TREASURY) == 0


def test_an_orders_escrow_is_opened_by_its_first_movement(books) -> None:
    open_users(BUYER, SELLER)
    deposit(BUYER, 10 * USD)
    post(_reserve(10 * USD))
    post(transfers.escrow_funded(order_id=ORDER, buyer_id=BUYER, amount=10 * USD))
    with atomic():
        assert journal.balance(accounts.order_escrow(ORDER)) == 10 * USD
        assert journal.balance(accounts.contract(ORDER)) == 10 * USD
    post(
        payouts.escrow_paid_out(
            kind=payouts.RELEASED, reference=ORDER, order_id=ORDER, buyer_id=BUYER,
            seller_id=SELLER, owed=10 * USD, to_buyer=0, to_seller=9 * USD,
            to_platform=USD - 300_000, to_protocol=300_000,
        )
    )  # fmt: skip
    with atomic():
        assert journal.balance(accounts.order_escrow(ORDER)) == 0
    assert balance(SELLER, "available") == 9 * USD
    assert findings() == []
    found = sheet()
    assert found.difference_stroops == 0
    assert found.equity == {"fees.platform": USD - 300_000, "fees.protocol": 0}


def test_outside_a_transaction_nothing_is_posted(books) -> None:
    assert not in_transaction()
    with pytest.raises(RuntimeError, match="outside a transaction"):
        journal.post(_reserve(USD), now_ms=NOW_MS)
    assert rows("SELECT * FROM transfers") == []


def test_a_reference_is_posted_once_ever_and_the_second_leaves_nothing(books) -> None:
    open_users(BUYER)
    deposit(BUYER, 10 * USD)
    post(_reserve(4 * USD))
    before = _everything()
    with pytest.raises(Exception, match=r"(?i)unique|posted") as refused:
        post(_reserve(3 * USD))
    assert is_conflict(refused.value)
    assert _everything() == before
    with atomic():
        assert journal.was_posted("funds_reserved:ord_1")
        assert not journal.was_posted("funds_reserved:ord_2")


def test_a_reserve_stands_from_its_posting_to_its_return_or_its_way_into_the_escrow(books) -> None:
    def standing() -> list[bool]:
        with atomic():
            return [journal.reserve_stands(order_id) for order_id in (ORDER, "ord_2")]

    open_users(BUYER)
    deposit(BUYER, 10 * USD)
    assert standing() == [False, False]
    post(_reserve(4 * USD))
    assert standing() == [True, False]
    post(_reserve(4 * USD, "ord_2"))
    post(transfers.reserve_returned(order_id=ORDER, buyer_id=BUYER, amount=4 * USD))
    assert standing() == [False, True]
    post(transfers.escrow_funded(order_id="ord_2", buyer_id=BUYER, amount=4 * USD))
    assert standing() == [False, False]


def test_too_little_money_leaves_nothing_at_all(books) -> None:
    open_users(BUYER)
    deposit(BUYER, 10 * USD)
    before = _everything()
    with pytest.raises(InsufficientFunds) as refused:
        post(_reserve(10 * USD + 1))
    assert refused.value.details["account"] == "available"
    assert _everything() == before
    assert findings() == []


def test_the_last_stroop_can_be_moved(books) -> None:
    open_users(BUYER)
    deposit(BUYER, 1)
    post(_reserve(1))
    assert (balance(BUYER, "available"), balance(BUYER, "reserved")) == (0, 1)


def test_a_refusal_undoes_what_the_same_transaction_posted_before(books) -> None:
    open_users(BUYER)
    deposit(BUYER, 10 * USD)
    before = _everything()

    def reserve_twice() -> None:
        with atomic():
            journal.post(_reserve(9 * USD), now_ms=NOW_MS)
            journal.post(_reserve(2 * USD, "ord_2"), now_ms=NOW_MS)

    with pytest.raises(InsufficientFunds):
        reserve_twice()
    assert _everything() == before


def test_a_user_without_accounts_has_no_money_and_gets_no_accounts_by_trying(books) -> None:
    before = _everything()
    with pytest.raises(InsufficientFunds):
        post(_reserve(1))
    assert _everything() == before


def test_two_lines_on_one_account_move_it_once_by_their_sum(books) -> None:
    open_users(BUYER)
    deposit(BUYER, 10 * USD)
    available = accounts.user(BUYER, "available")
    posted = post(
        transfers.NewTransfer(
            "adjusted", "adjusted:1", "user", BUYER,
            (
                transfers.Line(available, -3),
                transfers.Line(available, 1),
                transfers.Line(accounts.ADJUSTMENTS, 2),
            ),
        )
    )  # fmt: skip
    assert posted.balances == {available: 10 * USD - 2}
    assert findings() == []


def test_the_balance_after_each_entry_is_the_sum_of_all_entries_so_far(books) -> None:
    open_users(BUYER)
    deposit(BUYER, 10 * USD)
    for number, amount in enumerate((3, 1, 2)):
        post(_reserve(amount * USD, f"ord_{number}"))
        post(transfers.reserve_returned(order_id=f"ord_{number}", buyer_id=BUYER, amount=amount))
    running: dict[str, int] = {}
    for account, amount, after in rows(
        "SELECT account, amount, balance_after FROM entries WHERE owner_id IS NOT NULL ORDER BY id"
    ):
        running[account] = running.get(account, 0) + accounts.sign(account) * amount
        assert after == running[account]

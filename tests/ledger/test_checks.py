"""Every invariant's check fires: the books are corrupted one way at a time, past the database's
own refusals, and the check must name what is wrong."""

from collections.abc import Callable

import pytest

from offerhub.ledger import accounts, checks, transfers
from offerhub.store.database import atomic, execute, is_postgres
from tests.ledger.bookkeeping import (
    BUYER,
    NOW_MS,
    ORDER,
    SELLER,
    USD,
    deposit,
    findings,
    open_users,
    post,
    sheet,
)

SUM = "a transfer has entries that sum to zero"
TOTAL = "all entries sum to zero"
EQUATION = "assets = liabilities + equity"
FOLD = "balance = fold(entries)"
NEGATIVE = "no guarded account below zero"
NEWEST = "newest entry states the balance"
ROW = "guarded accounts have a row"

AVAILABLE = accounts.user(BUYER, "available")


def _books() -> None:
    """A buyer with 10.00, of which 4.00 are in an order's escrow, and a platform with 1.00."""
    open_users(BUYER, SELLER)
    deposit(BUYER, 10 * USD)
    post(transfers.treasury_funded(deposit_key="t", deposit_id="dep_t", amount=USD))
    post(transfers.funds_reserved(order_id=ORDER, buyer_id=BUYER, amount=4 * USD))
    post(transfers.escrow_funded(order_id=ORDER, buyer_id=BUYER, amount=4 * USD))
    assert findings() == []


def _unlock() -> None:
    """Take the database's own refusals away, as only its owner can."""
    if is_postgres():
        execute("DROP TRIGGER entries_append_only ON entries")
        execute("ALTER TABLE accounts DROP CONSTRAINT accounts_balance_check")
        execute("ALTER TABLE entries DROP CONSTRAINT entries_balance_after_check")
        return
    execute("DROP TRIGGER entries_no_update")
    execute("DROP TRIGGER entries_no_delete")
    execute("PRAGMA ignore_check_constraints = 1")


def _tamper(sql: str, *params: object) -> None:
    with atomic():
        _unlock()
        execute(sql, params)


def _one_amount_changed() -> None:
    _tamper("UPDATE entries SET amount = amount + 1 WHERE account = ? AND amount > 0",
            accounts.wallet(BUYER))  # fmt: skip


def _an_entry_gone() -> None:
    _tamper("DELETE FROM entries WHERE account = ?", accounts.contract(ORDER))


def _a_lonely_entry_added() -> None:
    with atomic():
        execute(
            "INSERT INTO transfers (id, kind, reference, subject_type, subject_id, created_at) "
            "VALUES ('ldg_x', 'x', 'x:1', 'x', 'x', ?)",
            (NOW_MS,),
        )
        execute(
            "INSERT INTO entries (transfer_id, account, amount, created_at) "
            "VALUES ('ldg_x', 'adjustments', 5, ?)",
            (NOW_MS,),
        )


def _a_cached_balance_raised() -> None:
    _tamper("UPDATE accounts SET balance = balance + 1 WHERE name = ?", AVAILABLE)


def _a_cached_balance_below_zero() -> None:
    _tamper("UPDATE accounts SET balance = -1 WHERE name = ?", AVAILABLE)


def _an_account_gone() -> None:
    _tamper("DELETE FROM accounts WHERE name = ?", AVAILABLE)


def _a_running_balance_changed() -> None:
    _tamper(
        "UPDATE entries SET balance_after = balance_after + 1 "
        "WHERE id = (SELECT MAX(id) FROM entries WHERE account = ?)",
        AVAILABLE,
    )


def _money_moved_between_users_by_hand() -> None:
    _tamper("UPDATE accounts SET balance = balance - 1 WHERE name = ?", AVAILABLE)
    with atomic():
        execute(
            "UPDATE accounts SET balance = balance + 1 WHERE name = ?",
            (accounts.user(SELLER, "available"),),
        )


def _two_errors_that_cancel_out() -> None:
    """Both transfers are out of balance; all entries together are not."""
    _tamper("UPDATE entries SET amount = amount + 1 WHERE account = 'adjustments'")
    with atomic():
        execute(
            "UPDATE entries SET amount = amount - 1 WHERE account = ? AND amount < 0",
            (accounts.wallet(BUYER),),
        )


CASES: list[tuple[Callable[[], None], set[str]]] = [
    (_one_amount_changed, {SUM, TOTAL, EQUATION}),
    (_an_entry_gone, {SUM, TOTAL, EQUATION}),
    (_a_lonely_entry_added, {SUM, TOTAL, EQUATION}),
    (_a_cached_balance_raised, {FOLD, NEWEST}),
    (_a_cached_balance_below_zero, {FOLD, NEGATIVE, NEWEST}),
    (_an_account_gone, {NEWEST, ROW}),
    (_a_running_balance_changed, {NEWEST}),
    (_money_moved_between_users_by_hand, {FOLD, NEWEST}),
    (_two_errors_that_cancel_out, {SUM}),
]


@pytest.mark.parametrize(
    ("corrupt", "expected"), CASES, ids=[case[0].__name__.strip("_") for case in CASES]
)
def test_a_corruption_is_found_and_named(books: str, corrupt, expected: set[str]) -> None:
    _books()
    corrupt()
    assert set(findings()) == expected


def test_every_invariant_is_provoked_here() -> None:
    assert set().union(*(expected for _, expected in CASES)) == {
        SUM, TOTAL, EQUATION, FOLD, NEGATIVE, NEWEST, ROW
    }  # fmt: skip


@pytest.mark.proves("P11")
def test_a_finding_names_the_account_and_both_figures(books: str) -> None:
    _books()
    _a_cached_balance_raised()
    with atomic():
        found = {f.invariant: f for f in checks.check()}
    assert found[FOLD] == checks.Finding(FOLD, AVAILABLE, 6 * USD, 6 * USD + 1)
    assert found[NEWEST] == checks.Finding(NEWEST, AVAILABLE, 6 * USD + 1, 6 * USD)


def test_a_transfer_without_any_entries_is_found(books: str) -> None:
    _books()
    with atomic():
        execute(
            "INSERT INTO transfers (id, kind, reference, subject_type, subject_id, created_at) "
            "VALUES ('ldg_empty', 'x', 'x:1', 'x', 'x', ?)",
            (NOW_MS,),
        )
    with atomic():
        assert [f.subject for f in checks.check()] == ["ldg_empty"]


def test_the_difference_is_what_is_missing_to_the_stroop(books: str) -> None:
    _books()
    _an_entry_gone()
    found = sheet()
    assert found.difference_stroops == -4 * USD
    with atomic():
        findings_ = {f.invariant: f.found for f in checks.check()}
    assert findings_[EQUATION] == -4 * USD


def test_the_sheet_shows_each_side(books: str) -> None:
    _books()
    found = sheet()
    assert found.assets == {
        accounts.wallet(BUYER): 6 * USD,
        accounts.contract(ORDER): 4 * USD,
        accounts.STELLAR_TREASURY: USD,
    }
    assert found.liabilities_stroops == 10 * USD
    assert found.equity == {accounts.ADJUSTMENTS: USD}
    assert (found.assets_stroops, found.equity_stroops) == (11 * USD, USD)
    assert found.difference_stroops == 0


def test_empty_books_are_right(books: str) -> None:
    assert findings() == []
    assert sheet() == checks.Sheet({}, 0, {})

"""What the database itself refuses, whoever asks: edits of history, and less than nothing."""

import sqlite3

import pytest

from offerhub.domain.money import MAX_STROOPS
from offerhub.ledger import accounts
from offerhub.store.failures import is_conflict
from tests.ledger.bookkeeping import BUYER, NOW_MS, USD, deposit, open_users, rows, run

AVAILABLE = accounts.user(BUYER, "available")
APPEND_ONLY = ("transfers", "entries", "audit_records", "audit_seals")


def _fill() -> None:
    open_users(BUYER)
    deposit(BUYER, 10 * USD)
    run(
        "INSERT INTO audit_records (id, occurred_at, actor_type, action, resource_type, result) "
        "VALUES ('aud_1', ?, 'system', 'test', 'test', 'success')",
        NOW_MS,
    )
    run(
        "INSERT INTO audit_seals (number, audit_id, previous_hash, hash, format) "
        "VALUES (1, 'aud_1', '0', '1', 1)"
    )


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {table} SET {column} = {column}",
        "DELETE FROM {table}",
        "DELETE FROM {table} WHERE {column} IS NOT NULL",
    ],
    ids=["update", "delete all", "delete some"],
)
def test_history_is_not_edited(books: str, table: str, statement: str) -> None:
    _fill()
    before = rows(f"SELECT * FROM {table} ORDER BY 1")
    assert before
    column = "hash" if table == "audit_seals" else "id"
    with pytest.raises(Exception, match=f"{table} is append-only") as refused:
        run(statement.format(table=table, column=column))
    assert is_conflict(refused.value)
    assert rows(f"SELECT * FROM {table} ORDER BY 1") == before


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_history_is_not_truncated(postgres_books: str, table: str) -> None:
    _fill()
    with pytest.raises(Exception, match="append-only"):
        run(f"TRUNCATE {table} CASCADE")
    assert rows(f"SELECT COUNT(*) FROM {table}") != [(0,)]


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_history_is_not_overwritten_by_a_replacing_insert(sqlite_url: str, table: str) -> None:
    """SQLite deletes for `OR REPLACE` without asking the triggers for DELETE."""
    from offerhub.store.database import connect_to, proxy

    connect_to(sqlite_url)
    _fill()
    proxy.obj.close_all()
    with sqlite3.connect(sqlite_url.removeprefix("sqlite:///")) as somebody_else:
        before = somebody_else.execute(f"SELECT * FROM {table}").fetchall()
        marks = ", ".join("?" for _ in before[0])
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            somebody_else.execute(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", before[0])
        assert somebody_else.execute(f"SELECT * FROM {table}").fetchall() == before
    somebody_else.close()


def test_the_key_of_a_movement_is_not_taken_over_by_another(sqlite_books: str) -> None:
    _fill()
    before = rows("SELECT * FROM transfers")
    with pytest.raises(Exception, match="append-only"):
        run(
            "INSERT OR REPLACE INTO transfers SELECT 'ldg_other', kind, reference, subject_type, "
            "subject_id, description, created_at FROM transfers"
        )
    assert rows("SELECT * FROM transfers") == before


@pytest.mark.parametrize("balance", [-1, -USD])
def test_a_balance_below_zero_is_refused_even_to_raw_sql(books: str, balance: int) -> None:
    _fill()
    with pytest.raises(Exception, match=r"(?i)check") as refused:
        run("UPDATE accounts SET balance = ? WHERE name = ?", balance, AVAILABLE)
    assert is_conflict(refused.value)
    with pytest.raises(Exception, match=r"(?i)check"):
        run("UPDATE accounts SET balance = balance - ?", 11 * USD)
    with pytest.raises(Exception, match=r"(?i)check"):
        run("INSERT INTO accounts (name, owner_id, balance) VALUES ('x', 'y', ?)", balance)
    assert rows("SELECT balance FROM accounts WHERE name = ?", AVAILABLE) == [(10 * USD,)]


@pytest.mark.parametrize(("amount", "after"), [(0, 5), (5, -1)], ids=["of zero", "to below zero"])
def test_an_entry_that_makes_no_sense_is_refused(books: str, amount: int, after: int) -> None:
    _fill()
    ((transfer_id,),) = rows("SELECT id FROM transfers")
    with pytest.raises(Exception, match=r"(?i)check"):
        run(
            "INSERT INTO entries (transfer_id, account, owner_id, amount, balance_after, "
            "created_at) VALUES (?, ?, ?, ?, ?, ?)",
            transfer_id, AVAILABLE, BUYER, amount, after, NOW_MS,
        )  # fmt: skip


def test_an_entry_belongs_to_a_transfer(books: str) -> None:
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        run(
            "INSERT INTO entries (transfer_id, account, amount, created_at) "
            "VALUES ('ldg_none', 'adjustments', 5, ?)",
            NOW_MS,
        )


def test_a_balance_beyond_64_bits_is_refused_and_never_becomes_a_float(books: str) -> None:
    _fill()
    run("UPDATE accounts SET balance = ? WHERE name = ?", MAX_STROOPS, AVAILABLE)
    with pytest.raises(Exception, match=r"(?i)range|REAL|integer"):
        run("UPDATE accounts SET balance = balance + 1 WHERE name = ?", AVAILABLE)
    ((balance,),) = rows("SELECT balance FROM accounts WHERE name = ?", AVAILABLE)
    assert balance == MAX_STROOPS
    assert isinstance(balance, int)


@pytest.mark.parametrize("value", [1.5, "a lot", b"\x01"], ids=["a float", "text", "bytes"])
def test_sqlite_keeps_only_whole_numbers_as_money(sqlite_books: str, value: object) -> None:
    _fill()
    with pytest.raises(Exception, match=r"(?i)cannot store|check") as refused:
        run("UPDATE accounts SET balance = ?", value)
    assert is_conflict(refused.value)
    with pytest.raises(Exception, match=r"(?i)cannot store|check"):
        run(
            "INSERT INTO entries (transfer_id, account, amount, created_at) "
            "SELECT id, 'adjustments', ?, 1 FROM transfers",
            value,
        )

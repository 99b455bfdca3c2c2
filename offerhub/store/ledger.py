"""Accounts, transfers and entries: rows only; the one writer is `ledger.journal`.

Entries and transfers are append-only, and balances of guarded accounts are never negative: the
database itself refuses both. Only users' and orders' accounts have a row with a cached balance;
rails, fees and other system accounts are folded from their entries, so that no system row is a
lock that all requests queue for.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from peewee import BigAutoField, Case, CharField, Query, TextField, fn

from offerhub.store import statements
from offerhub.store.database import execute, for_update
from offerhub.store.fields import Millis, Stroops, Table
from offerhub.store.paging import Rows, page
from offerhub.store.statements import Statement, given


class Account(Table):
    """A guarded account and its cached balance, in the account's natural sign."""

    name = CharField(primary_key=True)
    owner_id = CharField()
    balance = Stroops()

    class Meta:
        table_name = "accounts"


class Transfer(Table):
    """One business movement. `reference` is its permanent business key: posted once, ever."""

    id = CharField(primary_key=True)
    kind = CharField()
    reference = CharField(unique=True)
    subject_type = CharField()
    subject_id = CharField()
    description = TextField(null=True)
    created_at = Millis()

    class Meta:
        table_name = "transfers"


class Entry(Table):
    """One side of a transfer. `amount` is debit-positive; a transfer's entries sum to zero."""

    id = BigAutoField()
    transfer_id = CharField()
    account = CharField()
    owner_id = CharField(null=True)
    amount = Stroops()
    balance_after = Stroops(null=True)
    created_at = Millis()

    class Meta:
        table_name = "entries"


def open_accounts(names_and_owners: Sequence[tuple[str, str]]) -> None:
    """Guarded accounts at zero; those that exist stay as they are."""
    rows = [{"name": name, "owner_id": owner, "balance": 0} for name, owner in names_and_owners]
    Account.insert_many(rows).on_conflict_ignore().execute()


def apply(deltas: Mapping[str, int]) -> dict[str, int]:
    """Add to guarded balances, in one statement; the new balances of those that could be changed.

    An account that is missing, or would go below zero, is left out of the answer and unchanged.
    Locks the rows in the order of their names.
    """
    values: dict[str, Any] = {}
    for number, (name, delta) in enumerate(deltas.items()):
        values |= {f"name_{number}": name, f"delta_{number}": delta}
    return dict(_apply(len(deltas)).values(**values))


@lru_cache(maxsize=64)
def _apply(count: int) -> Statement[Account]:
    def build() -> Query:
        names = [given(f"name_{number}") for number in range(count)]
        change = Case(
            None, [(Account.name == n, given(f"delta_{i}")) for i, n in enumerate(names)], 0
        )
        ordered = for_update(
            Account.select(Account.name).where(Account.name.in_(names)).order_by(Account.name)
        )
        return (
            Account.update(balance=Account.balance + change)
            .where(Account.name.in_(ordered) & (Account.balance + change >= 0))
            .returning(Account.name, Account.balance)
        )

    return Statement(build, Account)


def balances(names: Sequence[str]) -> dict[str, int]:
    """Cached balances of guarded accounts."""
    query = Account.select(Account.name, Account.balance).where(Account.name.in_(list(names)))
    return {row.name: row.balance for row in query}


def insert_transfer(transfer: Mapping[str, Any]) -> None:
    """Raises: IntegrityError when the reference was posted before."""
    statements.insert(Transfer, [transfer])


def insert_entries(entries: Sequence[Mapping[str, Any]]) -> None:
    statements.insert(Entry, entries)


def transfer_by_reference(reference: str) -> Transfer | None:
    return Transfer.get_or_none(Transfer.reference == reference)


def references_among(references: Sequence[str]) -> set[str]:
    """Which of these business keys were posted."""
    query = Transfer.select(Transfer.reference).where(Transfer.reference.in_(list(references)))
    return {row.reference for row in query}


def entries_of(transfer_id: str) -> list[Entry]:
    return list(Entry.select().where(Entry.transfer_id == transfer_id).order_by(Entry.id))


def folded(account: str) -> int:
    """Debit-positive sum of one account's entries, in stroops."""
    return int(
        Entry.select(fn.COALESCE(fn.SUM(Entry.amount), 0)).where(Entry.account == account).scalar()
    )


def amounts_since(account: str, *, since_ms: int) -> list[int]:
    """Debit-positive amounts of one account's entries since a moment, the newest first."""
    query = Entry.select(Entry.amount).where(
        (Entry.account == account) & (Entry.created_at >= since_ms)
    )
    return [row.amount for row in query.order_by(Entry.id.desc())]


def folded_all() -> dict[str, int]:
    """Debit-positive sums of every account."""
    query = Entry.select(Entry.account, fn.SUM(Entry.amount).alias("total")).group_by(Entry.account)
    rows: Any = query.dicts()
    return {row["account"]: int(row["total"]) for row in rows}


def cached_all() -> dict[str, int]:
    return {row.name: row.balance for row in Account.select()}


def unbalanced_transfers(limit: int = 100) -> list[str]:
    """Ids of transfers whose entries do not sum to zero, or that have fewer than two."""
    uneven = (
        Entry.select(Entry.transfer_id)
        .group_by(Entry.transfer_id)
        .having((fn.SUM(Entry.amount) != 0) | (fn.COUNT(Entry.id) < 2))
        .limit(limit)
    )
    entries = Entry.select(Entry.id).where(Entry.transfer_id == Transfer.id)
    empty = Transfer.select(Transfer.id).where(~fn.EXISTS(entries)).limit(limit)
    return [row.transfer_id for row in uneven] + [row.id for row in empty]


def last_balances_after() -> dict[str, int]:
    """The running balance that the newest entry of each guarded account states."""
    newest = (
        Entry.select(fn.MAX(Entry.id).alias("id"))
        .where(Entry.balance_after.is_null(False))
        .group_by(Entry.account)
    )
    query = Entry.select(Entry.account, Entry.balance_after).where(Entry.id.in_(newest))
    return {row.account: row.balance_after for row in query}


def statement(owner_id: str, *, limit: int, cursor: str | None) -> Rows:
    """Entries of one user's accounts, newest first, each with `.transfer` beside it."""
    result = page(
        Entry.select().where(Entry.owner_id == owner_id),
        limit=limit,
        cursor=cursor,
        by=Entry.id,
        tie=Entry.id,
    )
    ids = {row.transfer_id for row in result.rows}
    transfers = {t.id: t for t in Transfer.select().where(Transfer.id.in_(ids))}
    for row in result.rows:
        row.transfer = transfers[row.transfer_id]
    return result


def count_entries() -> int:
    return int(execute("SELECT COUNT(*) FROM entries").fetchone()[0])


def transfers_about(subject_id: str, *, kind: str) -> list[Transfer]:
    query = Transfer.select().where((Transfer.subject_id == subject_id) & (Transfer.kind == kind))
    return list(query.order_by(Transfer.created_at, Transfer.id))


def account_entries(account: str, *, limit: int, cursor: str | None) -> Rows:
    """Entries of one account, newest first, each with `.transfer` beside it."""
    result = page(
        Entry.select().where(Entry.account == account),
        limit=limit,
        cursor=cursor,
        by=Entry.id,
        tie=Entry.id,
    )
    ids = {row.transfer_id for row in result.rows}
    transfers = {t.id: t for t in Transfer.select().where(Transfer.id.in_(ids))}
    for row in result.rows:
        row.transfer = transfers[row.transfer_id]
    return result

"""Short ways to move money and to look at the books, for the tests of the ledger."""

from itertools import count
from typing import Any

from offerhub.ledger import accounts, checks, journal, transfers
from offerhub.store.database import atomic, execute

USD = 10_000_000
BUYER, SELLER = "usr_buyer", "usr_seller"
ORDER = "ord_1"
NOW_MS = 1_767_614_400_000

_keys = count(1)


def open_users(*user_ids: str) -> None:
    with atomic():
        for user_id in user_ids:
            journal.open_user(user_id)


def post(transfer: transfers.NewTransfer) -> journal.Posted:
    """Post one transfer in a transaction of its own."""
    with atomic():
        return journal.post(transfer, now_ms=NOW_MS)


def deposit(user_id: str, amount: int) -> journal.Posted:
    key = f"deposit-{next(_keys)}"
    return post(
        transfers.deposit_credited(
            deposit_key=key, deposit_id=f"dep_{key}", user_id=user_id, amount=amount
        )
    )


def balance(user_id: str, kind: str) -> int:
    with atomic():
        return journal.balance(accounts.user(user_id, kind))


def findings() -> list[str]:
    """The invariants that are broken, by name."""
    with atomic():
        return sorted({finding.invariant for finding in checks.check()})


def sheet() -> checks.Sheet:
    with atomic():
        return checks.sheet()


def rows(sql: str, *params: Any) -> list[tuple[Any, ...]]:
    with atomic():
        return list(execute(sql, params).fetchall())


def run(sql: str, *params: Any) -> None:
    with atomic():
        execute(sql, params)

"""What Horizon can tell about the past: pages of payments, operations, transactions, ledgers.

Reads only what is ingested (see `Ledgers.visible`) and not pruned.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from offerhub.sandbox.chain.ledgers import Ledgers
from offerhub.sandbox.chain.records import ledger_record
from offerhub.sandbox.store import SandboxStore

Order = Literal["asc", "desc"]


class BeforeHistory(Exception):
    """A descending page that starts before the oldest ledger kept."""


@dataclass(frozen=True)
class Page:
    """cursor: exclusive TOID, None for the natural start; limit: 1 to 200."""

    cursor: int | None
    order: Order
    limit: int


class History:
    """Pages of records, each a dict with its `paging_token`."""

    def __init__(self, store: SandboxStore, ledgers: Ledgers, *, passphrase: str) -> None:
        self._store = store
        self._ledgers = ledgers
        self._passphrase = passphrase

    def now_cursor(self) -> int:
        """The TOID after everything that is visible."""
        return (self._ledgers.visible() + 1 << 32) - 1

    def operations(
        self,
        page: Page,
        *,
        account: str | None = None,
        transaction_hash: str | None = None,
        payments_only: bool = False,
        include_failed: bool = False,
        join_transactions: bool = False,
    ) -> list[dict[str, Any]]:
        """Operation records. Raises BeforeHistory."""
        conditions: list[str] = []
        params: list[Any] = []
        if account is not None:
            conditions.append("o.id IN (SELECT id FROM chain_operation_accounts WHERE address = ?)")
            params.append(account)
        if transaction_hash is not None:
            conditions.append("(t.hash = ? OR t.inner_hash = ?)")
            params += [transaction_hash, transaction_hash]
        if payments_only:
            conditions.append("o.is_payment = 1")
        if not include_failed:
            conditions.append("o.successful = 1")
        rows = self._rows(
            "SELECT o.record, t.record AS transaction_record FROM chain_operations o"
            " JOIN chain_transactions t ON t.id = o.transaction_id",
            "o.id",
            conditions,
            params,
            page,
        )
        return [self._operation(row, join_transactions) for row in rows]

    def _operation(self, row: Any, join_transactions: bool) -> dict[str, Any]:
        record: dict[str, Any] = json.loads(row["record"])
        if join_transactions:
            record["transaction"] = json.loads(row["transaction_record"])
        return record

    def operation(self, operation_id: int) -> dict[str, Any] | None:
        """One operation by its TOID."""
        low, high = self._range()
        row = self._store.one(
            "SELECT record FROM chain_operations WHERE id = ? AND id > ? AND id < ?",
            (operation_id, low, high),
        )
        return json.loads(row["record"]) if row else None

    def transactions(
        self, page: Page, *, account: str | None = None, include_failed: bool = False
    ) -> list[dict[str, Any]]:
        """Transaction records. Raises BeforeHistory."""
        conditions = [] if include_failed else ["t.successful = 1"]
        params: list[Any] = []
        if account is not None:
            conditions.append(
                "t.id IN (SELECT id FROM chain_transaction_accounts WHERE address = ?)"
            )
            params.append(account)
        rows = self._rows(
            "SELECT t.record FROM chain_transactions t", "t.id", conditions, params, page
        )
        return [json.loads(row["record"]) for row in rows]

    def transaction(self, transaction_hash: str) -> dict[str, Any] | None:
        """One transaction by its hash, or by the hash inside a fee bump."""
        low, high = self._range()
        row = self._store.one(
            "SELECT record FROM chain_transactions"
            " WHERE (hash = ? OR inner_hash = ?) AND id > ? AND id < ?",
            (transaction_hash, transaction_hash, low, high),
        )
        return json.loads(row["record"]) if row else None

    def ledgers(self, page: Page) -> list[dict[str, Any]]:
        """Ledger records. Raises BeforeHistory."""
        rows = self._rows("SELECT * FROM chain_ledgers l", "(l.sequence << 32)", [], [], page)
        return [ledger_record(dict(row), passphrase=self._passphrase) for row in rows]

    def ledger(self, sequence: int) -> dict[str, Any] | None:
        """One ledger by its sequence."""
        if not self._ledgers.elder() <= sequence <= self._ledgers.visible():
            return None
        row = self._store.one("SELECT * FROM chain_ledgers WHERE sequence = ?", (sequence,))
        return ledger_record(dict(row), passphrase=self._passphrase) if row else None

    def account(self, address: str) -> dict[str, Any] | None:
        """An account as of the newest visible ledger."""
        row = self._store.one(
            "SELECT record FROM chain_account_states WHERE address = ? AND ledger <= ?"
            " ORDER BY ledger DESC LIMIT 1",
            (address, self._ledgers.visible()),
        )
        return json.loads(row["record"]) if row and row["record"] else None

    def _range(self) -> tuple[int, int]:
        """Exclusive TOID bounds of what can be seen."""
        return (self._ledgers.elder() << 32) - 1, self._ledgers.visible() + 1 << 32

    def _rows(
        self,
        select: str,
        key: str,
        conditions: list[str],
        params: list[Any],
        page: Page,
    ) -> list[Any]:
        low, high = self._range()
        if page.order == "desc" and page.cursor is not None and page.cursor <= low:
            raise BeforeHistory
        # An ascending cursor older than history is moved to its start without a word.
        start = low if page.cursor is None else max(low, page.cursor)
        end = high if page.cursor is None else min(high, page.cursor)
        bounds = (start, high) if page.order == "asc" else (low, end)
        where = " AND ".join([f"{key} > ?", f"{key} < ?", *conditions])
        return self._store.query(
            f"{select} WHERE {where} ORDER BY {key} {page.order} LIMIT ?",
            [*bounds, *params, page.limit],
        )

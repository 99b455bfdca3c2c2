"""Where escrow contracts and Trustless Work's own index of them are kept."""

from __future__ import annotations

import json
from dataclasses import dataclass

from offerhub.sandbox.store import SandboxStore
from offerhub.sandbox.trustless_work.escrow import Escrow

SCHEMA = """
CREATE TABLE IF NOT EXISTS tw_contracts (
  contract TEXT PRIMARY KEY,
  escrow TEXT NOT NULL,
  deployer TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  archived INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tw_calls (
  transaction_hash TEXT PRIMARY KEY, contract TEXT NOT NULL, function TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tw_index (
  version INTEGER PRIMARY KEY,
  contract TEXT NOT NULL,
  indexed_at_ms INTEGER NOT NULL,
  escrow TEXT NOT NULL,
  balance INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS tw_index_by_contract ON tw_index (contract, indexed_at_ms);
CREATE TABLE IF NOT EXISTS tw_answers (
  transaction_hash TEXT PRIMARY KEY, answer TEXT NOT NULL
) WITHOUT ROWID;
"""

TABLES = ("tw_contracts", "tw_calls", "tw_index", "tw_answers")


@dataclass(frozen=True)
class Stored:
    """A contract and its escrow as the chain has it."""

    contract: str
    escrow: Escrow
    deployer: str
    created_at_ms: int
    updated_at_ms: int
    archived: bool


@dataclass(frozen=True)
class Indexed:
    """A contract as Trustless Work's index shows it; `balance` in stroops may be stale."""

    contract: str
    escrow: Escrow
    balance: int
    deployer: str
    created_at_ms: int
    updated_at_ms: int


class EscrowStorage:
    """Reads and writes; the caller opens transactions."""

    def __init__(self, store: SandboxStore) -> None:
        store.install(SCHEMA)
        self.store = store

    def contract(self, contract: str) -> Stored | None:
        row = self.store.one("SELECT * FROM tw_contracts WHERE contract = ?", (contract,))
        if row is None:
            return None
        escrow = Escrow.from_json(json.loads(row["escrow"]))
        return Stored(**{**dict(row), "escrow": escrow, "archived": bool(row["archived"])})

    def contracts(self) -> list[str]:
        rows = self.store.query(
            "SELECT contract FROM tw_contracts ORDER BY created_at_ms, contract"
        )
        return [row["contract"] for row in rows]

    def insert(self, contract: str, escrow: Escrow, *, deployer: str, now_ms: int) -> None:
        self.store.execute(
            "INSERT INTO tw_contracts (contract, escrow, deployer, created_at_ms, updated_at_ms)"
            " VALUES (?, ?, ?, ?, ?)",
            (contract, json.dumps(escrow.to_json()), deployer, now_ms, now_ms),
        )

    def update(self, contract: str, escrow: Escrow, *, now_ms: int) -> None:
        self.store.execute(
            "UPDATE tw_contracts SET escrow = ?, updated_at_ms = ? WHERE contract = ?",
            (json.dumps(escrow.to_json()), now_ms, contract),
        )

    def archive(self, contract: str, *, archived: bool) -> bool:
        """Let the contract's entry expire or come back; False when there is no such contract."""
        changed = self.store.execute(
            "UPDATE tw_contracts SET archived = ? WHERE contract = ?", (int(archived), contract)
        )
        return changed == 1

    def note_call(self, transaction_hash: str, contract: str, function: str) -> None:
        """Remember which contract a transaction touched, until it turns out to have failed."""
        self.store.execute(
            "INSERT OR REPLACE INTO tw_calls VALUES (?, ?, ?)",
            (transaction_hash, contract, function),
        )

    def called(self, transaction_hash: str) -> tuple[str, str] | None:
        """(contract, function) of an applied transaction."""
        row = self.store.one(
            "SELECT contract, function FROM tw_calls WHERE transaction_hash = ?",
            (transaction_hash,),
        )
        return (row["contract"], row["function"]) if row else None

    def index(self, stored: Stored, *, balance: int, now_ms: int) -> None:
        """Add what the index sees of a contract from now on."""
        self.store.execute(
            "INSERT INTO tw_index (contract, indexed_at_ms, escrow, balance, updated_at_ms)"
            " VALUES (?, ?, ?, ?, ?)",
            (
                stored.contract,
                now_ms,
                json.dumps(stored.escrow.to_json()),
                balance,
                stored.updated_at_ms,
            ),
        )

    def indexed(self, *, as_of_ms: int, mentioning: str) -> list[Indexed]:
        """Contracts as the index was at a moment, in order of creation.

        mentioning: an address; only contracts that are it or name it are looked at.
        """
        rows = self.store.query(
            "SELECT c.contract, i.escrow, i.balance, c.deployer, c.created_at_ms, i.updated_at_ms"
            " FROM tw_contracts c JOIN tw_index i ON i.version = (SELECT max(version)"
            "   FROM tw_index WHERE contract = c.contract AND indexed_at_ms <= :as_of_ms)"
            " WHERE c.contract = :address OR c.deployer = :address OR instr(c.escrow, :address) > 0"
            " ORDER BY c.created_at_ms, c.contract",
            {"as_of_ms": as_of_ms, "address": mentioning},
        )
        return [
            Indexed(**{**dict(row), "escrow": Escrow.from_json(json.loads(row["escrow"]))})
            for row in rows
        ]

    def answer(self, transaction_hash: str) -> dict[str, object] | None:
        """What send-transaction said about this transaction before."""
        row = self.store.one(
            "SELECT answer FROM tw_answers WHERE transaction_hash = ?", (transaction_hash,)
        )
        return json.loads(row["answer"]) if row else None

    def keep_answer(self, transaction_hash: str, answer: str) -> None:
        self.store.execute(
            "INSERT OR IGNORE INTO tw_answers VALUES (?, ?)", (transaction_hash, answer)
        )

    def wipe(self) -> None:
        """Forget everything, with a network reset."""
        for table in TABLES:
            self.store.execute(f"DELETE FROM {table}")  # noqa: S608 - names from our constant

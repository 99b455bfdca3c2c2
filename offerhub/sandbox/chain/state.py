"""Who holds what on the sandbox network right now: accounts, trustlines, contract balances.

Used inside a store transaction only. It knows balances and reserves; what an operation may do
is decided in `operations`, `payments` and `contract_calls`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from offerhub.sandbox.chain.amounts import MAX_AMOUNT_STROOPS, NATIVE, issuer_of
from offerhub.sandbox.store import SandboxStore

BASE_RESERVE_STROOPS = 5_000_000

Problem = Literal["no_account", "no_trust", "not_authorized", "underfunded", "line_full"]


class HoldingProblem(Exception):
    """A balance that cannot be moved; `kind` says why, for the caller to put into its own code."""

    def __init__(self, kind: Problem, address: str, asset: str) -> None:
        super().__init__(f"{kind}: {address} and {asset}")
        self.kind: Problem = kind


@dataclass(frozen=True)
class Account:
    """A row of chain_accounts; `balance` is XLM in stroops."""

    address: str
    balance: int
    sequence: int
    subentries: int
    sponsoring: int
    sponsored: int
    sponsor: str | None
    sequence_ledger: int
    sequence_time_ms: int
    last_modified_ledger: int

    @property
    def minimum_stroops(self) -> int:
        """The reserve: (2 + subentries + sponsoring - sponsored) base reserves."""
        entries = 2 + self.subentries + self.sponsoring - self.sponsored
        return entries * BASE_RESERVE_STROOPS

    @property
    def spendable_stroops(self) -> int:
        return self.balance - self.minimum_stroops


@dataclass(frozen=True)
class Trustline:
    """A row of chain_trustlines."""

    address: str
    asset: str
    balance: int
    limit_amount: int
    authorized: int
    sponsor: str | None
    last_modified_ledger: int


class State:
    """Reads and writes of the current ledger; remembers which accounts it touched."""

    def __init__(self, store: SandboxStore, *, ledger: int, closed_at_ms: int) -> None:
        self.store = store
        self.ledger = ledger
        self.closed_at_ms = closed_at_ms
        self.touched: set[str] = set()

    def account(self, address: str) -> Account | None:
        row = self.store.one("SELECT * FROM chain_accounts WHERE address = ?", (address,))
        return Account(**dict(row)) if row else None

    def trustline(self, address: str, asset: str) -> Trustline | None:
        row = self.store.one(
            "SELECT * FROM chain_trustlines WHERE address = ? AND asset = ?", (address, asset)
        )
        return Trustline(**dict(row)) if row else None

    def create_account(self, address: str, *, balance: int, sequence: int | None = None) -> None:
        """A new account; its sequence starts at its creation ledger << 32 unless given."""
        start = self.ledger << 32 if sequence is None else sequence
        self.store.execute(
            "INSERT INTO chain_accounts (address, balance, sequence, sequence_ledger,"
            " sequence_time_ms, last_modified_ledger) VALUES (?, ?, ?, ?, ?, ?)",
            (address, balance, start, self.ledger, self.closed_at_ms, self.ledger),
        )
        self.touched.add(address)

    def delete_account(self, address: str) -> None:
        self.store.execute("DELETE FROM chain_accounts WHERE address = ?", (address,))
        self.touched.add(address)

    def change(self, address: str, **deltas: int) -> None:
        """Add to counters of an account: balance, subentries, sponsoring, sponsored."""
        sets = ", ".join(f"{column} = {column} + :{column}" for column in deltas)
        self.store.execute(
            f"UPDATE chain_accounts SET {sets}, last_modified_ledger = :ledger"  # noqa: S608
            " WHERE address = :address",
            {**deltas, "ledger": self.ledger, "address": address},
        )
        self.touched.add(address)

    def use_sequence(self, address: str, sequence: int) -> None:
        self.store.execute(
            "UPDATE chain_accounts SET sequence = ?, sequence_ledger = ?, sequence_time_ms = ?,"
            " last_modified_ledger = ? WHERE address = ?",
            (sequence, self.ledger, self.closed_at_ms, self.ledger, address),
        )
        self.touched.add(address)

    def set_sponsor(self, address: str, sponsor: str) -> None:
        self.store.execute(
            "UPDATE chain_accounts SET sponsor = ? WHERE address = ?", (sponsor, address)
        )
        self.touched.add(address)

    def put_trustline(
        self, address: str, asset: str, *, limit: int, sponsor: str | None = None
    ) -> None:
        """Open a trustline or change the limit of one."""
        self.store.execute(
            "INSERT INTO chain_trustlines (address, asset, balance, limit_amount, sponsor,"
            " last_modified_ledger) VALUES (?, ?, 0, ?, ?, ?)"
            " ON CONFLICT (address, asset) DO UPDATE SET limit_amount = excluded.limit_amount,"
            " last_modified_ledger = excluded.last_modified_ledger",
            (address, asset, limit, sponsor, self.ledger),
        )
        self.touched.add(address)

    def delete_trustline(self, address: str, asset: str) -> None:
        self.store.execute(
            "DELETE FROM chain_trustlines WHERE address = ? AND asset = ?", (address, asset)
        )
        self.touched.add(address)

    def authorize(self, address: str, asset: str, *, authorized: bool) -> bool:
        """Freeze or thaw a trustline; False when there is none."""
        self.touched.add(address)
        changed = self.store.execute(
            "UPDATE chain_trustlines SET authorized = ?, last_modified_ledger = ?"
            " WHERE address = ? AND asset = ?",
            (int(authorized), self.ledger, address, asset),
        )
        return changed == 1

    def put_data(self, address: str, key: str, value: bytes) -> None:
        self.store.execute(
            "INSERT INTO chain_data (address, key, value) VALUES (?, ?, ?)"
            " ON CONFLICT (address, key) DO UPDATE SET value = excluded.value",
            (address, key, value),
        )
        self.touched.add(address)

    def delete_data(self, address: str, key: str) -> None:
        self.store.execute("DELETE FROM chain_data WHERE address = ? AND key = ?", (address, key))
        self.touched.add(address)

    def data(self, address: str) -> dict[str, bytes]:
        rows = self.store.query(
            "SELECT key, value FROM chain_data WHERE address = ? ORDER BY key", (address,)
        )
        return {row["key"]: row["value"] for row in rows}

    def trustlines(self, address: str) -> list[Trustline]:
        rows = self.store.query(
            "SELECT * FROM chain_trustlines WHERE address = ? ORDER BY asset", (address,)
        )
        return [Trustline(**dict(row)) for row in rows]

    def contract_balance(self, contract: str, asset: str) -> int:
        row = self.store.one(
            "SELECT balance FROM chain_contract_balances WHERE contract = ? AND asset = ?",
            (contract, asset),
        )
        return int(row["balance"]) if row else 0

    def debit(self, address: str, asset: str, amount: int) -> None:
        """Take `amount` stroops of an asset from an account or contract, or HoldingProblem."""
        if address == issuer_of(asset):
            self._change_supply(asset, amount)
        elif address.startswith("C"):
            self._change_contract(address, asset, -amount)
        elif asset == NATIVE:
            account = self.account(address)
            if account is None:
                raise HoldingProblem("no_account", address, asset)
            if account.spendable_stroops < amount:
                raise HoldingProblem("underfunded", address, asset)
            self.change(address, balance=-amount)
        else:
            self._change_trustline(address, asset, -amount)

    def credit(self, address: str, asset: str, amount: int) -> None:
        """Give `amount` stroops of an asset to an account or contract, or HoldingProblem."""
        if address.startswith("C"):
            self._change_contract(address, asset, amount)
            return
        account = self.account(address)
        if account is None:
            raise HoldingProblem("no_account", address, asset)
        if address == issuer_of(asset):
            self._change_supply(asset, -amount)
        elif asset == NATIVE:
            if account.balance + amount > MAX_AMOUNT_STROOPS:
                raise HoldingProblem("line_full", address, asset)
            self.change(address, balance=amount)
        else:
            self._change_trustline(address, asset, amount)

    def _change_supply(self, asset: str, delta: int) -> None:
        self.store.execute(
            "INSERT INTO chain_supply (asset, amount) VALUES (?, ?)"
            " ON CONFLICT (asset) DO UPDATE SET amount = amount + excluded.amount",
            (asset, delta),
        )

    def _change_contract(self, contract: str, asset: str, delta: int) -> None:
        balance = self.contract_balance(contract, asset) + delta
        if balance < 0:
            raise HoldingProblem("underfunded", contract, asset)
        self.store.execute(
            "INSERT INTO chain_contract_balances (contract, asset, balance) VALUES (?, ?, ?)"
            " ON CONFLICT (contract, asset) DO UPDATE SET balance = excluded.balance",
            (contract, asset, balance),
        )

    def _change_trustline(self, address: str, asset: str, delta: int) -> None:
        line = self.trustline(address, asset)
        if line is None:
            raise HoldingProblem("no_trust", address, asset)
        if not line.authorized:
            raise HoldingProblem("not_authorized", address, asset)
        if line.balance + delta < 0:
            raise HoldingProblem("underfunded", address, asset)
        if line.balance + delta > line.limit_amount:
            raise HoldingProblem("line_full", address, asset)
        self.store.execute(
            "UPDATE chain_trustlines SET balance = balance + ?, last_modified_ledger = ?"
            " WHERE address = ? AND asset = ?",
            (delta, self.ledger, address, asset),
        )
        self.touched.add(address)

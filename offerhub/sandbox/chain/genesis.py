"""The first ledger of a sandbox network and the accounts that exist from then on."""

from __future__ import annotations

import json
from dataclasses import dataclass

from offerhub.sandbox.chain.actors import MAX_TRUST_STROOPS, actor_keypair
from offerhub.sandbox.chain.records import account_record
from offerhub.sandbox.chain.schema import WORLD_TABLES
from offerhub.sandbox.chain.state import State
from offerhub.sandbox.store import SandboxStore

FIRST_LEDGER = 1_000
LEDGER_AFTER_RESET = 2
"""A reset network starts lower, so that a reader's old cursor lies in its future."""

FRIENDBOT_STROOPS = 50_000_000_000 * 10_000_000
ISSUER_STROOPS = 1_000_000_000 * 10_000_000
FEE_ACCOUNT_STROOPS = 1_000 * 10_000_000


@dataclass(frozen=True)
class Founders:
    """Accounts of the first ledger: addresses, and the asset key of USDC."""

    friendbot: str
    issuer: str
    protocol_fee: str
    usdc: str


def found(store: SandboxStore, founders: Founders, *, ledger: int, now_ms: int) -> None:
    """Write the first ledger; call it inside a transaction, on empty tables."""
    store.execute("INSERT INTO chain_ledgers VALUES (?, ?, 0, 0, 0)", (ledger, now_ms))
    store.execute(
        "INSERT OR REPLACE INTO chain_meta (key, value) VALUES ('elder', ?)", (str(ledger),)
    )
    state = State(store, ledger=ledger, closed_at_ms=now_ms)
    state.create_account(founders.friendbot, balance=FRIENDBOT_STROOPS)
    state.create_account(founders.issuer, balance=ISSUER_STROOPS)
    state.create_account(founders.protocol_fee, balance=FEE_ACCOUNT_STROOPS)
    state.put_trustline(founders.protocol_fee, founders.usdc, limit=MAX_TRUST_STROOPS)
    state.change(founders.protocol_fee, subentries=1)
    for address in state.touched:
        account = state.account(address)
        assert account is not None
        store.execute(
            "INSERT INTO chain_account_states VALUES (?, ?, ?)",
            (address, ledger, json.dumps(account_record(state, account))),
        )
    for role in ("friendbot", "usdc issuer", "protocol fee"):
        key = actor_keypair(role)
        store.execute(
            "INSERT OR IGNORE INTO chain_keys VALUES (?, ?, ?)", (key.public_key, key.secret, role)
        )


def wipe(store: SandboxStore) -> None:
    """Empty the world, as a testnet reset does; call it inside a transaction."""
    for table in WORLD_TABLES:
        store.execute(f"DELETE FROM {table}")  # noqa: S608 - names from our own constant

"""What the chain's tests share: a world with a hand-moved clock, wallets, and real HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Blueprint, Flask
from stellar_sdk import Account, Asset, Keypair, TransactionBuilder, TransactionEnvelope
from werkzeug.serving import make_server

from offerhub.sandbox.chain.network import Chain
from offerhub.sandbox.store import SandboxStore

START_S = 1_768_046_000.0
UNIT = 10_000_000


class HandClock:
    """Time that moves when a test says so."""

    def __init__(self, now_s: float = START_S) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s

    def advance(self, seconds: float) -> None:
        self.now_s += seconds


def make_chain(*, interval_ms: int | None = 0, store: SandboxStore | None = None, **more) -> Chain:
    """A chain that includes a submission at once, on a clock at START_S unless given."""
    more.setdefault("clock", HandClock())
    return Chain(store or SandboxStore(), ledger_interval_ms=interval_ms, **more)


def sequence(chain: Chain, address: str) -> int:
    account = chain.ledgers.state().account(address)
    assert account is not None
    return account.sequence


def builder(chain: Chain, address: str, *, base_fee: int = 100, ahead: int = 0):
    """A builder at the account's current sequence (+ ahead), valid for 180 s."""
    account = Account(address, sequence(chain, address) + ahead)
    built = TransactionBuilder(account, chain.passphrase, base_fee=base_fee)
    return built.add_time_bounds(0, chain.ledgers.now_ms() // 1000 + 180)


def signed(built: TransactionBuilder, *keys: Keypair) -> TransactionEnvelope:
    envelope = built.build()
    for key in keys:
        envelope.sign(key)
    return envelope


def usdc(chain: Chain) -> Asset:
    return Asset("USDC", chain.issuer_address)


def wallet(chain: Chain, *, usdc_stroops: int = 0, trust: bool = True) -> Keypair:
    """A friendbot-funded account, with a USDC trustline and money if wanted."""
    key = Keypair.random()
    chain.friendbot(key.public_key)
    if trust:
        built = builder(chain, key.public_key).append_change_trust_op(usdc(chain))
        assert chain.submissions.submit(signed(built, key).to_xdr()).status == "PENDING"
    if usdc_stroops:
        chain.mint_usdc(to=key.public_key, amount_stroops=usdc_stroops)
    return key


def holdings(chain: Chain, address: str) -> int:
    """USDC of an account or contract in stroops."""
    if address.startswith("C"):
        return chain.ledgers.state().contract_balance(address, chain.usdc)
    line = chain.ledgers.state().trustline(address, chain.usdc)
    return line.balance if line else 0


def total_usdc(chain: Chain) -> int:
    """Everything held by anybody but the issuer."""
    rows = chain.store.query(
        "SELECT balance FROM chain_trustlines WHERE asset = :usdc UNION ALL"
        " SELECT balance FROM chain_contract_balances WHERE asset = :usdc",
        {"usdc": chain.usdc},
    )
    return sum(row["balance"] for row in rows)


@contextmanager
def served(*blueprints: Blueprint) -> Iterator[str]:
    """Serve blueprints over real HTTP on a free loopback port; yields the base URL."""
    app = Flask("sandbox-test")
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(timeout=5)

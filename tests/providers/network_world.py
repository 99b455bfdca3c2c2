"""What chain and escrow tests share: the sandbox network over real HTTP, and the adapters."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Flask
from stellar_sdk import Keypair

from offerhub.ports.chain import SignedTransaction, SigningKey, SubmissionStatus
from offerhub.providers.stellar.adapter import StellarChain
from offerhub.providers.stellar.client import connect
from offerhub.sandbox.calls import CallJournal
from offerhub.sandbox.chain.network import Chain
from offerhub.sandbox.faults import FaultRules
from offerhub.sandbox.horizon import horizon_blueprint
from offerhub.sandbox.http_server import BreakableServer
from offerhub.sandbox.provider_wire import ProviderWire
from offerhub.sandbox.store import SandboxStore

UNIT = 10_000_000


class RealClock:
    """The wall clock: the sandbox checks time bounds against its own."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class CountingLimiter:
    """Lets every call through and counts it."""

    calls: list[str] = field(default_factory=list)

    def acquire(self, provider: str) -> None:
        self.calls.append(provider)


@contextmanager
def served(app: Any) -> Iterator[str]:
    """A WSGI application on a free loopback port; yields its URL."""
    server = BreakableServer(host="127.0.0.1", port=0, app=app)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        server.break_connections()
        thread.join(timeout=5)


@dataclass
class World:
    """A sandbox network, the rules that spoil calls to it, and a chain adapter over HTTP."""

    network: Chain
    rules: FaultRules
    journal: CallJournal
    url: str
    limiter: CountingLimiter
    chain: StellarChain

    def spoil(self, kind: str, path_regex: str, *, provider: str = "horizon", **more: Any) -> None:
        """Make the next call whose path matches go wrong."""
        self.rules.add(
            {"kind": kind, "provider": provider, "path_regex": path_regex, "delay_s": 0, **more}
        )

    def key(self) -> SigningKey:
        keypair = Keypair.random()
        return SigningKey(address=keypair.public_key, seed=keypair.secret)

    def apply(self, transaction: SignedTransaction) -> None:
        """Submit and insist that it is on chain and worked."""
        assert self.chain.submit(transaction).status is SubmissionStatus.ACCEPTED
        outcome = self.chain.transaction(transaction.hash)
        assert outcome is not None
        assert outcome.successful, outcome.result_codes

    def funded(self) -> SigningKey:
        """A key whose account has XLM and no trustline."""
        key = self.key()
        self.network.friendbot(key.address)
        return key

    def wallet(self, *, usdc_stroops: int = 0) -> SigningKey:
        """A key whose account has XLM, a USDC trustline and, if wanted, USDC."""
        key = self.funded()
        self.apply(self.chain.build_trustline(account=key))
        if usdc_stroops:
            self.network.mint_usdc(to=key.address, amount_stroops=usdc_stroops)
        return key

    def usdc_of(self, address: str) -> int:
        account = self.chain.account(address)
        assert account is not None
        return account.usdc_stroops


@contextmanager
def world(*blueprints: Any, interval_ms: int = 0, **network: Any) -> Iterator[World]:
    """A fresh network. `blueprints` are functions of the network that make further ones."""
    chain = Chain(SandboxStore(), ledger_interval_ms=interval_ms, **network)
    app = Flask("network-world")
    made: list[Blueprint] = [horizon_blueprint(chain, submit_timeout_s=0.3)]
    made += [make(chain) for make in blueprints]
    for blueprint in made:
        app.register_blueprint(blueprint)
    rules, journal = FaultRules(), CallJournal()
    with served(ProviderWire(app, rules=rules, journal=journal)) as url:
        limiter = CountingLimiter()
        adapter = StellarChain(
            connect(f"{url}/horizon"),
            passphrase=chain.passphrase,
            usdc_issuer=chain.issuer_address,
            limiter=limiter,
            clock=RealClock(),
            friendbot_url=f"{url}/horizon/friendbot",
        )
        yield World(chain, rules, journal, url, limiter, adapter)

"""A whole small world for tests: the application on a real database, against the real sandbox.

Operations are performed in the test's own thread (`drain`), by the functions that the worker's
job uses; nothing is patched.
"""

import base64
import os
import secrets
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import httpx
from stellar_sdk import Keypair

from offerhub import settings
from offerhub.bootstrap import Outbound, build_app
from offerhub.domain import ids
from offerhub.domain.money import parse_exact
from offerhub.ledger import accounts, checks, journal
from offerhub.sandbox.config import SandboxConfig
from offerhub.sandbox.server import SandboxServer
from offerhub.services import (
    deposits,
    engine,
    escrows,
    inbox,
    orders,
    platform,
    releases,
    topups,
    users,
    withdrawals,
)
from offerhub.services.context import App, Context, system_context
from offerhub.services.flows.keys import user_key
from offerhub.store.database import atomic, proxy
from offerhub.worker.jobs.operations import perform_next

USD = 10_000_000
BUYER_EMAIL = "buyer@example.com"
SELLER_EMAIL = "seller@example.com"


def environment(*, database_url: str, redis_url: str, sandbox_host: str) -> dict[str, str]:
    """Settings of a demo deployment with fresh secrets."""
    return {
        "OFFERHUB_ENVIRONMENT": "demo",
        "OFFERHUB_MARKETPLACE_ID": ids.new_id(ids.MARKETPLACE),
        "OFFERHUB_MASTER_KEY": secrets.token_urlsafe(32),
        "OFFERHUB_TOKEN_SECRET": secrets.token_urlsafe(32),
        "OFFERHUB_WALLET_KEKS": "k1:" + base64.b64encode(os.urandom(32)).decode(),
        "OFFERHUB_SANDBOX_BIND": sandbox_host,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "AIRTM_API_KEY": secrets.token_hex(16),
        "AIRTM_API_SECRET": secrets.token_hex(16),
        "AIRTM_WEBHOOK_SECRET": "whsec_" + base64.b64encode(os.urandom(32)).decode(),
        "TRUSTLESS_WORK_API_KEY": secrets.token_hex(16),
        "STELLAR_TREASURY_SECRET": Keypair.random().secret,
        "STELLAR_RELEASE_SECRET": Keypair.random().secret,
        "STELLAR_RESOLVER_SECRET": Keypair.random().secret,
    }


# Tests call as often as they like, and a lost answer is given up on soon.
QUICK = Outbound(
    read_timeout_s=10.0,
    send_read_timeout_s=10.0,
    limits=dict.fromkeys(("airtm", "trustless_work", "stellar"), (100000, 1.0)),
)


class MovedClock:
    """Real time plus what was skipped: waiting costs a test nothing."""

    def __init__(self) -> None:
        self.skipped_s = 0.0

    def time(self) -> float:
        return time.time() + self.skipped_s

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time(), UTC)

    def skip(self, seconds: float) -> None:
        self.skipped_s += max(0.0, seconds)


@dataclass
class World:
    """The application, the sandbox, and what a test does to them."""

    app: App
    sandbox: SandboxServer
    environ: dict[str, str]
    clock: MovedClock = field(default_factory=MovedClock)
    database: Any = None
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30, trust_env=False))

    @property
    def ctx(self) -> Context:
        return system_context(self.app, name="test", request_id=ids.new_id(ids.REQUEST))

    def with_probe(self, probe: Any) -> App:
        """The same application, with a probe at its crash points."""
        return replace(self.app, probe=probe)

    def dying(self, clock: Any) -> Context:
        """A context whose clock is another one, for processes that die while they ask it."""
        return system_context(replace(self.app, clock=clock), name="dying")

    def control(self, verb: str, path: str, /, **json: Any) -> Any:
        answer = self.http.request(verb, f"{self.sandbox.url}/_control{path}", json=json or None)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def drain(self, app: App | None = None, *, limit_s: float = 30) -> None:
        """Perform operations until none is pending."""
        app = app or self.app
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            if perform_next(app):
                continue
            due_at = engine.next_due_at(app)
            if due_at is None:
                return
            # Waits, back-offs and the leases of dead processes pass at once.
            self.clock.skip((due_at - app.now_ms()) / 1000)
            time.sleep(0.002)
        raise AssertionError(f"operations are still pending after {limit_s} s")

    def drain_xlm(self, user_id: str, *, left_stroops: int = 1_000) -> None:
        """Have a user's wallet spend its XLM until only dust is left."""
        key = user_key(self.app, user_id)
        account = self.app.chain.account(key.address)
        assert account is not None
        spent = self.app.chain.build_xlm_payment(
            source=key,
            destination=self.app.platform_keys.treasury.address,
            amount_stroops=account.xlm_stroops - left_stroops - 100,
        )
        self.app.chain.submit(spent)
        self.until(lambda: self.app.chain.transaction(spent.hash))

    def perform_for(self, *, seconds: float) -> None:
        """Perform what becomes due within this time, which passes at once."""
        end_ms = self.app.now_ms() + int(seconds * 1000)
        while True:
            while perform_next(self.app):
                pass
            due_at = engine.next_due_at(self.app)
            if due_at is None or due_at > end_ms:
                return
            self.clock.skip((due_at - self.app.now_ms()) / 1000)

    def use(self) -> "World":
        """Make this world's database the one of the process again, after another world's."""
        proxy.initialize(self.database)
        return self

    def close(self) -> None:
        self.sandbox.stop()
        self.http.close()
        self.database.close_all()

    def fault(self, kind: str, **rule: Any) -> None:
        """Have the sandbox spoil provider calls; see `offerhub.sandbox.faults`."""
        self.control("POST", "/faults", kind=kind, **rule)

    def chain_fault(self, **knobs: int) -> None:
        """Have the network misbehave; see `offerhub.sandbox.chain.faults`."""
        self.control("PATCH", "/stellar/faults", **knobs)

    def healthy(self) -> None:
        """No fault of any kind any more."""
        self.control("DELETE", "/faults")
        self.control("DELETE", "/stellar/faults")

    def transfers(self, *, source: str | None = None, destination: str | None = None) -> list[int]:
        """Stroops of every USDC movement on chain between two addresses (None: any)."""
        return [
            parse_exact(one["amount"])
            for one in self.sandbox.chain.snapshot()["transfers"]
            if source in (None, one["from"]) and destination in (None, one["to"])
        ]

    def set_up(self) -> None:
        """Platform wallets ready, USD 10,000 of USDC in the treasury."""
        platform.ensure_set_up(self.ctx)
        self.drain()
        self.deposit(self.app.platform_keys.treasury.address, "10000.00")
        deposits.read_due(self.ctx)

    def deposit(self, address: str, amount: str) -> str:
        """USDC from outside onto an address; the transaction's hash."""
        answer = self.control("POST", "/stellar/deposit", to=address, amount=amount)
        return str(answer["hash"])

    def user(self, name: str, kind: str = "BOTH", *, email: str | None = None) -> dict[str, Any]:
        """A user with a ready wallet and, with an e-mail address, a linked Airtm account."""
        made = users.create_user(self.ctx, external_user_id=name, type=kind)
        self.drain()
        if email is not None:
            users.link_airtm(self.ctx, made["id"], email=email)
        return users.get_user(self.ctx, made["id"])

    def funded_user(self, name: str, amount: str) -> dict[str, Any]:
        """A user whose wallet received this much USDC."""
        made = self.user(name)
        self.deposit(made["wallet"]["address"], amount)
        deposits.read_wallet(self.ctx, made["wallet"]["id"])
        return made

    def topped_up(self, user_id: str, amount: str, *, email: str = BUYER_EMAIL) -> dict[str, Any]:
        """A top-up that was paid at the checkout and credited."""
        topup = topups.create_topup(
            self.ctx,
            user_id=user_id,
            amount_stroops=parse_exact(amount),
            return_url="http://localhost/return",
            cancel_url="http://localhost/cancel",
        )
        self.drain()
        topup = topups.get_topup(self.ctx, topup["id"])
        self.control("POST", f"/payins/{topup['airtm_payin_id']}/pay", email=email)
        return self.until(lambda: self._settled(topup["id"]))

    def _settled(self, topup_id: str) -> dict[str, Any] | None:
        found = self.app.payments.find_payin(topup_id)
        assert found is not None
        topups.apply_payin_result(self.ctx, topup_id, found)
        shown = topups.get_topup(self.ctx, topup_id)
        return shown if shown["status"] == "TOPUP_SUCCEEDED" else None

    def until(self, condition: Any, *, limit_s: float = 15) -> Any:
        """The first true answer of `condition`."""
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            found = condition()
            if found:
                return found
            time.sleep(0.05)
        raise AssertionError(f"not so after {limit_s} s")

    def order(self, buyer_id: str, seller_id: str, amount: str, **more: Any) -> str:
        made = orders.create_order(
            self.ctx,
            buyer_id=buyer_id,
            seller_id=seller_id,
            amount_stroops=parse_exact(amount),
            title="Logo design",
            **more,
        )
        return str(made["id"])

    def in_progress(self, buyer_id: str, seller_id: str, amount: str, **more: Any) -> str:
        """An order whose escrow is funded."""
        order_id = self.order(buyer_id, seller_id, amount, **more)
        orders.reserve(self.ctx, order_id)
        escrows.create_escrow(self.ctx, order_id)
        self.drain()
        escrows.fund_escrow(self.ctx, order_id)
        self.drain()
        assert self.order_status(order_id) == "IN_PROGRESS"
        return order_id

    def order_status(self, order_id: str) -> str:
        return str(orders.get_order(self.ctx, order_id)["status"])

    def release(self, order_id: str) -> None:
        releases.release(self.ctx, order_id)
        self.drain()

    def balance(self, account: str) -> int:
        with atomic():
            return journal.balance(account)

    def available(self, user_id: str) -> int:
        return self.balance(accounts.user(user_id, accounts.AVAILABLE))

    def process_inbox(self) -> None:
        while inbox.process_due(self.ctx):
            pass

    def finish_withdrawal(self, withdrawal_id: str) -> dict[str, Any]:
        """Follow an Airtm pay-out to its end."""

        def ended() -> dict[str, Any] | None:
            found = self.app.payments.find_payout(withdrawal_id)
            assert found is not None
            withdrawals.apply_payout_result(self.ctx, withdrawal_id, found)
            shown = withdrawals.get_withdrawal(self.ctx, withdrawal_id)
            return shown if shown["status"] == "WITHDRAWAL_COMPLETED" else None

        shown = self.until(ended)
        self.drain()
        return dict(shown)

    def check(self) -> None:
        """Our books are right, and equal to the sandbox's own, account by account."""
        with atomic():
            assert checks.check() == []
            sheet = checks.sheet()
            rows = list(proxy.execute_sql("SELECT user_id, address FROM wallets").fetchall())
            contracts = list(
                proxy.execute_sql(
                    "SELECT order_id, trustless_contract_id FROM escrows "
                    "WHERE trustless_contract_id IS NOT NULL"
                ).fetchall()
            )
        theirs = self.control("GET", "/world")
        stellar, airtm = theirs["stellar"], theirs["airtm"]
        on_chain = {a["address"]: parse_exact(a["usdc"] or "0") for a in stellar["accounts"]}
        expected = {accounts.wallet(user_id): on_chain.get(address, 0) for user_id, address in rows}
        treasury = self.app.platform_keys.treasury.address
        expected[accounts.STELLAR_TREASURY] = on_chain.get(treasury, 0)
        held = {c["contract"]: parse_exact(c["balance"]) for c in stellar["contracts"]}
        expected |= {accounts.contract(order): held[contract] for order, contract in contracts}
        expected[accounts.AIRTM_TREASURY] = parse_exact(airtm["available"]) + parse_exact(
            airtm["pending"]
        )
        ours = {name: sheet.assets.get(name, 0) for name in expected}
        assert ours == expected
        assert set(sheet.assets) <= set(expected)


def open_world(*, database_url: str, redis_url: str, outbound: Outbound | None = QUICK) -> World:
    """Start a sandbox and build an application on it. The caller closes the world."""
    environ = environment(database_url=database_url, redis_url=redis_url, sandbox_host="")
    sandbox = SandboxServer(
        SandboxConfig(
            airtm_key=environ["AIRTM_API_KEY"],
            airtm_secret=environ["AIRTM_API_SECRET"],
            trustless_work_api_key=environ["TRUSTLESS_WORK_API_KEY"],
            ledger_interval_ms=0,
            enforce_rate_limits=False,
        )
    )
    clock = MovedClock()
    # The ledgers' clock is not among the sandbox's settings, and signers compare it with their own.
    sandbox.chain.ledgers._clock = clock.time
    sandbox.start()
    environ["OFFERHUB_SANDBOX_BIND"] = sandbox.url.removeprefix("http://")
    environ["STELLAR_USDC_ISSUER"] = sandbox.chain.issuer_address
    app = build_app(settings.load(environ), outbound=outbound, clock=clock)
    return World(app, sandbox, environ, clock, proxy.obj)

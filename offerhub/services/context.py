"""What every service function is given: the application's parts, and who is asking.

Not here: how the parts are made (`bootstrap`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from offerhub.domain import scopes
from offerhub.ports.chain import Chain, PlatformKeys, Vault
from offerhub.ports.checkpoints import CheckpointFile, CheckpointKey
from offerhub.ports.clock import Clock, epoch_ms
from offerhub.ports.doorbell import Doorbell
from offerhub.ports.escrow import Escrows
from offerhub.ports.limits import OutboundOutlook
from offerhub.ports.outgoing import WebhookSender
from offerhub.ports.payments import Payments
from offerhub.ports.webhooks import WebhookVerifier
from offerhub.store.leases import Moment


@dataclass(frozen=True, slots=True)
class Policy:
    """Decisions of the operator that rules and services need; all from settings."""

    environment: str
    marketplace_id: str
    public_url: str
    network_passphrase: str
    usdc_issuer: str
    platform_fee_bps: int
    airtm_fee_bearer: str
    refund_fee_bearer: str
    wallet_xlm_stroops: int
    topup_expiry_ms: int
    deposit_poll_ms: int
    test_network: bool
    rate_limits_per_min: dict[str, int]
    wallet_xlm_low_stroops: int = 10_000_000
    wallet_xlm_refill_stroops: int = 20_000_000
    platform_xlm_low_stroops: int = 50_000_000
    reconciliation_calls: int = 1200  # of Horizon, for one reconciliation
    streams_per_token: int = 1  # open at once, of a token that is bound to a user
    streams_per_key: int = 10
    replica_margin_s: int = 30  # how far replicas of one reader of the chain may lie apart


@dataclass(slots=True)
class Lately:
    """What this process worked out a moment ago and others may read again (`services.turns`)."""

    turns: dict[str, Any] = field(default_factory=dict)
    until_s: float = 0.0


def no_probe(point: str) -> None:
    """The default probe: does nothing."""


@dataclass(frozen=True, slots=True)
class App:
    """The parts of one running process. `probe` is called at every crash point, for tests.

    lease_clock: from what `clock` says to what leases are measured by (`store.leases.moment`).
    """

    clock: Clock
    lease_clock: Callable[[int], Moment]
    policy: Policy
    payments: Payments
    chain: Chain
    escrows: Escrows
    vault: Vault
    platform_keys: PlatformKeys
    airtm_webhooks: WebhookVerifier
    escrow_webhooks: WebhookVerifier
    webhook_sender: WebhookSender
    doorbell: Doorbell
    checkpoint_key: CheckpointKey
    checkpoint_file: CheckpointFile | None = None
    redis: Any = None
    limits: OutboundOutlook | None = None
    probe: Callable[[str], None] = no_probe
    lately: Lately = field(default_factory=Lately)

    def now_ms(self) -> int:
        return epoch_ms(self.clock.now())

    def lease_now(self) -> Moment:
        """Now for leases and for times of deliveries: the same for all who share the database."""
        return self.lease_clock(self.now_ms())


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. type: api_key, token, operator, webhook or system; `user_id` binds a token."""

    type: str
    id: str | None
    scopes: tuple[str, ...] = ()
    user_id: str | None = None
    request_id: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """First argument of every service function."""

    app: App
    actor: Actor

    def now_ms(self) -> int:
        return self.app.now_ms()


@dataclass(frozen=True, slots=True)
class Page:
    """One page of representations."""

    items: list[dict[str, Any]] = field(default_factory=list)
    next_cursor: str | None = None


def system_context(app: App, *, name: str, request_id: str | None = None) -> Context:
    """A context for work that nobody asked for just now: workers, sweeps, deposits."""
    return Context(app, Actor("system", name, scopes=(scopes.ADMIN,), request_id=request_id))

"""The composition root: from settings to an application. The only module that names adapters."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog
from pydantic import SecretStr
from redis import Redis

from offerhub.ports.chain import PlatformKeys, SigningKey
from offerhub.ports.checkpoints import CheckpointFile
from offerhub.ports.clock import Clock
from offerhub.ports.doorbell import Doorbell
from offerhub.providers.airtm import AirtmWebhooks, build_airtm
from offerhub.providers.checkpoints import DerivedCheckpointKey, FileOfCheckpoints
from offerhub.providers.http import HttpClient
from offerhub.providers.limiter import RedisLimiter
from offerhub.providers.outgoing import SafeSender
from offerhub.providers.stellar.adapter import StellarChain
from offerhub.providers.transactions import address_of
from offerhub.providers.trustlesswork.adapter import TrustlessWorkEscrows
from offerhub.providers.trustlesswork.webhooks import TrustlessWorkWebhooks
from offerhub.providers.vault import EnvelopeVault
from offerhub.services.context import App, Policy
from offerhub.settings import Settings, load_process, paths
from offerhub.settings.formats import xlm_stroops
from offerhub.store.database import connect_to
from offerhub.store.leases import Moment, moment

log = structlog.get_logger(__name__)

# Calls per window (seconds) that all processes share. Sources: Airtm 10/s; Trustless Work 50 per
# 60 s, of which a margin is left; Horizon's public instances 3600 per hour.
OUTBOUND_LIMITS = {"airtm": (10, 1.0), "trustless_work": (45, 60.0), "stellar": (3600, 3600.0)}
# The demo's network closes a ledger every fifth of a second and has no limit of its own.
DEMO_LIMITS = {"airtm": (10, 1.0), "trustless_work": (600, 60.0), "stellar": (6000, 60.0)}
TESTNET_FRIENDBOT = "https://friendbot.stellar.org"


@dataclass(frozen=True, slots=True)
class Outbound:
    """How long providers are waited for, in seconds, and how often they may be called.

    limits: calls per window of seconds, by provider; None takes those of the environment.
    valid_s: how long a payment that was built may still be included.
    """

    read_timeout_s: float = 30.0
    send_read_timeout_s: float = 60.0  # Trustless Work answers a send after a ledger or two
    limits: dict[str, tuple[int, float]] | None = None
    valid_s: int = 180


class SystemClock:
    """The machine's clock, in UTC."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def own_time(own_ms: int) -> Moment:
    """The lease clock of a simulated world: its time is nobody else's."""
    return own_ms


class SilentDoorbell:
    """For processes that wake nobody: a sweep finds the work."""

    def ring(self, name: str) -> None:
        log.debug("doorbell.silent", bell=name)


def open_store(settings: Settings, *, max_connections: int = 20) -> None:
    """Make the deployment's database the one of this process."""
    connect_to(settings.database_url, max_connections=max_connections)


def read_settings() -> Settings:
    """The settings of this process: its deployment's files and its environment.

    Raises: InvalidSettings.
    """
    return load_process(os.environ)


def build_app(
    settings: Settings,
    *,
    doorbell: Doorbell | None = None,
    redis: Redis | None = None,
    outbound: Outbound | None = None,
    clock: Clock | None = None,
) -> App:
    """Everything a process needs, wired; opens no connection yet.

    redis: for locks and limits at the API's edge; made from settings when not given.
    outbound: other patience with the providers than the usual. clock: another than the machine's;
    leases go by it then, for no database knows a simulated time.
    """
    from offerhub.call_metrics import count_call  # loads the metrics library: not for each command

    outbound = outbound or Outbound()
    open_store(settings)
    redis = redis or Redis.from_url(
        settings.redis_url, socket_connect_timeout=0.5, socket_timeout=0.5, retry=None
    )
    limiter = RedisLimiter.from_url(settings.redis_url, outbound.limits or _limits(settings))
    lease_clock = moment if clock is None else own_time
    clock = clock or SystemClock()
    horizon = settings.stellar_horizon_url.rstrip("/")
    keys = settings.key_ring
    return App(
        clock=clock,
        lease_clock=lease_clock,
        policy=_policy(settings),
        payments=build_airtm(
            base_url=settings.airtm_base_url,
            api_key=settings.airtm_api_key.get_secret_value(),
            api_secret=settings.airtm_api_secret.get_secret_value(),
            checkout_url_template=settings.airtm_checkout_url_template,
            limiter=limiter,
            read_timeout_s=outbound.read_timeout_s,
            deadline_s=outbound.read_timeout_s + 10,
            on_call=count_call,
        ),
        chain=StellarChain(
            HttpClient(
                provider="stellar",
                base_url=horizon,
                read_timeout_s=outbound.read_timeout_s,
                deadline_s=outbound.read_timeout_s + 10,
                on_call=count_call,
            ),
            passphrase=settings.stellar_network_passphrase,
            usdc_issuer=settings.stellar_usdc_issuer,
            limiter=limiter,
            clock=clock,
            max_base_fee_stroops=settings.stellar_max_fee_stroops,
            max_time_s=outbound.valid_s,
            friendbot_url=_friendbot(settings, horizon),
        ),
        escrows=TrustlessWorkEscrows(
            HttpClient(
                provider="trustless_work",
                base_url=settings.trustless_work_base_url,
                headers={"x-api-key": settings.trustless_work_api_key.get_secret_value()},
                read_timeout_s=outbound.send_read_timeout_s,
                deadline_s=outbound.send_read_timeout_s + 10,
                on_call=count_call,
            ),
            passphrase=settings.stellar_network_passphrase,
            usdc_issuer=settings.stellar_usdc_issuer,
            limiter=limiter,
            factory_ids=settings.trustless_work_factory_ids,
        ),
        vault=EnvelopeVault(keys, active=next(iter(keys))),
        platform_keys=_platform_keys(settings),
        airtm_webhooks=AirtmWebhooks(settings.airtm_webhook_secret.get_secret_value()),
        escrow_webhooks=TrustlessWorkWebhooks(_text(settings.trustless_work_webhook_secret)),
        webhook_sender=SafeSender(allow_private=settings.environment == "demo"),
        doorbell=doorbell or SilentDoorbell(),
        checkpoint_key=DerivedCheckpointKey(settings.token_secret.get_secret_value()),
        checkpoint_file=FileOfCheckpoints(paths.audit_checkpoints(settings.home)),
        redis=redis,
        limits=limiter,
    )


def checkpoint_file_at(path: Path) -> CheckpointFile:
    """A file of audit checkpoints of the operator's choice."""
    return FileOfCheckpoints(path)


def _text(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


def _policy(settings: Settings) -> Policy:
    return Policy(
        environment=str(settings.environment),
        marketplace_id=settings.marketplace_id,
        public_url=settings.public_url.rstrip("/"),
        network_passphrase=settings.stellar_network_passphrase,
        usdc_issuer=settings.stellar_usdc_issuer,
        platform_fee_bps=settings.platform_fee_bps,
        airtm_fee_bearer=settings.airtm_fee_bearer,
        refund_fee_bearer=settings.refund_fee_bearer,
        wallet_xlm_stroops=settings.wallet_xlm_stroops,
        wallet_xlm_low_stroops=xlm_stroops(settings.stellar_wallet_xlm_low),
        wallet_xlm_refill_stroops=xlm_stroops(settings.stellar_wallet_xlm_refill),
        platform_xlm_low_stroops=xlm_stroops(settings.stellar_platform_xlm_low),
        topup_expiry_ms=settings.topup_expiry_h * 3_600_000,
        deposit_poll_ms=settings.deposit_poll_s * 1000,
        test_network=settings.environment != "production",
        rate_limits_per_min={
            "api_key": settings.rate_limit_per_min,
            "topups": settings.rate_limit_topups_per_min,
            "withdrawals": settings.rate_limit_withdrawals_per_min,
            "failed_logins": settings.rate_limit_failed_logins_per_min,
        },
        streams_per_token=settings.streams_per_token,
        streams_per_key=settings.streams_per_key,
        reconciliation_calls=settings.reconciliation_calls,
        # The demo's network is one process and has no replicas.
        replica_margin_s=2 if settings.environment == "demo" else 30,
    )


def _platform_keys(settings: Settings) -> PlatformKeys:
    def key(seed: str) -> SigningKey:
        return SigningKey(address_of(seed), seed)

    return PlatformKeys(
        treasury=key(settings.stellar_treasury_secret.get_secret_value()),
        release=key(settings.stellar_release_secret.get_secret_value()),
        resolver=key(settings.stellar_resolver_secret.get_secret_value()),
    )


def _limits(settings: Settings) -> dict[str, tuple[int, float]]:
    return dict(DEMO_LIMITS if settings.environment == "demo" else OUTBOUND_LIMITS)


def _friendbot(settings: Settings, horizon: str) -> str | None:
    if settings.environment == "production":
        return None
    return f"{horizon}/friendbot" if settings.environment == "demo" else TESTNET_FRIENDBOT

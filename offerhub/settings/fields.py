"""Every setting: its variable, type, unit, default and a sentence, which the manual repeats.

Not here: rules about several settings together (`rules`), files (`sources`).
"""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from offerhub.domain.fees import MAX_PLATFORM_FEE_BPS
from offerhub.settings import defaults, formats, paths


class Environment(StrEnum):
    """What the deployment is for; decides which providers are acceptable."""

    DEMO = "demo"
    SANDBOX = "sandbox"
    PRODUCTION = "production"


def _setting(env: str, sentence: str, *, unit: str = "", **more: Any) -> Any:
    return Field(alias=env, description=sentence, json_schema_extra={"unit": unit}, **more)


def _hidden(check: Callable[[str], object]) -> AfterValidator:
    """Apply a check to a secret's text and keep it a secret."""

    def checked(value: SecretStr) -> SecretStr:
        check(value.get_secret_value())
        return value

    return AfterValidator(checked)


def _long(text: str) -> str:
    return formats.secret(text, at_least=32)


def _api_credential(text: str) -> str:
    return formats.secret(text, at_least=8)


def _bind(text: str) -> str:
    formats.bind_address(text)
    return text


def _xlm(text: str) -> str:
    formats.xlm_stroops(text)
    return text


LongSecret = Annotated[SecretStr, _hidden(_long)]
Credential = Annotated[SecretStr, _hidden(_api_credential)]
KeyRing = Annotated[SecretStr, _hidden(formats.key_ring)]
WebhookSecret = Annotated[SecretStr, _hidden(formats.webhook_secret)]
Seed = Annotated[SecretStr, _hidden(formats.stellar_seed)]
Bind = Annotated[str, AfterValidator(_bind)]
Url = Annotated[str, AfterValidator(formats.http_url)]
Lines = Annotated[tuple[str, ...], BeforeValidator(formats.contract_ids)]

_OPTIONAL: Final = None


class Settings(BaseSettings):
    """All settings of one deployment, frozen. Build it with `load` or `load_home`."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=False
    )

    environment: Environment = _setting(
        "OFFERHUB_ENVIRONMENT",
        "What this deployment is for: demo (everything local), sandbox (the providers' test"
        " systems) or production.",
    )
    marketplace_id: Annotated[str, AfterValidator(formats.marketplace_id)] = _setting(
        "OFFERHUB_MARKETPLACE_ID", "The id of the one marketplace that this deployment serves."
    )
    home: Path = _setting(
        "OFFERHUB_HOME",
        "The deployment's folder; the embedded database, Valkey and logs live in its data folder.",
        default=Path(),
    )
    bind: Bind = _setting(
        "OFFERHUB_BIND", "Address and port that the API listens on.", default=defaults.BIND
    )
    public_url: Url = _setting(
        "OFFERHUB_PUBLIC_URL",
        "The URL under which the world reaches the API; https in production."
        " Outside production it defaults to the bind address.",
    )
    trusted_proxies: int = _setting(
        "OFFERHUB_TRUSTED_PROXIES",
        "How many reverse proxies in front of the API may be believed about the client's address.",
        unit="hops", default=0, ge=0, le=8,
    )  # fmt: skip
    web_workers: int = _setting(
        "OFFERHUB_WEB_WORKERS", "Processes that serve the API.",
        unit="processes", default=2, ge=1, le=64,
    )  # fmt: skip
    event_streams: int = _setting(
        "OFFERHUB_EVENT_STREAMS",
        "Event streams that may be open at once, in all processes together; those of admin keys"
        " come on top.",
        unit="streams", default=1_000, ge=1, le=50_000,
    )  # fmt: skip
    log_level: Literal["debug", "info", "warning", "error"] = _setting(
        "OFFERHUB_LOG_LEVEL", "The least severe entries that are logged.", default="info"
    )
    log_format: Literal["json", "console"] = _setting(
        "OFFERHUB_LOG_FORMAT", "json for machines, console for people.", default="json"
    )

    master_key: LongSecret = _setting(
        "OFFERHUB_MASTER_KEY", "Makes the first admin API key, and is good for nothing else."
    )
    token_secret: LongSecret = _setting("OFFERHUB_TOKEN_SECRET", "Signs short-lived tokens.")
    metrics_token: LongSecret | None = _setting(
        "OFFERHUB_METRICS_TOKEN",
        "Opens GET /metrics to Prometheus; without it there are no metrics.",
        default=_OPTIONAL,
    )
    wallet_keks: KeyRing = _setting(
        "OFFERHUB_WALLET_KEKS",
        "Keys that encrypt the users' wallet keys, as name:base64 of 32 bytes, separated by commas;"
        " the first is used for new wallets, the others still decrypt.",
    )

    database_url: Annotated[str, AfterValidator(formats.database_url)] = _setting(
        "DATABASE_URL",
        "sqlite:///… or postgresql://…; without it, SQLite in the deployment's data folder.",
        repr=False,
    )
    redis_url: Annotated[str, AfterValidator(formats.redis_url)] = _setting(
        "REDIS_URL",
        "Redis or Valkey; without it, `offerhub up` runs a Valkey in the deployment's data folder.",
        repr=False,
    )
    valkey_password: LongSecret | None = _setting(
        "OFFERHUB_VALKEY_PASSWORD", "Password of the embedded Valkey.", default=_OPTIONAL
    )

    platform_fee_bps: int = _setting(
        "OFFERHUB_PLATFORM_FEE_BPS",
        "The marketplace's fee on each order, unless the order says another one.",
        unit="basis points", default=250, ge=0, le=MAX_PLATFORM_FEE_BPS,
    )  # fmt: skip
    airtm_fee_bearer: Literal["user", "platform"] = _setting(
        "OFFERHUB_AIRTM_FEE_BEARER",
        "Who bears Airtm's fee on a top-up: the user (credited net) or the platform.",
        default="user",
    )
    refund_fee_bearer: Literal["platform", "buyer"] = _setting(
        "OFFERHUB_REFUND_FEE_BEARER",
        "Who bears the escrow's fees on a full refund: the platform (the buyer gets all back) or"
        " the buyer.",
        default="platform",
    )
    rate_limit_per_min: int = _setting(
        "OFFERHUB_RATE_LIMIT_PER_MIN", "Requests per API key.",
        unit="requests per minute", default=100, ge=1, le=1_000_000,
    )  # fmt: skip
    rate_limit_topups_per_min: int = _setting(
        "OFFERHUB_RATE_LIMIT_TOPUPS_PER_MIN", "New top-ups per user.",
        unit="requests per minute", default=10, ge=1, le=1_000_000,
    )  # fmt: skip
    rate_limit_withdrawals_per_min: int = _setting(
        "OFFERHUB_RATE_LIMIT_WITHDRAWALS_PER_MIN", "New withdrawals per user.",
        unit="requests per minute", default=5, ge=1, le=1_000_000,
    )  # fmt: skip
    rate_limit_failed_logins_per_min: int = _setting(
        "OFFERHUB_RATE_LIMIT_FAILED_LOGINS_PER_MIN", "Refused credentials per client address.",
        unit="requests per minute", default=20, ge=1, le=1_000_000,
    )  # fmt: skip
    streams_per_token: int = _setting(
        "OFFERHUB_STREAMS_PER_TOKEN",
        "Event streams that a token bound to a user may hold open at once.",
        unit="streams", default=1, ge=1, le=1_000,
    )  # fmt: skip
    streams_per_key: int = _setting(
        "OFFERHUB_STREAMS_PER_KEY",
        "Event streams that an API key, or a token of it that is bound to nobody, may hold open at"
        " once.",
        unit="streams", default=10, ge=1, le=10_000,
    )  # fmt: skip
    deposit_poll_s: int = _setting(
        "OFFERHUB_DEPOSIT_POLL_S", "Pause between looks for deposits on the chain (demo: 1).",
        unit="seconds", default=60, ge=1, le=3600,
    )  # fmt: skip
    reconciliation_calls: int = _setting(
        "OFFERHUB_RECONCILIATION_CALLS",
        "Calls of Horizon that one hourly reconciliation may spend on wallets and payments.",
        unit="calls", default=1200, ge=4, le=1_000_000,
    )  # fmt: skip
    topup_expiry_h: int = _setting(
        "OFFERHUB_TOPUP_EXPIRY_H", "Age at which a top-up that nobody confirmed is cancelled.",
        unit="hours", default=24, ge=1, le=360,
    )  # fmt: skip
    sandbox_bind: Bind = _setting(
        "OFFERHUB_SANDBOX_BIND",
        "Address and port of the sandbox program; used in the demo environment only.",
        default=defaults.SANDBOX_BIND,
    )

    airtm_base_url: Url = _setting(
        "AIRTM_BASE_URL", "Airtm's enterprise API; the default follows the environment."
    )
    airtm_api_key: Credential = _setting("AIRTM_API_KEY", "The API key that Airtm gave you.")
    airtm_api_secret: Credential = _setting(
        "AIRTM_API_SECRET", "The secret that belongs to the Airtm API key."
    )
    airtm_webhook_secret: WebhookSecret = _setting(
        "AIRTM_WEBHOOK_SECRET",
        "whsec_… of your webhook endpoint at Airtm; unsigned webhooks are never accepted.",
    )
    airtm_checkout_url_template: Annotated[str, AfterValidator(formats.checkout_template)] = (
        _setting(
            "AIRTM_CHECKOUT_URL_TEMPLATE",
            "The page where a user confirms a top-up, with {id} for the pay-in's id;"
            " the default follows the environment.",
        )
    )
    trustless_work_base_url: Url = _setting(
        "TRUSTLESS_WORK_BASE_URL", "Trustless Work's API; the default follows the environment."
    )
    trustless_work_api_key: Credential = _setting(
        "TRUSTLESS_WORK_API_KEY", "The API key that Trustless Work gave you."
    )
    trustless_work_webhook_secret: WebhookSecret | None = _setting(
        "TRUSTLESS_WORK_WEBHOOK_SECRET",
        "whsec_… for signed webhooks from Trustless Work, if you have an arrangement that sends"
        " them; without it they are refused, and contracts are watched by polling alone.",
        default=_OPTIONAL,
    )
    trustless_work_factory_ids: Lines = _setting(
        "TRUSTLESS_WORK_FACTORY_IDS",
        "Contracts (C…, separated by commas) that may deploy escrows; required in production,"
        " elsewhere empty means any.",
        default=(),
    )
    stellar_horizon_url: Url = _setting(
        "STELLAR_HORIZON_URL",
        "The Horizon server that reads and submits; no default in production.",
    )
    stellar_network_passphrase: str = _setting(
        "STELLAR_NETWORK_PASSPHRASE",
        "Names the network that signatures are for; the default follows the environment.",
        min_length=8,
    )
    stellar_usdc_issuer: Annotated[str, AfterValidator(formats.stellar_account)] = _setting(
        "STELLAR_USDC_ISSUER",
        "The account whose USDC counts as money; the default follows the environment.",
    )
    stellar_treasury_secret: Seed = _setting(
        "STELLAR_TREASURY_SECRET", "Seed (S…) of the wallet that funds escrows and withdrawals."
    )
    stellar_release_secret: Seed = _setting(
        "STELLAR_RELEASE_SECRET", "Seed (S…) of the wallet that signs releases."
    )
    stellar_resolver_secret: Seed = _setting(
        "STELLAR_RESOLVER_SECRET",
        "Seed (S…) of the wallet that resolves disputes; it must differ from the other two.",
    )
    stellar_wallet_xlm: Annotated[str, AfterValidator(_xlm)] = _setting(
        "STELLAR_WALLET_XLM", "XLM that a new user wallet starts with, for fees and reserves.",
        unit="XLM", default="3",
    )  # fmt: skip
    stellar_wallet_xlm_low: Annotated[str, AfterValidator(_xlm)] = _setting(
        "STELLAR_WALLET_XLM_LOW", "A user wallet that can spend less is refilled before it signs.",
        unit="XLM", default="1",
    )  # fmt: skip
    stellar_wallet_xlm_refill: Annotated[str, AfterValidator(_xlm)] = _setting(
        "STELLAR_WALLET_XLM_REFILL", "XLM that a wallet gets when it is refilled.",
        unit="XLM", default="2",
    )  # fmt: skip
    stellar_platform_xlm_low: Annotated[str, AfterValidator(_xlm)] = _setting(
        "STELLAR_PLATFORM_XLM_LOW",
        "A wallet of the platform that can spend less makes the health degraded.",
        unit="XLM", default="5",
    )  # fmt: skip
    stellar_max_fee_stroops: int = _setting(
        "STELLAR_MAX_FEE_STROOPS", "The most that is bid per operation of a payment.",
        unit="stroops of XLM", default=10_000, ge=100, le=50_000_000,
    )  # fmt: skip

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load` hands in: nothing reads the process's environment behind its back."""
        return (init_settings,)

    @property
    def key_ring(self) -> dict[str, bytes]:
        """Wallet encryption keys by name; the first is the active one."""
        return formats.key_ring(self.wallet_keks.get_secret_value())

    @property
    def redis_embedded(self) -> bool:
        """Whether Redis is the Valkey that `offerhub up` runs in the deployment's folder."""
        password = self.valkey_password.get_secret_value() if self.valkey_password else ""
        return self.redis_url == paths.valkey_url(self.home, password=password)

    @property
    def bind_address(self) -> tuple[str, int]:
        return formats.bind_address(self.bind)

    @property
    def sandbox_address(self) -> tuple[str, int]:
        return formats.bind_address(self.sandbox_bind)

    @property
    def wallet_xlm_stroops(self) -> int:
        return formats.xlm_stroops(self.stellar_wallet_xlm)

    def redacted(self) -> dict[str, str]:
        """Printable values by variable name; a secret only says whether it is set."""
        return {env: _printable(getattr(self, name)) for name, env in variables().items()}


def variables() -> dict[str, str]:
    """Variable name by field name, in the order of the class."""
    return {
        name: info.alias for name, info in Settings.model_fields.items() if info.alias is not None
    }


def secret_variables() -> frozenset[str]:
    """Variables whose value is never shown; each has a `…_FILE` twin that names a file instead."""
    return frozenset(
        str(info.alias)
        for info in Settings.model_fields.values()
        if "SecretStr" in str(info.annotation)
    )


def _printable(value: object) -> str:
    if isinstance(value, SecretStr):
        return "(set)"
    if value is None:
        return "(not set)"
    if isinstance(value, tuple):
        return ",".join(value)
    return formats.without_password(str(value))

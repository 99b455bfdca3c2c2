"""Rules that look at several settings: combinations that would lose money or leak keys.

Pure: settings in, problems out. What a single value may look like is in `fields` and `formats`.
"""

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from offerhub.settings import defaults
from offerhub.settings.fields import Environment, Settings
from offerhub.settings.problems import Problem

_REAL_HOSTS: Final = frozenset(
    {"api.enterprise.airtm.com", "app.airtm.com", "api.trustlesswork.com"}
)
_TEST_MARKS: Final = ("stg.", ".stg.", "dev.api.", "beta.", "testnet", "sandbox", "futurenet")
_LOCAL: Final = frozenset({"localhost", "0.0.0.0", "::1"})  # noqa: S104 - recognised, not bound


def check(settings: Settings) -> list[Problem]:
    """Every unsafe combination in `settings`."""
    found = [*_own_secrets(settings), *_wallets(settings)]
    if settings.environment is Environment.PRODUCTION:
        found += [*_production(settings), *_production_providers(settings)]
    else:
        found += _not_production(settings)
    if settings.redis_embedded and settings.valkey_password is None:
        found.append(
            Problem("OFFERHUB_VALKEY_PASSWORD", "is not set; the embedded Valkey needs one.")
        )
    return found


def _own_secrets(settings: Settings) -> Iterator[Problem]:
    if _same(settings.master_key, settings.token_secret):
        yield Problem("OFFERHUB_TOKEN_SECRET", "must not equal OFFERHUB_MASTER_KEY.")


def _wallets(settings: Settings) -> Iterator[Problem]:
    """The resolver must not be a party that may raise the dispute it resolves."""
    resolver = settings.stellar_resolver_secret
    if _same(resolver, settings.stellar_treasury_secret) or _same(
        resolver, settings.stellar_release_secret
    ):
        yield Problem(
            "STELLAR_RESOLVER_SECRET", "must not be the treasury's or the release wallet's seed."
        )


def _production(settings: Settings) -> Iterator[Problem]:
    if not settings.public_url.startswith("https://"):
        yield Problem("OFFERHUB_PUBLIC_URL", "must be https in production.")
    if settings.stellar_network_passphrase != defaults.MAINNET_PASSPHRASE:
        yield Problem("STELLAR_NETWORK_PASSPHRASE", "must be the public network's in production.")
    if not settings.trustless_work_factory_ids:
        yield Problem(
            "TRUSTLESS_WORK_FACTORY_IDS", "must list the allowed contracts in production."
        )
    if _same(settings.stellar_treasury_secret, settings.stellar_release_secret):
        yield Problem("STELLAR_RELEASE_SECRET", "must not be the treasury's seed in production.")


def _production_providers(settings: Settings) -> Iterator[Problem]:
    for name, url in _provider_urls(settings).items():
        host = urlsplit(url).hostname or ""
        if _is_local(host) or any(mark in f"{host}/{urlsplit(url).path}" for mark in _TEST_MARKS):
            yield Problem(name, "names a test system; production needs the real one.")
        elif not url.startswith("https://"):
            yield Problem(name, "must be https in production.")


def _not_production(settings: Settings) -> Iterator[Problem]:
    kind = settings.environment.value
    if settings.stellar_network_passphrase == defaults.MAINNET_PASSPHRASE:
        yield Problem("STELLAR_NETWORK_PASSPHRASE", f"must not be the public network's in {kind}.")
    for name, url in _provider_urls(settings).items():
        if urlsplit(url).hostname in _REAL_HOSTS:
            yield Problem(name, f"names the real system; {kind} must not touch it.")


def _provider_urls(settings: Settings) -> dict[str, str]:
    return {
        "AIRTM_BASE_URL": settings.airtm_base_url,
        "AIRTM_CHECKOUT_URL_TEMPLATE": settings.airtm_checkout_url_template,
        "TRUSTLESS_WORK_BASE_URL": settings.trustless_work_base_url,
        "STELLAR_HORIZON_URL": settings.stellar_horizon_url,
    }


def _is_local(host: str) -> bool:
    return host in _LOCAL or host.startswith("127.") or host.endswith(".localhost")


def _same(one: SecretStr, other: SecretStr) -> bool:
    return one.get_secret_value() == other.get_secret_value()

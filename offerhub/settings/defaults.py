"""Defaults that depend on the environment: which providers and which network it talks to.

`demo` talks to the sandbox program of this deployment, `sandbox` to the providers' own test
systems, `production` to the real ones. Horizon has no default in production, because the
network's foundation runs no public one for that purpose.
"""

from collections.abc import Mapping
from typing import Final

MAINNET_PASSPHRASE: Final = "Public Global Stellar Network ; September 2015"  # noqa: S105
TESTNET_PASSPHRASE: Final = "Test SDF Network ; September 2015"  # noqa: S105
SANDBOX_PASSPHRASE: Final = "OfferHub Sandbox Network ; 2026"  # noqa: S105

BIND: Final = "127.0.0.1:8080"
SANDBOX_BIND: Final = "127.0.0.1:8090"

_PRODUCTION: Final = {
    "AIRTM_BASE_URL": "https://api.enterprise.airtm.com/v2",
    "AIRTM_CHECKOUT_URL_TEMPLATE": "https://app.airtm.com/payin/{id}",
    "TRUSTLESS_WORK_BASE_URL": "https://api.trustlesswork.com",
    "STELLAR_NETWORK_PASSPHRASE": MAINNET_PASSPHRASE,
    "STELLAR_USDC_ISSUER": "GA5ZSEJYB37JRC5AVCIA5MOP4RHTM335X2KGX3IHOJAPP5RE34K4KZVN",
}
_SANDBOX: Final = {
    "AIRTM_BASE_URL": "https://api.stg.enterprise.airtm.com/v2",
    "AIRTM_CHECKOUT_URL_TEMPLATE": "https://app.stg.airtm.io/payin/{id}",
    "TRUSTLESS_WORK_BASE_URL": "https://dev.api.trustlesswork.com",
    "STELLAR_HORIZON_URL": "https://horizon-testnet.stellar.org",
    "STELLAR_NETWORK_PASSPHRASE": TESTNET_PASSPHRASE,
    "STELLAR_USDC_ISSUER": "GBBD47IF6LWK7P7MDEVSCWR7DPUWV3NY3DTQEVFL4NAT4AQH3ZLLFLA5",
}


def for_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Defaults by variable name, for the environment that `environ` names (none if unknown)."""
    name = environ.get("OFFERHUB_ENVIRONMENT", "")
    found = {"OFFERHUB_PUBLIC_URL": f"http://{environ.get('OFFERHUB_BIND', BIND)}"}
    if name == "production":
        return dict(_PRODUCTION)
    if name == "sandbox":
        return found | _SANDBOX
    if name == "demo":
        return found | _demo(f"http://{environ.get('OFFERHUB_SANDBOX_BIND', SANDBOX_BIND)}")
    return found


def _demo(world: str) -> dict[str, str]:
    return {
        "OFFERHUB_DEPOSIT_POLL_S": "1",
        "AIRTM_BASE_URL": f"{world}/airtm/v2",
        "AIRTM_CHECKOUT_URL_TEMPLATE": f"{world}/checkout/payin/{{id}}",
        "TRUSTLESS_WORK_BASE_URL": f"{world}/trustless-work",
        "STELLAR_HORIZON_URL": f"{world}/horizon",
        "STELLAR_NETWORK_PASSPHRASE": SANDBOX_PASSPHRASE,
    }

"""The simulated providers of a demo: their process, and money for the platform's own wallets.

Everything here refuses to run outside the demo environment.
"""

import signal
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from offerhub.cli.exits import Exit, Failure
from offerhub.settings import paths

if TYPE_CHECKING:
    import httpx
    from stellar_sdk import Keypair

    from offerhub.settings import Settings

WEBHOOK_PATH: Final = "/api/v1/webhooks/airtm"
TREASURY_USDC: Final = "1000000.00"
AIRTM_AVAILABLE_STROOPS: Final = 1_000_000 * 10_000_000
FUNDING_TIMEOUT_S: Final = 30.0


def run_sandbox(settings: "Settings") -> None:
    """Serve the sandbox until told to stop. Raises: Failure outside the demo environment."""
    _refuse_unless_demo(settings)
    from offerhub.cli.appliance.health import local_address
    from offerhub.sandbox.server import SandboxConfig, SandboxServer

    api_host, api_port = local_address(settings)
    host, port = settings.sandbox_address
    config = SandboxConfig(
        airtm_key=settings.airtm_api_key.get_secret_value(),
        airtm_secret=settings.airtm_api_secret.get_secret_value(),
        trustless_work_api_key=settings.trustless_work_api_key.get_secret_value(),
        state_path=str(paths.sandbox_state(settings.home)),
        webhook_url=f"http://{api_host}:{api_port}{WEBHOOK_PATH}",
        webhook_secret=settings.airtm_webhook_secret.get_secret_value(),
        passphrase=settings.stellar_network_passphrase,
        airtm_available_stroops=AIRTM_AVAILABLE_STROOPS,
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    SandboxServer(config, port, host=host).serve_forever()


def fund_platform_wallets(settings: "Settings") -> None:
    """Give the platform's wallets XLM, a USDC trustline and, to the treasury, USDC.

    May be repeated: what is there already is left alone. Raises: Failure.
    """
    _refuse_unless_demo(settings)
    import httpx
    from stellar_sdk import Keypair

    seeds = (
        settings.stellar_treasury_secret,
        settings.stellar_release_secret,
        settings.stellar_resolver_secret,
    )
    wallets = [Keypair.from_secret(seed.get_secret_value()) for seed in seeds]
    try:
        with httpx.Client(timeout=FUNDING_TIMEOUT_S, trust_env=False) as client:
            for wallet in wallets:
                _open(client, settings, wallet)
            _fill(client, settings, wallets[0].public_key)
    except httpx.HTTPError as error:
        raise Failure(
            f"the sandbox would not fund the platform's wallets: {error}", code=Exit.RESUMABLE
        ) from None


def _open(client: "httpx.Client", settings: "Settings", wallet: "Keypair") -> None:
    found = _account(client, settings, wallet.public_key)
    if found is None:
        _post(client, settings, "friendbot", {"address": wallet.public_key})
        found = _wait_for_account(client, settings, wallet.public_key)
    if _usdc(settings, found) is None:
        from stellar_sdk import Account, Asset, TransactionBuilder

        builder = TransactionBuilder(
            Account(wallet.public_key, int(found["sequence"])),
            settings.stellar_network_passphrase,
            base_fee=settings.stellar_max_fee_stroops,
        )
        builder.append_change_trust_op(Asset("USDC", settings.stellar_usdc_issuer))
        envelope = builder.set_timeout(60).build()
        envelope.sign(wallet)
        client.post(
            f"{settings.stellar_horizon_url}/transactions", data={"tx": envelope.to_xdr()}
        ).raise_for_status()


def _fill(client: "httpx.Client", settings: "Settings", treasury: str) -> None:
    if Decimal(_usdc(settings, _account(client, settings, treasury) or {}) or "0") == 0:
        _post(client, settings, "deposit", {"to": treasury, "amount": TREASURY_USDC})


def _account(client: "httpx.Client", settings: "Settings", address: str) -> dict[str, Any] | None:
    answer = client.get(f"{settings.stellar_horizon_url}/accounts/{address}")
    if answer.status_code == 404:
        return None
    found: dict[str, Any] = answer.raise_for_status().json()
    return found


def _wait_for_account(client: "httpx.Client", settings: "Settings", address: str) -> dict[str, Any]:
    deadline = time.monotonic() + FUNDING_TIMEOUT_S
    while time.monotonic() < deadline:
        found = _account(client, settings, address)
        if found is not None:
            return found
        time.sleep(0.2)
    raise Failure(f"the sandbox did not open the account {address}", code=Exit.RESUMABLE)


def _usdc(settings: "Settings", account: dict[str, Any]) -> str | None:
    """Balance text of the trustline; None when there is none."""
    for line in account.get("balances", ()):
        if line.get("asset_issuer") == settings.stellar_usdc_issuer:
            return str(line["balance"])
    return None


def _post(client: "httpx.Client", settings: "Settings", what: str, body: dict[str, str]) -> None:
    host, port = settings.sandbox_address
    client.post(f"http://{host}:{port}/_control/stellar/{what}", json=body).raise_for_status()


def _refuse_unless_demo(settings: "Settings") -> None:
    if settings.environment != "demo":
        raise Failure("the sandbox belongs to the demo environment", code=Exit.USAGE)

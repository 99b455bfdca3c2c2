"""Complete environments for tests about settings. The seeds belong to no account anywhere."""

import base64
import secrets

from stellar_sdk import Keypair


def demo(**changes: str) -> dict[str, str]:
    """A valid demo environment with fresh secrets; a change to "" takes a variable away."""
    return _changed(_secrets() | {"OFFERHUB_ENVIRONMENT": "demo", "STELLAR_USDC_ISSUER": _issuer()},
                    changes)  # fmt: skip


def sandbox(**changes: str) -> dict[str, str]:
    return _changed(_secrets() | {"OFFERHUB_ENVIRONMENT": "sandbox"}, changes)


def production(**changes: str) -> dict[str, str]:
    return _changed(
        _secrets()
        | {
            "OFFERHUB_ENVIRONMENT": "production",
            "OFFERHUB_PUBLIC_URL": "https://pay.shop.example",
            "STELLAR_HORIZON_URL": "https://horizon.provider.example",
            "TRUSTLESS_WORK_FACTORY_IDS": FACTORY,
        },
        changes,
    )


FACTORY = "CAS3J7GYLGXMF6TDJBBYYSE3HQ6BBSMLNUQ34T6TZMYMW2EVH34XOWMA"


def _issuer() -> str:
    return str(Keypair.random().public_key)


def _secrets() -> dict[str, str]:
    seeds = {f"STELLAR_{name}_SECRET": Keypair.random().secret for name in
             ("TREASURY", "RELEASE", "RESOLVER")}  # fmt: skip
    return seeds | {
        "OFFERHUB_MARKETPLACE_ID": "mkt_V1StGXR8_Z5jdHi6B-myT",
        "OFFERHUB_MASTER_KEY": secrets.token_urlsafe(32),
        "OFFERHUB_TOKEN_SECRET": secrets.token_urlsafe(32),
        "OFFERHUB_VALKEY_PASSWORD": secrets.token_urlsafe(32),
        "OFFERHUB_WALLET_KEKS": f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}",
        "OFFERHUB_HOME": "/srv/market",
        "AIRTM_API_KEY": secrets.token_hex(16),
        "AIRTM_API_SECRET": secrets.token_hex(16),
        "AIRTM_WEBHOOK_SECRET": f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}",
        "TRUSTLESS_WORK_API_KEY": secrets.token_hex(16),
        "TRUSTLESS_WORK_WEBHOOK_SECRET": (
            f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
        ),
        "OFFERHUB_METRICS_TOKEN": secrets.token_urlsafe(32),
    }


def _changed(environ: dict[str, str], changes: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in (environ | changes).items() if text}

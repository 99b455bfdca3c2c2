"""The secrets of a deployment: made once, written for their owner alone, never shown or changed."""

import base64
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from create_offerhub.paths import COMPOSE_SECRETS, SECRETS, UNFINISHED

if TYPE_CHECKING:
    from stellar_sdk import Keypair

PLACEHOLDER: Final = "REPLACE_ME"
WALLETS: Final = ("treasury", "release", "resolver")

_SENTENCES: Final = {
    "OFFERHUB_MASTER_KEY": "Makes the first admin API key, and is good for nothing else.",
    "OFFERHUB_TOKEN_SECRET": "Signs short-lived tokens.",
    "OFFERHUB_WALLET_KEKS": "Decrypts the users' wallet keys. Keep a copy in a safe place: without"
    " it their money cannot be moved any more.",
    "OFFERHUB_VALKEY_PASSWORD": "Password of the embedded Valkey.",
    "STELLAR_TREASURY_SECRET": "Wallet that funds escrows and withdrawals. Keep a copy.",
    "STELLAR_RELEASE_SECRET": "Wallet that signs releases. Keep a copy.",
    "STELLAR_RESOLVER_SECRET": "Wallet that resolves disputes. Keep a copy.",
    "AIRTM_API_KEY": "From Airtm's enterprise dashboard.",
    "AIRTM_API_SECRET": "Belongs to the key above; Airtm shows it once.",
    "AIRTM_WEBHOOK_SECRET": "whsec_… of your webhook endpoint, from Airtm's webhook portal.",
    "TRUSTLESS_WORK_API_KEY": "From Trustless Work.",
}


def make(profile: str) -> dict[str, str]:
    """Fresh secrets by variable name; what only a provider can give is a placeholder."""
    made = {
        "OFFERHUB_MASTER_KEY": secrets.token_urlsafe(32),
        "OFFERHUB_TOKEN_SECRET": secrets.token_urlsafe(32),
        "OFFERHUB_WALLET_KEKS": f"k1:{_base64(32)}",
        "OFFERHUB_VALKEY_PASSWORD": secrets.token_hex(32),
    }
    made |= {f"STELLAR_{name.upper()}_SECRET": _keypairs().random().secret for name in WALLETS}
    if profile == "demo":
        made |= {
            "AIRTM_API_KEY": secrets.token_hex(16),
            "AIRTM_API_SECRET": secrets.token_hex(32),
            "AIRTM_WEBHOOK_SECRET": f"whsec_{_base64(32)}",
            "TRUSTLESS_WORK_API_KEY": secrets.token_hex(16),
        }
    else:
        made |= dict.fromkeys(
            ("AIRTM_API_KEY", "AIRTM_API_SECRET", "AIRTM_WEBHOOK_SECRET", "TRUSTLESS_WORK_API_KEY"),
            PLACEHOLDER,
        )
    return made


def names(profile: str) -> tuple[str, ...]:
    """Names of the secrets in secrets.env."""
    return tuple(make(profile))


def make_for_compose() -> dict[str, str]:
    """Passwords of the containers that come along with compose.yaml."""
    return {"POSTGRES_PASSWORD": secrets.token_hex(32), "VALKEY_PASSWORD": secrets.token_hex(32)}


def as_env(values: Mapping[str, str]) -> str:
    """The text of secrets.env."""
    lines = ["# Secrets of this deployment. Nobody else may read this file; do not commit it.", ""]
    for name, value in values.items():
        lines += [f"# {_SENTENCES[name]}", f"{name}={value}", ""]
    return "\n".join(lines)


def as_compose_env(values: Mapping[str, str]) -> str:
    """The text of .env, which Compose reads by itself."""
    head = "# Passwords of the containers in compose.yaml. Nobody else may read this file.\n"
    return head + "".join(f"{name}={value}\n" for name, value in values.items())


def keep_or_write(directory: Path, name: str, text: str) -> bool:
    """Write a secret file that must not exist yet; True if written, False if it was kept.

    It appears whole or not at all, and is never open to others for a moment.
    """
    target, draft = directory / name, directory / f"{UNFINISHED}.{name.lstrip('.')}"
    if target.exists():
        return False
    with suppress(FileNotFoundError):
        draft.unlink()
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, target)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def missing(directory: Path, profile: str) -> list[str]:
    """Secrets that an existing secrets.env does not name."""
    return sorted(set(names(profile)) - set(_read(directory / SECRETS)))


def is_private(directory: Path, name: str) -> bool:
    """Whether only the owner can read a secret file (True when there is none)."""
    path = directory / name
    return not path.exists() or not path.stat().st_mode & 0o077


def addresses(directory: Path) -> dict[str, str]:
    """Public addresses of the platform's wallets, by name; what cannot be read is left out."""
    values = _read(directory / SECRETS)
    found = {}
    for name in WALLETS:
        with suppress(ValueError):
            seed = values.get(f"STELLAR_{name.upper()}_SECRET", "")
            found[name] = _keypairs().from_secret(seed).public_key
    return found


def secret_files(profile: str) -> tuple[str, ...]:
    return (SECRETS,) if profile == "demo" else (SECRETS, COMPOSE_SECRETS)


def _read(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def _keypairs() -> "type[Keypair]":
    """The chain's library, loaded when a wallet is made and not to print a help text."""
    from stellar_sdk import Keypair

    return Keypair


def _base64(size: int) -> str:
    return base64.b64encode(secrets.token_bytes(size)).decode("ascii")

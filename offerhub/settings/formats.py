"""The written forms of single settings: addresses, URLs, seeds, key rings, lists.

Each function takes the text of one variable and returns what the program uses, or raises
ValueError with a message that never repeats the text, because the text may be a secret.
"""

import base64
import binascii
import re
from decimal import Decimal, InvalidOperation
from typing import Final
from urllib.parse import urlsplit

from offerhub.domain import ids
from offerhub.domain.errors import OfferHubError
from offerhub.domain.money import from_decimal

KEK_BYTES: Final = 32
WEBHOOK_SECRET_BYTES: Final = range(24, 65)
_ACCOUNT, _SEED, _CONTRACT = 6 << 3, 18 << 3, 2 << 3  # G, S, C
_KEK_NAME = re.compile(r"[A-Za-z0-9_.-]{1,32}", re.ASCII)
_PLACEHOLDER = re.compile(
    r"change[-_ ]?me|replace[-_ ]?(me|this|with)|place[-_ ]?holder|fill[-_ ]?in"
    r"|your[-_ ]|insert[-_ ]|<[^>]*>|x{6,}|\.\.\.|^(secret|password|example|dummy|test|todo|none)$",
    re.IGNORECASE,
)


def is_placeholder(text: str) -> bool:
    """Whether the text looks like a gap that nobody filled in."""
    return bool(_PLACEHOLDER.search(text)) or (len(text) > 3 and len(set(text)) == 1)


def secret(text: str, *, at_least: int) -> str:
    """A secret that is long enough and has some variety in it."""
    if len(text) < at_least:
        raise ValueError(f"is too short; use at least {at_least} random characters")
    if at_least >= 32 and len(set(text)) < 10:
        raise ValueError("is too regular to be a random secret")
    return text


def bind_address(text: str) -> tuple[str, int]:
    """Host and port of `host:port` or `[v6]:port`."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit():
        raise ValueError('must be an address and a port, such as "127.0.0.1:8080"')
    if not 1 <= int(port) <= 65535:
        raise ValueError("has a port outside 1 to 65535")
    return host.removeprefix("[").removesuffix("]"), int(port)


def http_url(text: str) -> str:
    """An absolute http(s) URL without credentials, query or trailing slash."""
    try:
        parts = urlsplit(text)
        port_ok = parts.port is None or 1 <= parts.port <= 65535
    except ValueError:
        raise ValueError("is not a URL") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_ok:
        raise ValueError("must be an http or https URL with a host")
    if parts.username or parts.password:
        raise ValueError("must not carry a user name or password")
    if parts.query or parts.fragment or any(character.isspace() for character in text):
        raise ValueError("must not have a query, a fragment or spaces")
    return text.rstrip("/")


def checkout_template(text: str) -> str:
    """A URL with one `{id}` where the pay-in's id goes."""
    if text.count("{id}") != 1 or "{" in text.replace("{id}", ""):
        raise ValueError("must contain {id} exactly once, where the pay-in's id goes")
    http_url(text.replace("{id}", "id"))
    return text


def database_url(text: str) -> str:
    """`sqlite:///path` or `postgresql://…`."""
    scheme = text.partition("://")[0]
    if "://" not in text or scheme not in {"sqlite", "postgresql", "postgres"}:
        raise ValueError("must start with sqlite:/// or postgresql://")
    return text


def redis_url(text: str) -> str:
    """`redis://`, `rediss://` or `unix://`."""
    if "://" not in text or text.partition("://")[0] not in {"redis", "rediss", "unix"}:
        raise ValueError("must start with redis://, rediss:// or unix://")
    return text


def marketplace_id(text: str) -> str:
    if not ids.is_id(text, ids.MARKETPLACE):
        raise ValueError("must be mkt_ and 21 characters of A-Z, a-z, 0-9, _ and -")
    return text


def stellar_seed(text: str) -> str:
    """A secret seed (S…), checked by its own checksum."""
    if not _is_strkey(text, _SEED):
        raise ValueError("is not a Stellar secret seed (S and 55 characters)")
    return text


def stellar_account(text: str) -> str:
    if not _is_strkey(text, _ACCOUNT):
        raise ValueError("is not a Stellar account address (G and 55 characters)")
    return text


def contract_ids(text: str) -> tuple[str, ...]:
    """Comma list of contract addresses (C…); empty text is an empty list."""
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    if not all(_is_strkey(part, _CONTRACT) for part in found):
        raise ValueError("must be a comma list of contract addresses (C and 55 characters)")
    return found


def webhook_secret(text: str) -> str:
    """`whsec_` and the base64 of 24 to 64 bytes. Source: Standard Webhooks."""
    encoded = text.removeprefix("whsec_")
    try:
        size = len(base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError):
        size = 0
    if encoded == text or size not in WEBHOOK_SECRET_BYTES:
        raise ValueError("must be whsec_ and the base64 of 24 to 64 bytes")
    return text


def key_ring(text: str) -> dict[str, bytes]:
    """Keys by name from `k1:base64,k2:base64`, in that order; the first one is active."""
    ring: dict[str, bytes] = {}
    for part in text.split(","):
        name, colon, encoded = part.strip().partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if not colon or not _KEK_NAME.fullmatch(name) or len(key) != KEK_BYTES:
            raise ValueError(f"must be name:base64 of {KEK_BYTES} bytes, separated by commas")
        if name in ring or key in ring.values():
            raise ValueError("names or repeats a key twice")
        if len(set(key)) < 8:
            raise ValueError("holds a key that is not random")
        ring[name] = key
    return ring


def xlm_stroops(text: str) -> int:
    """Stroops of an amount of XLM with at most seven decimals."""
    try:
        stroops = from_decimal(Decimal(text))
    except (InvalidOperation, OfferHubError):
        raise ValueError("must be a number of XLM with at most seven decimals") from None
    if stroops < 0:
        raise ValueError("must not be negative")
    return stroops


def _is_strkey(text: str, version: int) -> bool:
    """Whether the text is a Stellar key of that kind: base32 of version, 32 bytes and a checksum.

    Checked here, because the chain's library takes a second to load and every command reads
    settings. Source: SEP-23.
    """
    try:
        raw = base64.b32decode(text)
    except (binascii.Error, ValueError):
        return False
    checksum = binascii.crc_hqx(raw[:-2], 0).to_bytes(2, "little")
    return len(raw) == 35 and raw[0] == version and raw[-2:] == checksum


def without_password(text: str) -> str:
    """The same text; in a URL, the password is replaced by stars."""
    return re.sub(r"(://[^:/@\s]*):[^@\s]*@", r"\1:***@", text)

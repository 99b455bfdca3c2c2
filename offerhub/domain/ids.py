"""Identifiers: a prefix that names the kind, and 21 characters from a cryptographic source.

The alphabet and the length are those of nanoid (URL-safe, 126 bits).
"""

import re
import secrets
from collections.abc import Callable
from typing import Final

ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
LENGTH: Final = 21

USER = "usr"
ORDER = "ord"
TOPUP = "topup"
ESCROW = "esc"
DISPUTE = "dsp"
WITHDRAWAL = "wd"
EVENT = "evt"
AUDIT = "aud"
API_KEY = "key"
MARKETPLACE = "mkt"
WALLET = "wal"
MILESTONE = "mst"
TRANSFER = "ldg"
OPERATION = "opn"
WEBHOOK_ENDPOINT = "whe"
DELIVERY = "whd"
REQUEST = "req"
DEPOSIT = "dep"
INBOX = "inb"
COMMENT = "cmt"
RECONCILIATION = "rec"
DIFFERENCE = "dif"

PREFIXES: Final = frozenset(
    {
        USER, ORDER, TOPUP, ESCROW, DISPUTE, WITHDRAWAL, EVENT, AUDIT, API_KEY, MARKETPLACE,
        WALLET, MILESTONE, TRANSFER, OPERATION, WEBHOOK_ENDPOINT, DELIVERY, REQUEST, DEPOSIT, INBOX,
        COMMENT, RECONCILIATION, DIFFERENCE,
    }
)  # fmt: skip

_REST: Final = f"[A-Za-z0-9_-]{{{LENGTH}}}"
_ID = re.compile(rf"(?P<prefix>[a-z]+)_{_REST}", re.ASCII)

# The character for each byte: four bytes share one, so none is likelier than another.
_CHARACTERS: Final = bytes(ord(ALPHABET[byte % len(ALPHABET)]) for byte in range(256))

RandomBytes = Callable[[int], bytes]


def new_id(prefix: str, *, random_bytes: RandomBytes = secrets.token_bytes) -> str:
    """A fresh id of the kind that `prefix` names.

    Raises: ValueError for a prefix that the contract does not know.
    """
    if prefix not in PREFIXES:
        raise ValueError(f"unknown id prefix {prefix!r}")
    return f"{prefix}_{random_bytes(LENGTH).translate(_CHARACTERS).decode()}"


def pattern(*prefixes: str) -> str:
    """A regular expression for the form of an id of one of these kinds."""
    kinds = prefixes[0] if len(prefixes) == 1 else f"(?:{'|'.join(prefixes)})"
    return f"^{kinds}_{_REST}$"


def is_id(value: object, prefix: str) -> bool:
    """Whether `value` has the form of an id of that kind (not whether it exists)."""
    if not isinstance(value, str):
        return False
    match = _ID.fullmatch(value)
    return match is not None and match["prefix"] == prefix

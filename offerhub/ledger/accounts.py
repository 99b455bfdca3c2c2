"""Names and sides of the accounts. Pure.

Every cent is on two sides at once: where it sits (assets) and whom it belongs to (liabilities
and equity). Users' and orders' accounts are guarded: they have a cached balance, and the database
refuses to let it fall below zero.
"""

from typing import Final

AIRTM_TREASURY: Final = "airtm.treasury"
STELLAR_TREASURY: Final = "stellar.treasury"
FEES_PLATFORM: Final = "fees.platform"
FEES_PROTOCOL: Final = "fees.protocol"
FEES_AIRTM: Final = "fees.airtm"
ADJUSTMENTS: Final = "adjustments"

AVAILABLE: Final = "available"
RESERVED: Final = "reserved"
WITHDRAWING: Final = "withdrawing"
USER_KINDS: Final = (AVAILABLE, RESERVED, WITHDRAWING)

_ASSETS: Final = ("stellar.wallet:", "escrow.contract:", "in_transit:")


def user(user_id: str, kind: str) -> str:
    """A user's available, reserved or withdrawing account."""
    if kind not in USER_KINDS:
        raise ValueError(f"unknown user account {kind!r}")
    return f"user:{user_id}:{kind}"


def order_escrow(order_id: str) -> str:
    return f"order:{order_id}:escrow"


def wallet(user_id: str) -> str:
    return f"stellar.wallet:{user_id}"


def contract(order_id: str) -> str:
    return f"escrow.contract:{order_id}"


def in_transit(operation_id: str) -> str:
    return f"in_transit:{operation_id}"


def is_asset(account: str) -> bool:
    return account in {AIRTM_TREASURY, STELLAR_TREASURY} or account.startswith(_ASSETS)


def is_liability(account: str) -> bool:
    return account.startswith(("user:", "order:"))


def is_guarded(account: str) -> bool:
    """Whether the account has a cached balance that may not fall below zero."""
    return is_liability(account)


def owner(account: str) -> str | None:
    """The user or order that a guarded account belongs to."""
    return account.split(":")[1] if is_guarded(account) else None


def kind(account: str) -> str:
    """The last part of a guarded account's name."""
    return account.rsplit(":", 1)[1]


def sign(account: str) -> int:
    """+1 where a debit increases the account (assets), -1 where a credit does."""
    return 1 if is_asset(account) else -1

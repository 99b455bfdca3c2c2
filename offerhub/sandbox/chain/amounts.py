"""Amounts and assets as Horizon writes them: 7-decimal text, `CODE:ISSUER` keys.

Nothing here touches state.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from stellar_sdk import Asset

STROOPS_PER_UNIT = 10_000_000
MAX_AMOUNT_STROOPS = 2**63 - 1
NATIVE = "native"


def to_text(amount_stroops: int) -> str:
    """Stroops as text with exactly 7 decimals."""
    sign = "-" if amount_stroops < 0 else ""
    whole, fraction = divmod(abs(amount_stroops), STROOPS_PER_UNIT)
    return f"{sign}{whole}.{fraction:07d}"


def to_stroops(text: str | Decimal) -> int:
    """Stroops of a decimal; ValueError when it is no number or has more than 7 decimals."""
    try:
        scaled = Decimal(text).scaleb(7)
        if not scaled.is_finite() or scaled != scaled.to_integral_value():
            raise ValueError(f"{text!r} is not a number of at most 7 decimals")
    except InvalidOperation as problem:
        raise ValueError(f"{text!r} is not a number of at most 7 decimals") from problem
    return int(scaled)


def asset_key(asset: Asset) -> str:
    """`native` or `CODE:ISSUER`, the form that the tables store."""
    return NATIVE if asset.is_native() else f"{asset.code}:{asset.issuer}"


def asset_of(key: str) -> Asset:
    """The SDK's asset for a stored key."""
    if key == NATIVE:
        return Asset.native()
    code, issuer = key.split(":")
    return Asset(code, issuer)


def issuer_of(key: str) -> str | None:
    """The issuing account of a stored key, None for XLM."""
    return None if key == NATIVE else key.split(":")[1]


def asset_fields(key: str, *, prefix: str = "") -> dict[str, str]:
    """`asset_type`, `asset_code`, `asset_issuer` of a Horizon record, e.g. with `source_`."""
    asset = asset_of(key)
    fields = {f"{prefix}asset_type": asset.type}
    if key != NATIVE:
        fields[f"{prefix}asset_code"] = asset.code
        fields[f"{prefix}asset_issuer"] = str(asset.issuer)
    return fields


def iso_time(at_ms: int) -> str:
    """`2026-01-10T12:03:05Z`: Horizon shows whole seconds of UTC."""
    return datetime.fromtimestamp(at_ms // 1000, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

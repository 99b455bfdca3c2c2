"""Fees and shares, in the contract's own floor arithmetic.

The escrow contract takes its protocol fee and the platform's fee out of what is paid out, on
release and on resolution alike. These functions predict; what is posted to the books is what
moved on chain. Source: docs/money.md, "Fees".
"""

from dataclasses import dataclass
from typing import Final

from offerhub.domain.errors import OfferHubError, ValidationFailed
from offerhub.domain.money import STROOPS_PER_CENT

BPS: Final = 10_000
PROTOCOL_FEE_BPS: Final = 30
MAX_PLATFORM_FEE_BPS: Final = 9_900


class PayoutReverts(OfferHubError):
    """The contract's floors would pay out more than it holds, so the call would fail."""

    code = "ESCROW_INVALID_STATE"


@dataclass(frozen=True, slots=True)
class Payout:
    """How a gross amount in an escrow divides; all in stroops, and together the gross."""

    protocol_stroops: int
    platform_stroops: int
    shares_stroops: tuple[int, ...]


def check_fee_bps(fee_bps: int) -> int:
    """Basis points, 0 to 9,900. Raises: ValidationFailed."""
    if isinstance(fee_bps, bool) or not isinstance(fee_bps, int):
        raise ValidationFailed("platform_fee_bps", "Basis points are a whole number.")
    if not 0 <= fee_bps <= MAX_PLATFORM_FEE_BPS:
        raise ValidationFailed("platform_fee_bps", "Basis points lie between 0 and 9900.")
    return fee_bps


def fee(amount_stroops: int, fee_bps: int) -> int:
    """A fee in stroops, rounded down."""
    return amount_stroops * fee_bps // BPS


def release(
    amount_stroops: int, *, platform_fee_bps: int, protocol_fee_bps: int = PROTOCOL_FEE_BPS
) -> Payout:
    """What a release of `amount_stroops` pays: the receiver gets the remainder after both fees."""
    protocol = fee(amount_stroops, protocol_fee_bps)
    platform = fee(amount_stroops, platform_fee_bps)
    return Payout(protocol, platform, (amount_stroops - protocol - platform,))


def resolution(
    shares_stroops: tuple[int, ...],
    *,
    platform_fee_bps: int,
    protocol_fee_bps: int = PROTOCOL_FEE_BPS,
) -> Payout:
    """What a resolution with these gross shares pays; each share bears its part of both fees.

    Raises: PayoutReverts when the floors leave the contract a stroop short (never for whole cents).
    """
    total = sum(shares_stroops)
    if total <= 0 or min(shares_stroops) <= 0:
        raise ValidationFailed("shares", "Every share is above zero.")
    protocol = fee(total, protocol_fee_bps)
    platform = fee(total, platform_fee_bps)
    fees = protocol + platform
    net = tuple(share - share * fees // total for share in shares_stroops)
    if sum(net) + fees > total:
        raise PayoutReverts("The shares must be whole cents.", shares=len(shares_stroops))
    return Payout(protocol, platform, net)


def cents_short(amount_stroops: int) -> int:
    """Stroops that lack to the next whole cent (0 when it is one already)."""
    return -amount_stroops % STROOPS_PER_CENT

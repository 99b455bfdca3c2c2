"""What an escrow pays out: fees come off the payment and are floored to the stroop.

Source: the contract's `calculate_*` functions. The floors can ask for one stroop more than there
is; the token then refuses and the whole call reverts, which is reproduced on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FULL_BPS = 10_000
PROTOCOL_FEE_BPS = 30


@dataclass(frozen=True)
class Payout:
    """Stroops for the protocol, the platform and each recipient, in paying order."""

    protocol_fee: int
    platform_fee: int
    recipients: Mapping[str, int]


def payout_of_release(
    amount: int, *, receiver: str, platform_bps: int, protocol_bps: int
) -> Payout:
    """A release: the receiver gets what the two fees leave."""
    protocol = amount * protocol_bps // FULL_BPS
    platform = amount * platform_bps // FULL_BPS
    return Payout(protocol, platform, {receiver: amount - protocol - platform})


def payout_of_distributions(
    shares: Mapping[str, int], *, platform_bps: int, protocol_bps: int
) -> Payout:
    """A resolution: fees on the sum, and each share reduced by its floored part of them."""
    total = sum(shares.values())
    protocol = total * protocol_bps // FULL_BPS
    platform = total * platform_bps // FULL_BPS
    fees = protocol + platform
    net = {address: share - share * fees // total for address, share in shares.items()}
    return Payout(protocol, platform, net)

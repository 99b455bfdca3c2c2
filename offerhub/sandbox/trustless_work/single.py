"""Release, dispute and resolution of a single-release escrow. See `rules` for what is shared."""

from __future__ import annotations

from collections.abc import Mapping

from offerhub.sandbox.trustless_work.errors import Kind, refuse_if
from offerhub.sandbox.trustless_work.escrow import Escrow
from offerhub.sandbox.trustless_work.fees import payout_of_release
from offerhub.sandbox.trustless_work.rules import Custody

_KIND: Kind = "single-release"


def release(escrow: Escrow, custody: Custody, *, release_signer: str) -> None:
    """Pay `amount` less fees to the receiver; what is in the contract beyond that stays."""
    refuse_if(escrow.released, _KIND, "EscrowAlreadyReleased")
    refuse_if(escrow.resolved, _KIND, "EscrowAlreadyResolved")
    wrong = release_signer != escrow.roles["release_signer"]
    refuse_if(wrong, _KIND, "OnlyReleaseSignerCanReleaseEarnings")
    refuse_if(not escrow.milestones, _KIND, "NoMilestoneDefined")
    unapproved = not all(m.approved for m in escrow.milestones)
    refuse_if(unapproved, _KIND, "EscrowNotCompleted")
    refuse_if(escrow.disputed, _KIND, "EscrowOpenedForDisputeResolution")
    short = custody.balance() < escrow.amount
    refuse_if(short, _KIND, "EscrowBalanceNotEnoughToSendEarnings")
    escrow.released = True
    payout = payout_of_release(
        escrow.amount,
        receiver=escrow.roles["receiver"],
        platform_bps=escrow.platform_fee,
        protocol_bps=custody.protocol_bps,
    )
    custody.pay(payout, platform=escrow.roles["platform_address"])


def dispute(escrow: Escrow, *, signer: str) -> None:
    """Possible for every role but the resolver, even after a release."""
    refuse_if(escrow.disputed, _KIND, "EscrowAlreadyInDispute")
    refuse_if(signer not in escrow.roles.values(), _KIND, "UnauthorizedToChangeDisputeFlag")
    resolver = signer == escrow.roles["dispute_resolver"]
    refuse_if(resolver, _KIND, "DisputeResolverCannotDispute")
    escrow.disputed = True
    escrow.notes["dispute_started_by"] = signer


def resolve(
    escrow: Escrow, custody: Custody, *, dispute_resolver: str, shares: Mapping[str, int]
) -> None:
    """Pay out exactly what is in the contract, less fees, by gross shares."""
    bad = any(share <= 0 for share in shares.values())
    refuse_if(bad, _KIND, "AmountsToBeTransferredShouldBePositive")
    wrong = dispute_resolver != escrow.roles["dispute_resolver"]
    refuse_if(wrong, _KIND, "OnlyDisputeResolverCanExecuteThisFunction")
    refuse_if(not escrow.disputed, _KIND, "EscrowNotInDispute")
    total, balance = sum(shares.values()), custody.balance()
    refuse_if(total > balance, _KIND, "InsufficientFundsForResolution")
    refuse_if(total != balance, _KIND, "DistributionsMustEqualEscrowBalance")
    refuse_if(total == 0, _KIND, "TotalAmountCannotBeZero")
    escrow.resolved, escrow.disputed = True, False
    custody.distribute(escrow, shares)

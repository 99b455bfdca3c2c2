"""Release, dispute and resolution in a multi-release escrow, milestone by milestone."""

from __future__ import annotations

from collections.abc import Mapping

from offerhub.sandbox.trustless_work.errors import Kind, refuse_if
from offerhub.sandbox.trustless_work.escrow import Escrow
from offerhub.sandbox.trustless_work.fees import payout_of_release
from offerhub.sandbox.trustless_work.rules import Custody, pick

_KIND: Kind = "multi-release"


def release(escrow: Escrow, custody: Custody, *, release_signer: str, index: int) -> None:
    """Pay one approved milestone, less fees, to its receiver."""
    milestone = pick(escrow, index)
    refuse_if(milestone.released, _KIND, "MilestoneAlreadyReleased")
    refuse_if(milestone.resolved, _KIND, "MilestoneAlreadyResolvedOnRelease")
    wrong = release_signer != escrow.roles["release_signer"]
    refuse_if(wrong, _KIND, "OnlyReleaseSignerCanReleaseEarnings")
    refuse_if(not milestone.approved, _KIND, "MilestoneNotCompleted")
    refuse_if(milestone.disputed, _KIND, "MilestoneOpenedForDisputeResolution")
    short = custody.balance() < milestone.amount
    refuse_if(short, _KIND, "EscrowBalanceNotEnoughToSendEarnings")
    milestone.released = True
    payout = payout_of_release(
        milestone.amount,
        receiver=milestone.receiver,
        platform_bps=escrow.platform_fee,
        protocol_bps=custody.protocol_bps,
    )
    custody.pay(payout, platform=escrow.roles["platform_address"])


def dispute(escrow: Escrow, *, index: int, signer: str) -> None:
    """Freeze one milestone; the others go on."""
    milestone = pick(escrow, index)
    refuse_if(milestone.released, _KIND, "MilestoneAlreadyReleased")
    refuse_if(milestone.resolved, _KIND, "MilestoneAlreadyResolved")
    refuse_if(milestone.disputed, _KIND, "MilestoneAlreadyInDispute")
    roles = {*escrow.roles.values(), milestone.receiver}
    refuse_if(signer not in roles, _KIND, "UnauthorizedToChangeDisputeFlag")
    resolver = signer == escrow.roles["dispute_resolver"]
    refuse_if(resolver, _KIND, "DisputeResolverCannotDispute")
    milestone.disputed = True
    escrow.notes.setdefault("milestone_disputes", {})[str(index)] = signer


def resolve(
    escrow: Escrow,
    custody: Custody,
    *,
    dispute_resolver: str,
    index: int,
    shares: Mapping[str, int],
) -> None:
    """Pay shares of one disputed milestone, less fees; what they leave stays in the contract."""
    milestone = pick(escrow, index)
    _check_shares(escrow, shares, dispute_resolver=dispute_resolver)
    refuse_if(milestone.released, _KIND, "MilestoneAlreadyReleased")
    refuse_if(milestone.resolved, _KIND, "MilestoneAlreadyResolved")
    refuse_if(not milestone.disputed, _KIND, "MilestoneNotInDispute")
    total = sum(shares.values())
    too_much = total > milestone.amount
    refuse_if(too_much, _KIND, "TotalDisputeFundsMustNotExceedTheMilestoneAmount")
    refuse_if(total > custody.balance(), _KIND, "InsufficientFundsForResolution")
    refuse_if(total == 0, _KIND, "TotalAmountCannotBeZero")
    milestone.resolved, milestone.disputed, milestone.status = True, False, "resolved"
    custody.distribute(escrow, shares)


def withdraw_remaining(
    escrow: Escrow, custody: Custody, *, dispute_resolver: str, shares: Mapping[str, int]
) -> None:
    """Pay out what is left when every milestone is released, resolved or disputed."""
    _check_shares(escrow, shares, dispute_resolver=dispute_resolver)
    open_ones = [m for m in escrow.milestones if not (m.released or m.resolved or m.disputed)]
    refuse_if(bool(open_ones), _KIND, "EscrowNotFullyProcessed")
    total = sum(shares.values())
    refuse_if(total == 0, _KIND, "TotalAmountCannotBeZero")
    refuse_if(total > custody.balance(), _KIND, "InsufficientFundsForRefund")
    custody.distribute(escrow, shares)


def _check_shares(escrow: Escrow, shares: Mapping[str, int], *, dispute_resolver: str) -> None:
    bad = any(share <= 0 for share in shares.values())
    refuse_if(bad, _KIND, "AmountsToBeTransferredShouldBePositive")
    wrong = dispute_resolver != escrow.roles["dispute_resolver"]
    refuse_if(wrong, _KIND, "OnlyDisputeResolverCanExecuteThisFunction")

"""The escrow contracts' error numbers, by name.

Source: the contract's own enumeration, single-release and multi-release branches of September
2025. Names are the contract's identifiers, spelling included.
"""

from __future__ import annotations

from typing import Literal

from offerhub.sandbox.chain.contract_calls import ContractFailure

Kind = Literal["single-release", "multi-release"]

# name: (number in the single-release contract, number in the multi-release contract)
_NUMBERS: dict[str, tuple[int | None, int | None]] = {
    "AmountCannotBeZero": (1, 2),
    "EscrowAlreadyInitialized": (2, 3),
    "OnlyReleaseSignerCanReleaseEarnings": (4, 5),
    "EscrowNotCompleted": (5, None),
    "MilestoneNotCompleted": (None, 6),
    "EscrowBalanceNotEnoughToSendEarnings": (6, 7),
    "OnlyPlatformAddressExecuteThisFunction": (7, 8),
    "OnlyServiceProviderChangeMilstoneStatus": (8, 9),
    "NoMilestoneDefined": (9, 10),
    "InvalidMileStoneIndex": (10, 11),
    "OnlyApproverChangeMilstoneFlag": (11, 12),
    "OnlyDisputeResolverCanExecuteThisFunction": (12, 13),
    "EscrowAlreadyInDispute": (13, None),
    "MilestoneAlreadyInDispute": (None, 14),
    "EscrowNotInDispute": (14, None),
    "MilestoneNotInDispute": (None, 15),
    "InsufficientFundsForResolution": (15, 16),
    "EscrowOpenedForDisputeResolution": (16, None),
    "MilestoneOpenedForDisputeResolution": (None, 17),
    "MilestoneApprovedCantChangeEscrowProperties": (22, 23),
    "EscrowHasFunds": (23, 24),
    "EscrowAlreadyResolved": (24, None),
    "MilestoneAlreadyResolved": (None, 25),
    "MilestoneAlreadyResolvedOnRelease": (None, 40),
    "TooManyEscrowsRequested": (25, 26),
    "UnauthorizedToChangeDisputeFlag": (26, 27),
    "TooManyMilestones": (27, 28),
    "MilestoneHasAlreadyBeenApproved": (29, 32),
    "EmptyMilestoneStatus": (30, 33),
    "PlatformFeeTooHigh": (31, 34),
    "FlagsMustBeFalse": (32, 35),
    "EscrowPropertiesMismatch": (33, 36),
    "EscrowAlreadyReleased": (35, None),
    "MilestoneAlreadyReleased": (None, 30),
    "PlatformAddressCannotBeChanged": (37, 44),
    "AmountsToBeTransferredShouldBePositive": (38, 42),
    "DistributionsMustEqualEscrowBalance": (39, None),
    "TotalDisputeFundsMustNotExceedTheMilestoneAmount": (None, 39),
    "EscrowNotFullyProcessed": (None, 41),
    "InsufficientFundsForRefund": (None, 43),
    "DisputeResolverCannotDispute": (40, 46),
    "TotalAmountCannotBeZero": (41, 47),
}


def refusal(kind: Kind, name: str) -> ContractFailure:
    """The failure that a contract of `kind` raises under that name."""
    number = _NUMBERS[name][0 if kind == "single-release" else 1]
    return ContractFailure(name, number=number)


def refuse_if(condition: bool, kind: Kind, name: str) -> None:
    """Raise the named failure when `condition` holds."""
    if condition:
        raise refusal(kind, name)

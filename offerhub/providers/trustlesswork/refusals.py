"""What Trustless Work's refusals mean: the contract's error numbers, and a few telling words.

Its English texts are not a contract, so nothing is decided on them but the fragments below.
Source: the escrow contract's error enumerations (September 2025), the token contract's
`ContractError`, and the texts of `send-transaction`. Numbers may change with the contract's code;
an unknown one is a refusal like any other.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

# number in single-release, number in multi-release, name
_ESCROW_ERRORS: Final[tuple[tuple[int | None, int | None, str], ...]] = (
    (None, 1, "EscrowNotFunded"),
    (1, 2, "AmountCannotBeZero"),
    (2, 3, "EscrowAlreadyInitialized"),
    (3, 4, "EscrowNotFound"),
    (4, 5, "OnlyReleaseSignerCanReleaseEarnings"),
    (5, None, "EscrowNotCompleted"),
    (None, 6, "MilestoneNotCompleted"),
    (6, 7, "EscrowBalanceNotEnoughToSendEarnings"),
    (7, 8, "OnlyPlatformAddressExecuteThisFunction"),
    (8, 9, "OnlyServiceProviderChangeMilstoneStatus"),
    (9, 10, "NoMilestoneDefined"),
    (10, 11, "InvalidMileStoneIndex"),
    (11, 12, "OnlyApproverChangeMilstoneFlag"),
    (12, 13, "OnlyDisputeResolverCanExecuteThisFunction"),
    (13, None, "EscrowAlreadyInDispute"),
    (None, 14, "MilestoneAlreadyInDispute"),
    (14, None, "EscrowNotInDispute"),
    (None, 15, "MilestoneNotInDispute"),
    (15, 16, "InsufficientFundsForResolution"),
    (16, None, "EscrowOpenedForDisputeResolution"),
    (None, 17, "MilestoneOpenedForDisputeResolution"),
    (17, 18, "Overflow"),
    (18, 19, "Underflow"),
    (19, 20, "DivisionError"),
    (20, 21, "InsufficientApproverFundsForCommissions"),
    (21, 22, "InsufficientServiceProviderFundsForCommissions"),
    (22, 23, "MilestoneApprovedCantChangeEscrowProperties"),
    (23, 24, "EscrowHasFunds"),
    (24, None, "EscrowAlreadyResolved"),
    (None, 25, "MilestoneAlreadyResolved"),
    (25, 26, "TooManyEscrowsRequested"),
    (26, 27, "UnauthorizedToChangeDisputeFlag"),
    (27, 28, "TooManyMilestones"),
    (28, None, "ReceiverAndApproverFundsNotEqual"),
    (None, 29, "CantReleaseAMilestoneInDispute"),
    (None, 31, "MilestoneNotFound"),
    (29, 32, "MilestoneHasAlreadyBeenApproved"),
    (30, 33, "EmptyMilestoneStatus"),
    (31, 34, "PlatformFeeTooHigh"),
    (32, 35, "FlagsMustBeFalse"),
    (33, 36, "EscrowPropertiesMismatch"),
    (34, 38, "ApproverOrReceiverFundsLessThanZero"),
    (35, None, "EscrowAlreadyReleased"),
    (None, 30, "MilestoneAlreadyReleased"),
    (36, 37, "IncompatibleEscrowWasmHash"),
    (37, 44, "PlatformAddressCannotBeChanged"),
    (38, 42, "AmountsToBeTransferredShouldBePositive"),
    (39, None, "DistributionsMustEqualEscrowBalance"),
    (None, 39, "TotalDisputeFundsMustNotExceedTheMilestoneAmount"),
    (None, 40, "MilestoneAlreadyResolved"),
    (None, 41, "EscrowNotFullyProcessed"),
    (None, 43, "InsufficientFundsForRefund"),
    (None, 45, "InsufficientFundsForRefund"),
    (40, None, "DisputeResolverCannotDisputeTheEscrow"),
    (None, 46, "DisputeResolverCannotDisputeTheMilestone"),
    (41, 47, "TotalAmountCannotBeZero"),
)
_SINGLE: Final = {single: name for single, _, name in _ESCROW_ERRORS if single is not None}
_MULTI: Final = {multi: name for _, multi, name in _ESCROW_ERRORS if multi is not None}
# Funding calls the token contract, whose own numbers overlap with the escrow's.
_TOKEN: Final = {
    6: "AccountMissingError",
    8: "NegativeAmountError",
    9: "AllowanceError",
    10: "BalanceError",
    11: "BalanceDeauthorizedError",
    12: "OverflowError",
    13: "TrustlineMissingError",
}
_TOO_LITTLE: Final = frozenset(
    {
        "EscrowBalanceNotEnoughToSendEarnings",
        "InsufficientFundsForResolution",
        "InsufficientFundsForRefund",
        "EscrowNotFunded",
    }
)
_WRONG_STATE: Final = frozenset(
    {
        "EscrowNotCompleted",
        "MilestoneNotCompleted",
        "EscrowAlreadyInDispute",
        "MilestoneAlreadyInDispute",
        "EscrowNotInDispute",
        "MilestoneNotInDispute",
        "EscrowOpenedForDisputeResolution",
        "MilestoneOpenedForDisputeResolution",
        "EscrowAlreadyResolved",
        "MilestoneAlreadyResolved",
        "CantReleaseAMilestoneInDispute",
        "MilestoneHasAlreadyBeenApproved",
        "EscrowAlreadyReleased",
        "MilestoneAlreadyReleased",
        "EscrowNotFullyProcessed",
    }
)
_CONTRACT_ERROR: Final = re.compile(r"Error\(Contract, #(\d{1,9})\)")
_NETWORK_WORDS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), code)
    for pattern, code in (
        (r"tx_?bad_?seq", "tx_bad_seq"),
        (r"tx_?too_?late", "tx_too_late"),
        (r"tx_?too_?early", "tx_too_early"),
        (r"tx_?insufficient_?fee", "tx_insufficient_fee"),
        (r"tx_?insufficient_?balance", "tx_insufficient_balance"),
        (r"tx_?bad_?auth", "tx_bad_auth"),
        (r"tx_?no_?(source_?)?account", "tx_no_source_account"),
        (r"tx_?soroban_?invalid", "tx_soroban_invalid"),
        (r"archived", "entry_archived"),
        (r"resource_?limit_?exceeded", "resource_limit_exceeded"),
        (r"trapped", "function_trapped"),
    )
)
# The transaction was sent and its fate is not known to the service yet.
_UNSETTLED: Final = re.compile(
    r"resultMetaXdr|not be complete yet|timed? ?out|TRY_AGAIN_LATER", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Step:
    """Which contract's numbers a refusal speaks in. `multi_release` None: it cannot be told."""

    multi_release: bool | None
    funding: bool = False


@dataclass(frozen=True, slots=True)
class Meaning:
    """`code` is the contract's name for it, or the network's; `error_code` is ours."""

    code: str
    error_code: str


def text_of(body: Any) -> str:
    """What a refusal says, on one line and not too long; it may be a list of sentences."""
    if not isinstance(body, dict):
        return ""
    said = body.get("message") or body.get("error") or ""
    sentences = said if isinstance(said, list) else [said]
    return " ".join("; ".join(str(one) for one in sentences).split())[:500]


def is_unsettled(text: str) -> bool:
    """Whether the text says that the transaction was sent and not yet seen applied."""
    return _UNSETTLED.search(text) is not None


def meaning(text: str, step: Step) -> Meaning | None:
    """What the contract or the network said; None when the text names neither."""
    found = _CONTRACT_ERROR.search(text)
    if found:
        name = _name(int(found[1]), step)
        return Meaning(name, _error_code(name, step))
    for pattern, code in _NETWORK_WORDS:
        if pattern.search(text):
            return Meaning(code, "PROVIDER_ERROR")
    return None


def _name(number: int, step: Step) -> str:
    unknown = f"contract_error_{number}"
    if step.funding and number in _TOKEN:
        return _TOKEN[number]
    if step.multi_release is None:
        single, multi = _SINGLE.get(number), _MULTI.get(number)
        return single if single is not None and single == multi else unknown
    return (_MULTI if step.multi_release else _SINGLE).get(number, unknown)


def _error_code(name: str, step: Step) -> str:
    if step.funding:
        return "ESCROW_FUNDING_FAILED"
    if name in _TOO_LITTLE:
        return "ESCROW_INSUFFICIENT_FUNDS"
    return "ESCROW_INVALID_STATE" if name in _WRONG_STATE else "PROVIDER_ERROR"

"""The checks and effects that both escrow contracts share, in the contract's own order.

Source: section 6.2 of our Trustless Work provider contract, taken from the contract's source.
Functions change the given Escrow and move tokens through the Custody; the caller stores it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from offerhub.sandbox.chain.contract_calls import ContractEnv
from offerhub.sandbox.trustless_work.errors import refuse_if
from offerhub.sandbox.trustless_work.escrow import Escrow, Milestone
from offerhub.sandbox.trustless_work.fees import Payout, payout_of_distributions

MAX_MILESTONES = 10
MAX_PLATFORM_BPS = 9_900


@dataclass(frozen=True)
class Custody:
    """The tokens of one escrow contract, and where its protocol fee goes."""

    env: ContractEnv
    contract: str
    token: str
    protocol_account: str
    protocol_bps: int

    def balance(self) -> int:
        return self.env.balance(self.token, self.contract)

    def receive(self, sender: str, amount: int) -> None:
        self.env.transfer(self.token, sender, self.contract, amount)

    def pay(self, payout: Payout, *, platform: str) -> None:
        """Protocol first, then platform, then the recipients; any refusal reverts all."""
        self.env.transfer(self.token, self.contract, self.protocol_account, payout.protocol_fee)
        self.env.transfer(self.token, self.contract, platform, payout.platform_fee)
        for address, amount in payout.recipients.items():
            self.env.transfer(self.token, self.contract, address, amount)

    def distribute(self, escrow: Escrow, shares: Mapping[str, int]) -> None:
        payout = payout_of_distributions(
            shares, platform_bps=escrow.platform_fee, protocol_bps=self.protocol_bps
        )
        self.pay(payout, platform=escrow.roles["platform_address"])


def check_definition(escrow: Escrow) -> None:
    """What a new escrow must look like."""
    kind, milestones = escrow.kind, escrow.milestones
    flagged = escrow.disputed or escrow.released or escrow.resolved
    flagged = flagged or any(
        m.approved or m.disputed or m.released or m.resolved for m in milestones
    )
    refuse_if(flagged, kind, "FlagsMustBeFalse")
    refuse_if(not milestones, kind, "NoMilestoneDefined")
    refuse_if(escrow.platform_fee > MAX_PLATFORM_BPS, kind, "PlatformFeeTooHigh")
    amounts = [escrow.amount] if escrow.is_single else [m.amount for m in milestones]
    refuse_if(any(a <= 0 for a in amounts), kind, "AmountCannotBeZero")
    refuse_if(len(milestones) > MAX_MILESTONES, kind, "TooManyMilestones")


def fund(escrow: Escrow, custody: Custody, *, signer: str, expected: Escrow, amount: int) -> None:
    """Anybody may fund, any amount, in any state, again and again."""
    refuse_if(amount <= 0, escrow.kind, "AmountCannotBeZero")
    mismatch = expected.to_scval().to_xdr_bytes() != escrow.to_scval().to_xdr_bytes()
    refuse_if(mismatch, escrow.kind, "EscrowPropertiesMismatch")
    custody.receive(signer, amount)
    escrow.notes["funded_by"] = signer


def change_status(
    escrow: Escrow, *, index: int, status: str, evidence: str | None, service_provider: str
) -> None:
    """Free text, at any time, also after approval or release."""
    wrong = service_provider != escrow.roles["service_provider"]
    refuse_if(wrong, escrow.kind, "OnlyServiceProviderChangeMilstoneStatus")
    milestone = pick(escrow, index)
    milestone.status = status
    if evidence is not None:
        milestone.evidence = evidence


def approve(escrow: Escrow, *, index: int, approver: str) -> None:
    """Irreversible; needs neither funds nor a completed status."""
    kind = escrow.kind
    milestone = pick(escrow, index)
    refuse_if(approver != escrow.roles["approver"], kind, "OnlyApproverChangeMilstoneFlag")
    refuse_if(milestone.approved, kind, "MilestoneHasAlreadyBeenApproved")
    refuse_if(not milestone.status, kind, "EmptyMilestoneStatus")
    milestone.approved = True


def update(escrow: Escrow, custody: Custody, *, platform: str, proposed: Escrow) -> Escrow:
    """Replace the definition of an unfunded, unapproved escrow; returns the new one."""
    kind = escrow.kind
    disputed = escrow.disputed or any(m.disputed for m in escrow.milestones)
    name = "EscrowOpenedForDisputeResolution"
    refuse_if(disputed, kind, name if escrow.is_single else name.replace("Escrow", "Milestone", 1))
    moved = proposed.roles["platform_address"] != escrow.roles["platform_address"]
    refuse_if(moved, kind, "PlatformAddressCannotBeChanged")
    approved = any(m.approved for m in escrow.milestones)
    refuse_if(approved, kind, "MilestoneApprovedCantChangeEscrowProperties")
    flagged = proposed.disputed or proposed.released or proposed.resolved
    flagged = flagged or any(m.disputed or m.released or m.resolved for m in proposed.milestones)
    refuse_if(flagged, kind, "FlagsMustBeFalse")
    stranger = platform != escrow.roles["platform_address"]
    refuse_if(stranger, kind, "OnlyPlatformAddressExecuteThisFunction")
    refuse_if(custody.balance() > 0, kind, "EscrowHasFunds")
    check_definition(proposed)
    proposed.notes = escrow.notes
    return proposed


def pick(escrow: Escrow, index: int) -> Milestone:
    """The milestone at a zero-based index."""
    refuse_if(not escrow.milestones, escrow.kind, "NoMilestoneDefined")
    outside = not 0 <= index < len(escrow.milestones)
    refuse_if(outside, escrow.kind, "InvalidMileStoneIndex")
    return escrow.milestones[index]

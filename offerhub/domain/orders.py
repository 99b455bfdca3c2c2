"""Orders and milestones: states and the rules of an order's shape."""

from collections.abc import Sequence
from typing import Final

from offerhub.domain.errors import ValidationFailed
from offerhub.domain.machine import Machine, table

MAX_MILESTONES: Final = 10  # the contract refuses more (trustless-work, deploy)

ORDER: Final = Machine(
    "order",
    "ORDER_CREATED",
    table(
        ORDER_CREATED="FUNDS_RESERVED CLOSED",
        FUNDS_RESERVED="ESCROW_CREATING CLOSED",
        ESCROW_CREATING="ESCROW_FUNDING FUNDS_RESERVED",
        ESCROW_FUNDING="ESCROW_FUNDED",
        ESCROW_FUNDED="IN_PROGRESS",
        IN_PROGRESS="RELEASE_REQUESTED REFUND_REQUESTED DISPUTED",
        RELEASE_REQUESTED="RELEASED IN_PROGRESS",
        REFUND_REQUESTED="REFUNDED IN_PROGRESS",
        # Back to IN_PROGRESS only when one milestone's dispute is resolved and others are left.
        DISPUTED="RELEASED REFUNDED CLOSED IN_PROGRESS",
        RELEASED="CLOSED",
        REFUNDED="CLOSED",
        CLOSED="",
    ),
)

MILESTONE: Final = Machine(
    "milestone",
    "OPEN",
    table(
        OPEN="COMPLETED DISPUTED",
        COMPLETED="RELEASED DISPUTED",
        DISPUTED="RELEASED REFUNDED",
        RELEASED="",
        REFUNDED="",
    ),
)

RESOLUTIONS: Final = ("CANCELED", "RELEASED", "REFUNDED", "SPLIT")
PARTIES: Final = ("BUYER", "SELLER", "PLATFORM")


def check_parties(*, buyer_id: str, seller_id: str) -> None:
    """Nobody sells to themselves. Raises: ValidationFailed."""
    if buyer_id == seller_id:
        raise ValidationFailed("seller_id", "Buyer and seller must be different users.")


def check_milestones(*, amount_stroops: int, milestones: Sequence[tuple[str, int]]) -> None:
    """Milestones `(ref, stroops)`: at most ten, unique, above zero, together the order's amount.

    Raises: ValidationFailed.
    """
    if not milestones:
        return
    if len(milestones) > MAX_MILESTONES:
        raise ValidationFailed("milestones", f"At most {MAX_MILESTONES} milestones are allowed.")
    refs = [ref for ref, _ in milestones]
    if len(set(refs)) != len(refs):
        raise ValidationFailed("milestones", "Each milestone_ref must be unique in its order.")
    if any(stroops <= 0 for _, stroops in milestones):
        raise ValidationFailed("milestones", "The amount of each milestone is above zero.")
    if sum(stroops for _, stroops in milestones) != amount_stroops:
        raise ValidationFailed("milestones", "The milestones must add up to the order's amount.")

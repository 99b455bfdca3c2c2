"""Disputes: states, decisions, and the shares of a split."""

from typing import Final

from offerhub.domain.errors import ValidationFailed
from offerhub.domain.machine import Machine, table

DISPUTE: Final = Machine(
    "dispute",
    "OPEN",
    table(OPEN="UNDER_REVIEW", UNDER_REVIEW="RESOLVED", RESOLVED=""),
)

REASONS: Final = ("NOT_DELIVERED", "QUALITY_ISSUE", "OTHER")
DECISIONS: Final = ("FULL_RELEASE", "FULL_REFUND", "SPLIT")


def shares(
    decision: str, *, left_stroops: int, release_stroops: int | None, refund_stroops: int | None
) -> tuple[int, int]:
    """(to the seller, to the buyer) in stroops, gross, for what is left in the escrow.

    Raises: ValidationFailed for an unknown decision, when a split does not add up, or when amounts
    come without a split.
    """
    if decision not in DECISIONS:
        raise ValidationFailed("decision", f"Choose one of {', '.join(DECISIONS)}.")
    if decision != "SPLIT":
        if release_stroops is not None or refund_stroops is not None:
            raise ValidationFailed("decision", "Amounts belong to a SPLIT only.")
        return (left_stroops, 0) if decision == "FULL_RELEASE" else (0, left_stroops)
    if release_stroops is None or refund_stroops is None:
        raise ValidationFailed("decision", "A SPLIT needs release_amount and refund_amount.")
    if release_stroops <= 0 or refund_stroops <= 0:
        raise ValidationFailed("release_amount", "Both shares of a SPLIT are above zero.")
    if release_stroops + refund_stroops != left_stroops:
        raise ValidationFailed(
            "release_amount", "The shares must add up to what is left in the escrow."
        )
    return release_stroops, refund_stroops

"""Top-ups: money that a user pays in through Airtm."""

from typing import Final

from offerhub.domain.machine import Machine, table

TOPUP: Final = Machine(
    "top-up",
    "TOPUP_CREATED",
    table(
        TOPUP_CREATED="TOPUP_AWAITING_USER_CONFIRMATION TOPUP_FAILED TOPUP_CANCELED",
        TOPUP_AWAITING_USER_CONFIRMATION=(
            "TOPUP_PROCESSING TOPUP_SUCCEEDED TOPUP_FAILED TOPUP_CANCELED"
        ),
        TOPUP_PROCESSING="TOPUP_SUCCEEDED TOPUP_FAILED TOPUP_CANCELED",
        TOPUP_SUCCEEDED="",
        TOPUP_FAILED="",
        # Only as a late success: the money arrived after our own expiry.
        TOPUP_CANCELED="TOPUP_SUCCEEDED",
    ),
)

# How far along a state is; what arrives late or out of order never goes back.
RANK: Final = {
    "TOPUP_CREATED": 0,
    "TOPUP_AWAITING_USER_CONFIRMATION": 1,
    "TOPUP_PROCESSING": 2,
    "TOPUP_SUCCEEDED": 3,
    "TOPUP_FAILED": 3,
    "TOPUP_CANCELED": 3,
}

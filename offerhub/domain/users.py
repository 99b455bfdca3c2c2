"""Users and their invisible wallets."""

from typing import Final

from offerhub.domain.machine import Machine, table

USER: Final = Machine(
    "user",
    "ACTIVE",
    table(
        ACTIVE="SUSPENDED PENDING_VERIFICATION",
        SUSPENDED="ACTIVE",
        PENDING_VERIFICATION="ACTIVE SUSPENDED",
    ),
)

WALLET: Final = Machine("wallet", "CREATING", table(CREATING="ACTIVE", ACTIVE=""))

TYPES: Final = ("BUYER", "SELLER", "BOTH")

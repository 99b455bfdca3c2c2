"""Escrow contracts: states, and what the chain's facts mean for them."""

from typing import Final

from offerhub.domain.machine import Machine, table

ESCROW: Final = Machine(
    "escrow",
    "CREATING",
    table(
        # FAILED is ours: a deployment that is proven not to be on chain; the order goes back.
        CREATING="CREATED FAILED",
        CREATED="FUNDING",
        FUNDING="FUNDED",
        FUNDED="RELEASING REFUNDING DISPUTED",
        # Back to FUNDED only when definitely refused before anything was on chain.
        RELEASING="RELEASED FUNDED",
        REFUNDING="REFUNDED FUNDED",
        # Back to FUNDED when one milestone's dispute is resolved and others are left.
        DISPUTED="RELEASED REFUNDED FUNDED",
        RELEASED="",
        REFUNDED="",
        FAILED="",
    ),
)

KINDS: Final = ("SINGLE_RELEASE", "MULTI_RELEASE")

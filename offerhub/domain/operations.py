"""Provider operations: the states of long work and of each of its steps."""

from typing import Final

from offerhub.domain.machine import Machine, table

OPERATION: Final = Machine(
    "operation",
    "PENDING",
    table(
        PENDING="SUCCEEDED FAILED STUCK",
        # An operator retries or settles by hand; nothing is dropped.
        STUCK="PENDING SETTLED",
        SUCCEEDED="",
        FAILED="",
        SETTLED="",
    ),
)

STEP: Final = Machine(
    "operation step",
    "PREPARED",
    table(
        PREPARED="SUCCEEDED REJECTED UNKNOWN EXPIRED",
        UNKNOWN="SUCCEEDED REJECTED EXPIRED",
        SUCCEEDED="",
        REJECTED="",
        # Proven never to have happened; the step is prepared anew under its next attempt.
        EXPIRED="",
    ),
)

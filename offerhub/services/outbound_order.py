"""Whose work goes first when calls at a provider are scarce, by the kind of operation.

Not here: keeping the limit (`ports.limits`), and when a turn is expected (`turns`).
"""

from typing import Final

from offerhub.ports.limits import Urgency

# Kinds of operations, by the names of `services.operations`.
URGENCIES: Final = {
    "platform.setup": Urgency.NEW,
    "wallet.create": Urgency.NEW,
    "topup.payin": Urgency.NEW,
    "escrow.deploy": Urgency.NEW,
    "wallet.sweep": Urgency.BACKGROUND,
}


def urgency_of(kind: str) -> Urgency:
    """Money that is on its way goes before what has not begun, and that before housekeeping."""
    return URGENCIES.get(kind, Urgency.MONEY)

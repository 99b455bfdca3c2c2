"""Whose work goes first, by the kind of operation: when calls are scarce, and when workers are.

Not here: keeping the limit (`ports.limits`), claiming (`store.operations`), and when a turn is
expected (`turns`).
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
# How much longer than what is under way each urgency may wait for a worker, when there are more due
# operations than workers. Whoever has waited longer goes before newer work that is more urgent.
PATIENCE_MS: Final = {
    Urgency.UNDER_WAY: 0,  # it may hold a wallet that others wait for
    Urgency.MONEY: 1_000,
    Urgency.NEW: 60_000,
    Urgency.BACKGROUND: 300_000,
}


def urgency_of(kind: str) -> Urgency:
    """Money that is on its way goes before what has not begun, and that before housekeeping."""
    return URGENCIES.get(kind, Urgency.MONEY)

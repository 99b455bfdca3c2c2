"""Whose calls go first when a provider's limit is used up, and when an operation's turn comes.

The expected moment is an estimate: from the calls that older and more urgent operations still have
to make, and from when the limit lets calls through. Not here: keeping the limit (`ports.limits`).
"""

from collections.abc import Iterable
from typing import Any, Final

from offerhub.ports.limits import Outlook, Urgency
from offerhub.services.context import App
from offerhub.store import operations as store

# Kinds of operations, by the names of `services.operations`.
URGENCIES: Final = {
    "platform.setup": Urgency.NEW,
    "wallet.create": Urgency.NEW,
    "topup.payin": Urgency.NEW,
    "escrow.deploy": Urgency.NEW,
    "wallet.sweep": Urgency.BACKGROUND,
}
# Calls to Trustless Work, the one provider whose limit work queues for: steps of a kind, in order,
# once per part of the order that is paid. Read, build and send; or build and send alone.
ESCROW_SERVICE: Final = "trustless_work"
CALLS: Final[dict[str, dict[str, int]]] = {
    "escrow.deploy": {"deploy": 2},
    "escrow.fund": {"fund": 3},
    "order.release": {"approve": 3, "release": 2},
    "milestone.release": {"approve": 3, "release": 2},
    "order.refund": {"dispute": 3, "resolve": 3},
    "milestone.complete": {"complete": 2},
    "dispute.open": {"dispute": 3},
    "dispute.resolve": {"resolve": 3},
}
AT_ONCE_S: Final = 1.0  # nobody calls that waiting


def urgency_of(kind: str) -> Urgency:
    """Money that is on its way goes before what has not begun, and that before housekeeping."""
    return URGENCIES.get(kind, Urgency.MONEY)


def expected(app: App, rows: Iterable[Any]) -> dict[str, int]:
    """When the turn of each of these operations comes, in epoch ms, where a limit makes it wait.

    Operations that need not wait for the limit are not in the answer; nor is any while Redis, which
    keeps the limit, is away. Reads the pending operations; run it in a connection.
    """
    asked = {row.id for row in rows if row.status == "PENDING" and row.kind in CALLS}
    if not asked or app.limits is None:
        return {}
    outlook = app.limits.outlook(ESCROW_SERVICE)
    if outlook is None:
        return {}
    pending = store.pending_of_kinds(list(CALLS))
    done = store.succeeded_steps([row.id for row in pending])
    pending.sort(key=lambda row: (urgency_of(row.kind), row.created_at, row.id))
    return _turns(pending, done, asked, outlook, now_ms=app.now_ms())


def _turns(
    pending: list[Any],
    done: dict[str, list[str]],
    asked: set[str],
    outlook: Outlook,
    *,
    now_ms: int,
) -> dict[str, int]:
    found: dict[str, int] = {}
    ahead = 0
    for row in pending:
        wait_s = outlook.wait_s(ahead)
        if row.id in asked and wait_s > AT_ONCE_S:
            found[row.id] = now_ms + round(wait_s * 1000)
        ahead += calls_left(row, done.get(row.id, []))
    return found


def calls_left(row: Any, done: list[str]) -> int:
    """How many calls the operation still makes, if all goes well. done: names of finished steps."""
    steps = CALLS[row.kind]
    parts = len(row.params.get("positions") or row.params.get("parts") or [None])
    made = sum(steps.get(name.partition("_")[0], 0) for name in done)
    return max(1, parts * sum(steps.values()) - made)

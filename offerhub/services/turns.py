"""When the turn of an operation comes that waits for others, as far as that can be known.

An estimate, for people: nothing is decided by it. It is made from the calls that more urgent and
older operations still have to make, and from when the provider's limit lets calls through.
Not here: keeping the limit (`ports.limits`), and whose calls are urgent (`outbound_order`).
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from offerhub.ports.limits import Outlook
from offerhub.services.context import App
from offerhub.services.outbound_order import urgency_of
from offerhub.services.representations import Json, timestamp
from offerhub.store import operations as store
from offerhub.store.database import connection

PROVIDER_LIMIT: Final = "PROVIDER_LIMIT"
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
KEPT_S: Final = 1.0  # readers of single resources share one estimate for so long


@dataclass(frozen=True, slots=True)
class Turn:
    """waits_for: PROVIDER_LIMIT, for others call before it. at_ms: epoch ms, an estimate."""

    waits_for: str
    at_ms: int


def expected(app: App) -> dict[str, Turn]:
    """The turn of each pending operation that waits for others, by the operation's id.

    Operations that need not wait are not in the answer; nor is any while Redis, which keeps the
    limit, is away. Reads the pending operations.
    """
    if app.limits is None:
        return {}
    with connection():
        pending = store.pending_of_kinds(list(CALLS))
        if not pending:
            return {}
        done = store.succeeded_steps([row.id for row in pending])
    outlook = app.limits.outlook(ESCROW_SERVICE)
    if outlook is None:
        return {}
    pending.sort(key=lambda row: (urgency_of(row.kind), row.created_at, row.id))
    return _turns(pending, done, outlook, now_ms=app.now_ms())


def expected_lately(app: App) -> dict[str, Turn]:
    """The same, at most KEPT_S old: many may poll one resource each, several times a second."""
    if time.monotonic() >= app.lately.until_s:
        app.lately.turns = expected(app)
        app.lately.until_s = time.monotonic() + KEPT_S
    return app.lately.turns


def shown(app: App, operation: Json | None) -> Json | None:
    """A resource's `operation`, as represented, with its turn. For single resources, not lists."""
    if operation is None or operation["status"] != "PENDING" or operation["kind"] not in CALLS:
        return operation
    return {**operation, **fields(expected_lately(app).get(operation["id"]))}


def fields(turn: Turn | None) -> Json:
    """`waits_for` and `expected_at`, both null for an operation that waits for nobody."""
    return {
        "waits_for": turn and turn.waits_for,
        "expected_at": timestamp(turn.at_ms) if turn else None,
    }


def _turns(
    pending: Iterable[Any], done: dict[str, list[str]], outlook: Outlook, *, now_ms: int
) -> dict[str, Turn]:
    found: dict[str, Turn] = {}
    ahead = 0
    for row in pending:
        wait_s = outlook.wait_s(ahead)
        if wait_s > AT_ONCE_S:
            found[row.id] = Turn(PROVIDER_LIMIT, now_ms + round(wait_s * 1000))
        ahead += calls_left(row, done.get(row.id, []))
    return found


def calls_left(row: Any, done: list[str]) -> int:
    """How many calls the operation still makes, if all goes well. done: names of finished steps."""
    steps = CALLS[row.kind]
    parts = len(row.params.get("positions") or row.params.get("parts") or [None])
    made = sum(steps.get(name.partition("_")[0], 0) for name in done)
    return max(1, parts * sum(steps.values()) - made)

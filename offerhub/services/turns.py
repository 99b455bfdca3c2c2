"""When the turn of an operation comes that waits for others, as far as that can be known.

An estimate, for people: nothing is decided by it. Two queues are looked at: calls to the escrow
service, whose limit lets so many through, and the platform's own wallets, each of which has one
transaction in flight. Not known, and so not in it: what is asked for later, what will fail, and
whether a wallet will turn out to need no bridge.
Not here: keeping the limit (`ports.limits`), and whose calls are urgent (`outbound_order`).
"""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from offerhub.ports.limits import Outlook, Urgency
from offerhub.services.context import App
from offerhub.services.representations import Json, timestamp
from offerhub.store import operations as store
from offerhub.store.database import connection

PROVIDER_LIMIT: Final = "PROVIDER_LIMIT"
SIGNER: Final = "SIGNER"
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
# Which of the platform's wallets signs a step (None: a user's own), in order, once per part. What
# comes once more after all parts is in AFTERWARDS.
SIGNERS: Final[dict[str, tuple[tuple[str, str | None], ...]]] = {
    "wallet.create": (("create_wallet", "treasury"),),
    "wallet.fuel": (("pay_xlm", "treasury"),),
    "treasury.payment": (("pay", "treasury"),),
    "escrow.deploy": (("deploy", "treasury"),),
    "escrow.fund": (("bridge", "treasury"), ("fund", None)),
    "withdrawal.chain": (("bridge", "treasury"), ("pay", None)),
    "order.release": (("approve", None), ("release", "release")),
    "milestone.release": (("approve", None), ("release", "release")),
    "order.refund": (("dispute", None), ("resolve", "resolver")),
    "dispute.resolve": (("resolve", "resolver"),),
}
AFTERWARDS: Final = {"order.refund": "treasury", "dispute.resolve": "treasury"}
AT_ONCE_S: Final = 1.0  # nobody calls that waiting
KEPT_S: Final = 1.0  # readers of single resources share one estimate for so long
# A ledger closes every five to six seconds; used until a wallet has transactions of its own to
# judge by. Source: docs/decisions/0010.
LEDGER_S: Final = 5.5
JUDGED_BY: Final = 9  # transactions


@dataclass(frozen=True, slots=True)
class Turn:
    """waits_for: PROVIDER_LIMIT or SIGNER, whichever takes longer. at_ms: epoch ms, an estimate."""

    waits_for: str
    at_ms: int


def expected(app: App) -> dict[str, Turn]:
    """The turn of each pending operation that waits for others, by the operation's id.

    Operations that need not wait are not in the answer; while Redis, which keeps the limit, is
    away, nor are those that wait for the limit alone. Reads the pending operations.
    """
    with connection():
        pending = store.pending_of_kinds(sorted(CALLS.keys() | SIGNERS.keys()))
        if not pending:
            return {}
        made = {
            id_: Counter(_verb(name) for name in names)
            for id_, names in store.succeeded_steps([row.id for row in pending]).items()
        }
        holders = store.holders()
        pace_s = {role: _pace_s(address) for role, address in _wallets(app).items()}
    pending.sort(key=lambda row: (row.urgency, row.created_at, row.id))
    by_signer = _waits_for_signers(pending, made, holders, _wallets(app), pace_s)
    outlook = app.limits.outlook(ESCROW_SERVICE) if app.limits is not None else None
    by_limit = {} if outlook is None else _waits_for_limit(pending, made, outlook)
    found = {}
    for row in pending:
        wait_s, waits_for = max(
            (by_limit.get(row.id, 0.0), PROVIDER_LIMIT), (by_signer.get(row.id, 0.0), SIGNER)
        )
        if wait_s > AT_ONCE_S:
            found[row.id] = Turn(waits_for, app.now_ms() + round(wait_s * 1000))
    return found


def expected_lately(app: App) -> dict[str, Turn]:
    """The same, at most KEPT_S old: many may poll one resource each, several times a second."""
    if time.monotonic() >= app.lately.until_s:
        app.lately.turns = expected(app)
        app.lately.until_s = time.monotonic() + KEPT_S
    return app.lately.turns


def shown(app: App, operation: Json | None) -> Json | None:
    """A resource's `operation`, as represented, with its turn. For single resources, not lists."""
    if operation is None or operation["status"] != "PENDING":
        return operation
    if operation["kind"] not in CALLS and operation["kind"] not in SIGNERS:
        return operation
    return {**operation, **fields(expected_lately(app).get(operation["id"]))}


def fields(turn: Turn | None) -> Json:
    """`waits_for` and `expected_at`, both null for an operation that waits for nobody."""
    return {
        "waits_for": turn and turn.waits_for,
        "expected_at": timestamp(turn.at_ms) if turn else None,
    }


def _waits_for_limit(
    pending: Iterable[Any], made: dict[str, Counter[str]], outlook: Outlook
) -> dict[str, float]:
    """Seconds until the first call of each, in the limiter's own order.

    What is less urgent comes after all that is more so, but for the share of each window that is
    kept for it; and that share is taken from those who are more urgent.
    """
    calling = [row for row in pending if row.kind in CALLS]
    left = {row.id: calls_left(row, made.get(row.id, Counter())) for row in calling}
    lesser = sum(left[row.id] for row in calling if row.urgency >= Urgency.NEW)
    found: dict[str, float] = {}
    ahead = of_lesser = 0
    limit, kept = len(outlook.free_in_s), outlook.kept
    for row in calling:
        if row.urgency < Urgency.NEW:
            found[row.id] = outlook.wait_s(ahead + min(lesser, kept * (ahead // limit + 1)))
        else:
            by_share = outlook.wait_s(of_lesser // kept * limit + of_lesser % kept) if kept else 0
            in_order = outlook.wait_s(ahead)
            found[row.id] = min(in_order, by_share) if kept else in_order
            of_lesser += left[row.id]
        ahead += left[row.id]
    return found


def _waits_for_signers(
    pending: Iterable[Any],
    made: dict[str, Counter[str]],
    holders: dict[str, str],
    wallets: dict[str, str],
    pace_s: dict[str, float],
) -> dict[str, float]:
    """Seconds until each may sign its next step. holders: operation by address that it holds.

    Whoever holds the wallet comes first; the others one transaction after the other.
    """
    found: dict[str, float] = {}
    ahead = Counter(role for role, address in wallets.items() if address in holders)
    for row in pending:
        role = _next_signer(row, made.get(row.id, Counter()))
        if role is None or holders.get(wallets[role]) == row.id:
            continue
        found[row.id] = ahead[role] * pace_s[role]
        ahead[role] += 1
    return found


def _next_signer(row: Any, made: Counter[str]) -> str | None:
    """The role of the platform's wallet that signs the operation's next step, if one does."""
    steps = SIGNERS.get(row.kind)
    if steps is None:
        return None
    rounds = made[steps[-1][0]]
    if rounds >= _parts(row):
        return AFTERWARDS.get(row.kind)
    return next(role for verb, role in steps if made[verb] <= rounds)


def calls_left(row: Any, made: Counter[str]) -> int:
    """How many calls the operation still makes, if all goes well. made: finished steps by verb."""
    steps = CALLS[row.kind]
    done = sum(steps.get(verb, 0) * times for verb, times in made.items())
    return max(1, _parts(row) * sum(steps.values()) - done)


def _parts(row: Any) -> int:
    return len(row.params.get("positions") or row.params.get("parts") or [None])


def _verb(name: str) -> str:
    """`release_2` is a `release`, of the part 2."""
    verb, _, part = name.rpartition("_")
    return verb if part.isdigit() else name


def _wallets(app: App) -> dict[str, str]:
    keys = app.platform_keys
    return {
        "treasury": keys.treasury.address,
        "release": keys.release.address,
        "resolver": keys.resolver.address,
    }


def _pace_s(address: str) -> float:
    """How long a transaction of this wallet keeps it, by its last ones."""
    took_ms = store.took_ms(address, limit=JUDGED_BY)
    return median(took_ms) / 1000 if took_ms else LEDGER_S

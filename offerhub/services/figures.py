"""What monitoring wants to know of the deployment, in numbers; `GET /metrics` shows them.

Looked at in the database at most every few seconds, the balance sheet every few minutes
(`sheet_watch`).
"""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from offerhub.domain.differences import Difference
from offerhub.ledger import accounts
from offerhub.services import book_check, history
from offerhub.services.context import App
from offerhub.services.flows.registry import FLOWS
from offerhub.services.lease_holders import LEASES
from offerhub.services.sheet_watch import SheetWatch
from offerhub.store import differences, reconciliations
from offerhub.store import figures as store
from offerhub.store import leases as leases_store
from offerhub.store import operations as operations_store
from offerhub.store.database import connection

TTL_S: Final = 5.0
LIVE: Final = ("PENDING", "STUCK")
OTHER: Final = "other"
PROVIDERS: Final = ("airtm", "trustless_work", "stellar")
RAILS: Final = ("AIRTM", "STELLAR")
_RAIL_OF: Final = {accounts.AIRTM_TREASURY: "AIRTM", accounts.STELLAR_TREASURY: "STELLAR"}


@dataclass(frozen=True, slots=True)
class LastReconciliation:
    """What the last run left for the operator. `age_s` None: there was none yet.

    treasury_stroops: by rail, theirs less ours.
    """

    age_s: float | None
    left: dict[str, int]
    treasury_stroops: dict[str, int]


@dataclass(frozen=True, slots=True)
class Figures:
    """By status where there are several; `books_difference_stroops` is zero when all is well.

    operations: by kind and status; a kind of another version is OTHER, for labels are bounded.
    overdue_s: by queue, how long the oldest thing is due that nobody has taken up.
    book_findings, books_checked_age_s: of the last check of every invariant; None before the first.
    """

    operations: dict[tuple[str, str], int]
    oldest_pending_s: float
    overdue_s: dict[str, float]
    inbox: dict[str, int]
    deliveries: dict[str, int]
    unsequenced_events: int
    unsealed_audit_records: int
    books_difference_stroops: int
    book_findings: int | None
    books_checked_age_s: float | None
    waiting_for_xlm: int
    broken_history: int
    reconciliation: LastReconciliation
    rail_shortage_stroops: dict[str, int]
    outbound_wait_s: dict[str, float]  # by provider; none while Redis is away
    leases: dict[str, int]  # 1 while somebody holds it


class Observer:
    """Keeps the last figures of one process."""

    def __init__(
        self,
        app: App,
        *,
        sheet: SheetWatch | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: tuple[float, Figures] | None = None
        self._sheet = sheet or SheetWatch()

    def figures(self) -> Figures:
        """The figures, at most TTL_S old."""
        with self._lock:
            now_s = self._monotonic()
            if self._known is None or now_s - self._known[0] >= TTL_S:
                self._known = (now_s, self._look())
            return self._known[1]

    def _look(self) -> Figures:
        difference, shortages = self._sheet.look()
        checked, now = book_check.last(), self._app.now_ms()
        lease_now = self._app.lease_clock(now)
        with connection():
            oldest = store.oldest_pending_at()
            return Figures(
                operations=_by_known_kind(store.operations_by_kind()),
                oldest_pending_s=_since_s(now, oldest),
                overdue_s={
                    queue: _since_s(now, at)
                    for queue, at in store.due_since(now=now, lease_now=lease_now).items()
                },
                inbox=store.inbox(),
                deliveries=store.deliveries(),
                unsequenced_events=store.unsequenced_events(),
                unsealed_audit_records=store.unsealed_audit_records(),
                books_difference_stroops=difference,
                book_findings=None if checked is None else checked["findings"],
                books_checked_age_s=None if checked is None else _since_s(now, checked["at"]),
                waiting_for_xlm=operations_store.waiting_for_xlm(),
                reconciliation=self._last_reconciliation(),
                rail_shortage_stroops=shortages,
                broken_history=differences.count_open(subject_id=history.SUBJECT),
                outbound_wait_s=self._outbound_wait_s(),
                leases=self._leases(),
            )

    def _last_reconciliation(self) -> LastReconciliation:
        last = reconciliations.newest_finished()
        treasury = dict.fromkeys(RAILS, 0)
        if last is None:
            return LastReconciliation(None, {}, treasury)
        left: Counter[str] = Counter()
        for one in reconciliations.differences_of(last.id):
            if one.status == "REPAIRED":
                continue
            left[one.kind] += 1
            rail = _RAIL_OF.get(one.subject_id)
            if rail is not None and one.kind == Difference.ASSET_BALANCE:
                treasury[rail] = (one.theirs or 0) - (one.ours or 0)
        age_s = max(0.0, (self._app.now_ms() - last.started_at) / 1000)
        return LastReconciliation(age_s, dict(left), treasury)

    def _outbound_wait_s(self) -> dict[str, float]:
        if self._app.limits is None:
            return {}
        seen = {name: self._app.limits.outlook(name) for name in PROVIDERS}
        return {name: one.wait_s(one.waiting) for name, one in seen.items() if one is not None}

    def _leases(self) -> dict[str, int]:
        now = leases_store.clock_ms(self._app.now_ms())
        held = {row.name for row in leases_store.Lease.select() if row.expires_at > now}
        return {name: int(name in held) for name in LEASES}


def _by_known_kind(counts: dict[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    """Also zeros, so that an alarm about a kind ends when there is none of it any more."""
    found = Counter({(kind, status): 0 for kind in (*FLOWS, OTHER) for status in LIVE})
    for (kind, status), count in counts.items():
        found[kind if kind in FLOWS else OTHER, status] += count
    return dict(found)


def _since_s(now_ms: int, at_ms: int | None) -> float:
    return 0.0 if at_ms is None else max(0.0, (now_ms - at_ms) / 1000)

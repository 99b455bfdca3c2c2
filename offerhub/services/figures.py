"""What monitoring wants to know of the deployment, in numbers; `GET /metrics` shows them.

Looked at in the database at most every few seconds, the balance sheet every few minutes: it reads
every entry of the books.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from offerhub.domain.differences import Difference
from offerhub.ledger import accounts, checks
from offerhub.services import history, solvency
from offerhub.services.context import App
from offerhub.services.lease_holders import LEASES
from offerhub.store import differences, reconciliations
from offerhub.store import figures as store
from offerhub.store import leases as leases_store
from offerhub.store import operations as operations_store
from offerhub.store.database import connection, snapshot

TTL_S: Final = 5.0
SHEET_TTL_S: Final = 300.0
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
    """By status where there are several; `books_difference_stroops` is zero when all is well."""

    operations: dict[str, int]
    oldest_pending_s: float
    inbox: dict[str, int]
    deliveries: dict[str, int]
    unsequenced_events: int
    unsealed_audit_records: int
    books_difference_stroops: int
    waiting_for_xlm: int
    broken_history: int
    reconciliation: LastReconciliation
    rail_shortage_stroops: dict[str, int]
    outbound_wait_s: dict[str, float]  # by provider; none while Redis is away
    leases: dict[str, int]  # 1 while somebody holds it


class Observer:
    """Keeps the last figures of one process."""

    def __init__(self, app: App, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: tuple[float, Figures] | None = None
        self._sheet: tuple[float, int, dict[str, int]] | None = None

    def figures(self) -> Figures:
        """The figures, at most TTL_S old."""
        with self._lock:
            now_s = self._monotonic()
            if self._known is None or now_s - self._known[0] >= TTL_S:
                self._known = (now_s, self._look())
            return self._known[1]

    def _look(self) -> Figures:
        difference, shortages = self._of_sheet()
        with connection():
            oldest = store.oldest_pending_at()
            return Figures(
                operations=store.operations(),
                oldest_pending_s=0.0
                if oldest is None
                else max(0.0, (self._app.now_ms() - oldest) / 1000),
                inbox=store.inbox(),
                deliveries=store.deliveries(),
                unsequenced_events=store.unsequenced_events(),
                unsealed_audit_records=store.unsealed_audit_records(),
                books_difference_stroops=difference,
                waiting_for_xlm=operations_store.waiting_for_xlm(),
                reconciliation=self._last_reconciliation(),
                rail_shortage_stroops=shortages,
                broken_history=differences.count_open(subject_id=history.SUBJECT),
                outbound_wait_s=self._outbound_wait_s(),
                leases=self._leases(),
            )

    def _of_sheet(self) -> tuple[int, dict[str, int]]:
        """The books' difference, and what each rail is short of."""
        now_s = self._monotonic()
        if self._sheet is None or now_s - self._sheet[0] >= SHEET_TTL_S:
            with snapshot():
                difference = checks.sheet().difference_stroops
            self._sheet = (now_s, difference, solvency.shortages())
        return self._sheet[1], self._sheet[2]

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

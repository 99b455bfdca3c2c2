"""Whether work and books are as they should be: what is late, stuck, unequal or left open.

Each look answers (what is wrong and what shows or mends it, or None; numbers for the answer). Any
of it degrades a deployment that still serves. `GET /health` is public: no amounts and no ids here.
"""

from typing import Any, Final

from offerhub.services import book_check
from offerhub.services.context import App
from offerhub.services.representations import timestamp
from offerhub.services.sheet_watch import SheetWatch
from offerhub.store import figures, reconciliations
from offerhub.store.database import connection

LATE_MS: Final = 10_000  # a takeover by a standby takes less
OVERDUE_MS: Final = 60_000
UNCHECKED_MS: Final = 2 * 3_600_000  # the clock checks and compares every hour

Look = tuple[str | None, dict[str, Any]]
_WORKERS: Final = {
    "critical": "operations are due",
    "webhooks": "received webhooks are due",
    "deliveries": "outgoing webhooks are due",
}


def relay_lag(app: App) -> Look:
    """Whether events get their place on the stream soon after they happened."""
    with connection():
        count, oldest = figures.unsequenced_events(), figures.oldest_unsequenced_at()
    lag_ms = 0 if oldest is None else max(0, app.now_ms() - oldest)
    wrong = None
    if lag_ms > LATE_MS:
        wrong = f"events wait for their place for {_long(lag_ms)}: read `offerhub logs relay`"
    return wrong, {"waiting_events": count, "lag_ms": lag_ms}


def operations(app: App) -> Look:
    """Whether an operation has given up, and whether what is due is taken up."""
    now = app.now_ms()
    with connection():
        stuck = figures.stuck_operations()
        due = figures.due_since(now=now, lease_now=app.lease_clock(now))
    wrong = []
    if stuck:
        wrong.append(
            f"{stuck} stuck: see `offerhub operations list --status STUCK`, mend the cause, then"
            " `offerhub operations retry` or `settle`"
        )
    late = {queue: now - at for queue, at in due.items() if at is not None}
    for queue, late_ms in late.items():
        if late_ms > OVERDUE_MS:
            wrong.append(
                f"{_WORKERS[queue]} for {_long(late_ms)} and not taken up:"
                f" read `offerhub logs worker-{queue}`"
            )
    return "; ".join(wrong) or None, {"stuck": stuck, "overdue_ms": max(late.values(), default=0)}


def books(app: App, sheet: SheetWatch) -> Look:
    """Whether the books are right: by the last check, and by the sheet as it was just seen.

    What the last check found is told until a later one finds nothing.
    """
    last = book_check.last()
    difference, _ = sheet.look()
    numbers = {
        "findings": None if last is None else last["findings"],
        "checked_at": timestamp(None if last is None else last["at"]),
    }
    if difference or (last is not None and last["findings"]):
        what = (
            "the books are not right: turn on `offerhub maintenance`, read `offerhub ledger check`"
        )
        return what, numbers
    age_ms = 0 if last is None else app.now_ms() - last["at"]
    if age_ms > UNCHECKED_MS:
        return f"not checked for {_long(age_ms)}: run `offerhub ledger check`", numbers
    return None, numbers


def treasury(sheet: SheetWatch) -> Look:
    """Whether each rail can pay what is committed on it."""
    _, shortages = sheet.look()
    short = sorted(rail for rail, stroops in shortages.items() if stroops)
    if not short:
        return None, {}
    what = f"short of what is committed on {' and '.join(short)}: see `offerhub treasury`"
    return f"{what}, send money there", {}


def reconciliation(app: App) -> Look:
    """Whether the last comparison with the providers left nothing, and is not long ago."""
    with connection():
        last = reconciliations.newest_finished()
        left = 0 if last is None else reconciliations.count_open_of(last.id)
        alone = reconciliations.count_open_alone()
    numbers = {
        "differences": left,
        "waiting": alone,
        "compared_at": timestamp(None if last is None else last.started_at),
    }
    wrong = []
    if left:
        wrong.append(f"{left} left by the last comparison: see `offerhub reconcile`")
    if alone:
        wrong.append(f"{alone} wait for you: see `offerhub dead-letters list`")
    age_ms = 0 if last is None else app.now_ms() - last.started_at
    if age_ms > UNCHECKED_MS:
        wrong.append(f"not compared for {_long(age_ms)}: run `offerhub reconcile`")
    return "; ".join(wrong) or None, numbers


def _long(ms: int) -> str:
    for size_ms, unit in ((3_600_000, "h"), (60_000, "min")):
        if ms >= size_ms:
            return f"{ms // size_ms} {unit}"
    return f"{ms // 1000} s"

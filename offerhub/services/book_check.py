"""The books' invariants, checked by the clock: a broken one is an alarm and is never put right.

What the last check found is kept, so that whoever asks is told until a later check finds nothing.
"""

from typing import Any, Final

import structlog

from offerhub.domain.differences import Difference
from offerhub.services import audit, treasury
from offerhub.services.announcements import NewEvent, announce
from offerhub.services.context import Context
from offerhub.store import leases as flags
from offerhub.store.database import atomic, connection

log = structlog.get_logger(__name__)

ANNOUNCED = 20  # of one check; the log and the audit record have the count
LAST: Final = "books_checked"


def check(ctx: Context) -> list[dict[str, Any]]:
    """Check everything ever posted; every finding is logged as an error and announced. Commits."""
    findings = treasury.check_books(ctx)
    note(ctx, findings)
    for finding in findings:
        log.error("ledger.finding", **finding)
    if not findings:
        log.info("ledger.checked", findings=0)
        return findings
    with atomic():
        announce(ctx, *(_event(finding) for finding in findings[:ANNOUNCED]))
        audit.record(
            ctx, action="ledger.check", resource_type="ledger", resource_id=None,
            after={"findings": len(findings), "first": findings[0]}, result="failure",
            error_code="INTERNAL_ERROR",
        )  # fmt: skip
    return findings


def note(ctx: Context, findings: list[dict[str, Any]]) -> None:
    """Keep how many findings a check had that ended just now. Commits."""
    now = ctx.now_ms()
    with atomic():
        flags.set_flag(LAST, {"at": now, "findings": len(findings)}, now=now)


def last() -> dict[str, int] | None:
    """`at` (epoch ms) and `findings` of the last check; None before the first."""
    with connection():
        found = flags.flag(LAST)
    return found if isinstance(found, dict) else None


def _event(finding: dict[str, Any]) -> NewEvent:
    """As reconciliation announces a difference: `ours` is what the books say, `theirs` what is due.

    The subject of a finding is an account, a transfer, or the books as a whole.
    """
    return NewEvent(
        "balance.discrepancy_detected",
        finding["subject"],
        {
            "difference_id": None,  # the books' own matter, which no reconciliation owns
            "kind": str(Difference.LEDGER_INVARIANT),
            "account": finding["subject"],
            "place": "books",
            "ours": finding["found"],
            "ours_exact": finding["found_exact"],
            "theirs": finding["expected"],
            "theirs_exact": finding["expected_exact"],
        },
    )

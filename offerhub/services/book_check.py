"""The books' invariants, checked by the clock: a broken one is an alarm and is never put right."""

from typing import Any

import structlog

from offerhub.domain.differences import Difference
from offerhub.services import audit, treasury
from offerhub.services.announcements import NewEvent, announce
from offerhub.services.context import Context
from offerhub.store.database import atomic

log = structlog.get_logger(__name__)

ANNOUNCED = 20  # of one check; the log and the audit record have the count


def check(ctx: Context) -> list[dict[str, Any]]:
    """Check everything ever posted; every finding is logged as an error and announced.

    Commits only when there is a finding.
    """
    findings = treasury.check_books(ctx)
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

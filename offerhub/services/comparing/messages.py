"""Messages that did not arrive: Airtm's webhooks to us, and ours to the marketplace."""

from offerhub.domain.differences import Difference
from offerhub.ports.payments import PayinListing, PayinStatus, PayoutListing, PayoutStatus
from offerhub.services.comparing.findings import GRACE_MS, Found, Section
from offerhub.services.comparing.inside import ringing
from offerhub.services.context import Context
from offerhub.store import comparisons, work_left
from offerhub.store.database import connection

AIRTM = "airtm"
SHOWN = 20
# Airtm announces these and no other changes. Source: Airtm Enterprise API, "Webhooks".
PAYIN_EVENTS = {
    PayinStatus.SUCCEEDED: "payin.confirmed",
    PayinStatus.FAILED: "payin.failed",
    PayinStatus.CANCELED: "payin.canceled",
}
PAYOUT_EVENTS = {
    PayoutStatus.COMPLETED: "payout.completed",
    PayoutStatus.FAILED: "payout.failed",
    PayoutStatus.CANCELED: "payout.canceled",
}


def compare_incoming(
    ctx: Context, *, payins: PayinListing | None, payouts: PayoutListing | None, since: int
) -> Section:
    """Webhooks that were received and not applied, and changes that none was received about.

    since: changes from this moment on, so that one is told once. Where no webhook of Airtm's was
    ever received there are none to miss: such a deployment lives by looking.
    """
    section = Section("webhooks from Airtm")
    now = ctx.now_ms()
    with connection():
        waiting = work_left.inbox_waiting(due_before=now - GRACE_MS)
        first_at = work_left.first_webhook_at(AIRTM)
    for row in waiting:
        dead = row.status == "DEAD"
        section.found.append(
            Found(
                Difference.WEBHOOK_UNAPPLIED, "webhook", row.id, AIRTM,
                detail={
                    "event_type": row.event_type, "code": row.code, "status": row.status,
                    "reason": row.reason, "attempts": row.attempts,
                },
                repair=None if dead else ringing(ctx, "inbox"),
            )
        )  # fmt: skip
    if first_at is None:
        return section
    window = range(max(since, first_at), now - GRACE_MS)
    expected = [
        (one.code, PAYIN_EVENTS[one.status])
        for one in (payins.items if payins else ())
        if one.status in PAYIN_EVENTS and one.updated_at_ms in window
    ] + [
        (one.code, PAYOUT_EVENTS[one.status])
        for one in (payouts.items if payouts else ())
        if one.status in PAYOUT_EVENTS and one.updated_at_ms in window
    ]
    with connection():
        came = comparisons.announced([code for code, _ in expected])
    section.checked = section.total = len(expected)
    missing = [one for one in expected if one not in came]
    if missing:
        section.found.append(
            Found(
                Difference.WEBHOOK_MISSING, "webhooks", AIRTM, AIRTM,
                detail={
                    "count": len(missing), "of": len(expected),
                    "first": [f"{code} {event}" for code, event in missing[:SHOWN]],
                },
            )
        )  # fmt: skip
    return section


def compare_outgoing(ctx: Context) -> Section:
    """Deliveries to the marketplace that failed or that nobody makes, per endpoint."""
    section = Section("webhooks to the marketplace")
    with connection():
        groups = work_left.undelivered(due_before=ctx.now_ms() - GRACE_MS)
    for group in groups:
        failed = group["status"] == "FAILED"
        section.found.append(
            Found(
                Difference.DELIVERY_FAILED, "webhook_endpoint", group["endpoint_id"],
                "marketplace", detail={"status": group["status"], "count": group["count"]},
                repair=None if failed else ringing(ctx, "deliveries"),
            )
        )  # fmt: skip
    section.checked = section.total = len(groups)
    return section

"""What was given up and waits for an operator, from the three tables that hold it."""

from offerhub.store.deliveries import WebhookDelivery
from offerhub.store.inbox import InboxEvent
from offerhub.store.paging import Part, Rows, merged
from offerhub.store.reconciliations import Difference


def listed(*, limit: int, cursor: str | None) -> Rows:
    """Dead received webhooks, failed deliveries and open differences of no run, newest first."""
    dead = InboxEvent.select().where(InboxEvent.status == "DEAD")
    failed = WebhookDelivery.select().where(WebhookDelivery.status == "FAILED")
    alone = Difference.select().where(
        (Difference.status == "OPEN") & Difference.reconciliation_id.is_null()
    )
    return merged(
        [
            Part(dead, InboxEvent.received_at, InboxEvent.id),
            Part(failed, WebhookDelivery.created_at, WebhookDelivery.id),
            Part(alone, Difference.created_at, Difference.id),
        ],
        limit=limit,
        cursor=cursor,
    )

"""Sending outgoing webhooks by hand, without a worker's threads."""

from offerhub.services import deliveries
from offerhub.services.context import Context


def send_all_due(ctx: Context, *, limit: int = 20) -> int:
    """Attempt due deliveries of every endpoint, one endpoint after the other; how many."""
    due = deliveries.due_endpoints(ctx)
    return sum(deliveries.send_due(ctx, endpoint_id, limit=limit) for endpoint_id in due)

"""Events of a service's change, with the ids that lead back to the request that caused it."""

from offerhub.events import outbox
from offerhub.events.outbox import NewEvent
from offerhub.services.context import Context
from offerhub.store.database import after_commit

__all__ = ["NewEvent", "announce"]


def announce(ctx: Context, *events: NewEvent, causation_id: str | None = None) -> None:
    """Record events in the open transaction and wake the relay once it has committed.

    Raises: RuntimeError outside a transaction.
    """
    outbox.record(
        events,
        now_ms=ctx.now_ms(),
        marketplace_id=ctx.app.policy.marketplace_id,
        correlation_id=ctx.actor.request_id,
        causation_id=causation_id,
    )
    after_commit(lambda: ctx.app.doorbell.ring("relay"))

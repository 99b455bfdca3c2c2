"""Recording events in the transaction of what caused them.

An event is a row before it is anything else: no process death and no lost Redis can lose it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from offerhub.domain import ids
from offerhub.domain.events import check_type
from offerhub.store import events as store
from offerhub.store.database import in_transaction

MAX_USERS = 2


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event of the catalogue about one resource. `user_ids`: whom it concerns, at most two."""

    type: str
    aggregate_id: str
    payload: dict[str, Any]
    user_ids: tuple[str, ...] = field(default=())


def record(
    events: Sequence[NewEvent],
    *,
    now_ms: int,
    marketplace_id: str,
    correlation_id: str | None,
    causation_id: str | None = None,
) -> None:
    """Append events to the outbox, in one statement.

    Raises: RuntimeError outside a transaction; ValueError for a type outside the catalogue.
    """
    if not in_transaction():
        raise RuntimeError("events are recorded in the transaction of their cause")
    rows = []
    for event in events:
        check_type(event.type)
        if len(event.user_ids) > MAX_USERS:
            raise ValueError(f"{event.type} concerns more than {MAX_USERS} users")
        rows.append(
            {
                "id": ids.new_id(ids.EVENT),
                "type": event.type,
                "aggregate_type": event.type.split(".")[0],
                "aggregate_id": event.aggregate_id,
                "user_1": event.user_ids[0] if event.user_ids else None,
                "user_2": event.user_ids[1] if len(event.user_ids) > 1 else None,
                "payload": event.payload,
                "metadata": {
                    "correlation_id": correlation_id,
                    "causation_id": causation_id,
                    "user_ids": list(event.user_ids),
                    "marketplace_id": marketplace_id,
                },
                "occurred_at": now_ms,
            }
        )
    store.insert(rows)

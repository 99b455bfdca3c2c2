"""OperationEvents: Airtm's trail of status changes. Rows are only ever added."""

import sqlite3
from typing import Any

from offerhub.sandbox.airtm import balances
from offerhub.sandbox.airtm.amounts import number
from offerhub.sandbox.airtm.world import AirtmWorld, new_id
from offerhub.sandbox.clock import iso


def append(
    world: AirtmWorld,
    *,
    operation_id: str,
    operation_type: str,
    event_type: str,
    previous_status: str | None,
    new_status: str,
    reason_code: str | None = None,
    reason: str | None = None,
) -> None:
    """Add one event with the balances as they are now, in the caller's transaction."""
    world.store.execute(
        "INSERT INTO airtm_events (id, operation_id, operation_type, event_type, previous_status,"
        " new_status, available, pending, transition_code, transition_message, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            new_id(),
            operation_id,
            operation_type,
            event_type,
            previous_status,
            new_status,
            balances.balance_of(world, balances.AVAILABLE),
            balances.balance_of(world, balances.PENDING),
            reason_code,
            reason,
            world.clock.now_ms(),
        ),
    )


def list_events(world: AirtmWorld, operation_id: str) -> list[dict[str, Any]]:
    """The events of one operation, oldest first."""
    rows = world.store.query(
        "SELECT * FROM airtm_events WHERE operation_id = ? ORDER BY seq LIMIT 1000",
        (operation_id,),
    )
    return [_answer(world, row) for row in rows]


def _answer(world: AirtmWorld, row: sqlite3.Row) -> dict[str, Any]:
    metadata = {
        name: row[column]
        for name, column in (
            ("transitionCode", "transition_code"),
            ("transitionMessage", "transition_message"),
        )
        if row[column] is not None
    }
    return {
        "id": row["id"],
        "userId": world.enterprise_id,
        "operationId": row["operation_id"],
        "operationType": row["operation_type"],
        "eventType": row["event_type"],
        "previousStatus": row["previous_status"],
        "newStatus": row["new_status"],
        "availableBalance": number(row["available"]),
        "pendingBalance": number(row["pending"]),
        "metadata": metadata,
        "createdAt": iso(row["created_at"]),
        "updatedAt": iso(row["created_at"]),
    }

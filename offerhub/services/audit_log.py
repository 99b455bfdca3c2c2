"""Reading the audit trail."""

from typing import Any

from offerhub.services.context import Context, Page
from offerhub.services.representations import timestamp
from offerhub.store import audit as store
from offerhub.store.database import connection


def list_records(
    ctx: Context,
    *,
    limit: int = 20,
    cursor: str | None = None,
    resource_type: str | None = None,
    resource_id: str | None = None,
    action: str | None = None,
    user_id: str | None = None,
    from_ms: int | None = None,
    to_ms: int | None = None,
) -> Page:
    """Newest first. user_id: records about that user. Times: epoch ms, from inclusive."""
    with connection():
        rows = store.listed(
            limit=limit, cursor=cursor, resource_type=resource_type, resource_id=resource_id,
            action=action, user_id=user_id, from_ms=from_ms, to_ms=to_ms,
        )  # fmt: skip
        seals = store.seals_of([row.id for row in rows.rows])
        return Page([represent(row, seals.get(row.id)) for row in rows.rows], rows.next_cursor)


def represent(row: store.AuditRecord, seal: store.AuditSeal | None) -> dict[str, Any]:
    return {
        "id": row.id,
        "occurred_at": timestamp(row.occurred_at),
        "actor": {"type": row.actor_type, "id": row.actor_id},
        "action": row.action,
        "resource_type": row.resource_type,
        "resource_id": row.resource_id,
        "before": row.before,
        "after": row.after,
        "result": row.result,
        "error_code": row.error_code,
        "idempotency_key": row.idempotency_key,
        "request_id": row.request_id,
        "ip": row.ip,
        "user_agent": row.user_agent,
        "seal": {"number": seal.number, "hash": seal.hash} if seal else None,
    }

"""One audit record per mutation, in the mutation's own transaction, redacted before storage."""

import re
from typing import Any

from offerhub.domain import ids
from offerhub.services.context import Context
from offerhub.store import audit as store
from offerhub.store.database import in_transaction

_SECRET_NAMES = re.compile(r"(secret|password|token|seed|sealed|authorization|api_key$|^key$)")
# The part before the @ has a bound (64 is RFC 5321's): without one, text without any @ takes time
# by the square of its length, and here a transaction waits.
_EMAIL = re.compile(r"([A-Za-z0-9])[A-Za-z0-9._%+-]{0,63}@([A-Za-z0-9.-]+)")
_SECRET_TEXT = re.compile(r"\b(ohk_[A-Za-z0-9_-]{6})[A-Za-z0-9_.-]+|\bS[A-Z2-7]{55}\b|whsec_\S+")


def record(
    ctx: Context,
    *,
    action: str,
    resource_type: str,
    resource_id: str | None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    result: str = "success",
    error_code: str | None = None,
) -> None:
    """Append a record. Must run inside the transaction of what it records.

    Raises: RuntimeError outside a transaction.
    """
    if not in_transaction():
        raise RuntimeError(f"audit record {action} outside a transaction")
    actor = ctx.actor
    store.insert(
        {
            "id": ids.new_id(ids.AUDIT),
            "occurred_at": ctx.now_ms(),
            "actor_type": actor.type,
            "actor_id": actor.id,
            "action": action,
            "resource_type": resource_type,
            "resource_id": resource_id,
            "before": redact(before),
            "after": redact(after),
            "result": result,
            "error_code": error_code,
            "idempotency_key": actor.idempotency_key,
            "request_id": actor.request_id,
            "ip": actor.ip,
            "user_agent": actor.user_agent and actor.user_agent[:256],
        }
    )


def redact(value: Any, *, name: str = "") -> Any:
    """Secrets gone, e-mails shown as j***@example.com; everything else as it is."""
    if isinstance(value, dict):
        return {key: redact(item, name=str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redact(item, name=name) for item in value]
    if value is not None and _SECRET_NAMES.search(name.lower()):
        return "[redacted]"
    if isinstance(value, str):
        return redact_text(value)
    return value


def redact_text(text: str) -> str:
    text = _SECRET_TEXT.sub("[redacted]", text)
    return _EMAIL.sub(r"\1***@\2", text)

"""The audit trail."""

from typing import Any

from offerhub.api.access import require_scope
from offerhub.api.blueprint import Routes
from offerhub.api.schemas import admin as shapes
from offerhub.api.state import current_context
from offerhub.domain.scopes import SUPPORT
from offerhub.services import audit_chain, audit_log, checkpoints
from offerhub.services.context import Page

blp = Routes("audit", __name__, url_prefix="/audit", description="The audit trail")


@blp.route("/logs", methods=["GET"])
@require_scope(SUPPORT)
@blp.arguments(shapes.AuditQuery, location="query")
@blp.response(200, shapes.AuditRecord, page=True)
def list_audit_records(query: dict[str, Any]) -> Page:
    """List audit records, newest first"""
    return audit_log.list_records(
        current_context(), from_ms=query.pop("from_", None), to_ms=query.pop("to", None), **query
    )


@blp.route("/verify", methods=["GET"])
@require_scope(SUPPORT)
@blp.response(200, shapes.AuditProof)
def verify_audit_trail() -> dict[str, Any]:
    """Prove that no sealed audit record was changed, removed or inserted"""
    ctx = current_context()
    return audit_chain.verify(ctx, checkpoints=checkpoints.kept(ctx))

"""Disputes: read, assigned, discussed, resolved. They are opened under their order."""

from typing import Any

from offerhub.api.access import idempotent, require_scope, waits
from offerhub.api.blueprint import Routes
from offerhub.api.schemas import disputes as shapes
from offerhub.api.schemas import orders as order_shapes
from offerhub.api.state import current_context
from offerhub.domain.scopes import READ, SUPPORT
from offerhub.services import dispute_cases, disputes
from offerhub.services.context import Page

blp = Routes("disputes", __name__, url_prefix="/disputes", description="Disputes")


@blp.route("", methods=["GET"])
@require_scope(READ)
@blp.arguments(shapes.DisputeQuery, location="query")
@blp.response(200, order_shapes.Dispute, page=True)
def list_disputes(query: dict[str, Any]) -> Page:
    """List disputes"""
    return dispute_cases.list_disputes(current_context(), **query)


@blp.route("/<dispute_id>", methods=["GET"])
@require_scope(READ)
@blp.response(200, shapes.DisputeDetail)
def get_dispute(dispute_id: str) -> dict[str, Any]:
    """Read a dispute with its comments"""
    return dispute_cases.get_dispute(current_context(), dispute_id)


@blp.route("/<dispute_id>/assign", methods=["POST"])
@require_scope(SUPPORT)
@idempotent(required=False, keep_ms=None)
@blp.arguments(shapes.Assign)
@blp.response(200, shapes.DisputeDetail)
def assign_dispute(body: dict[str, Any], dispute_id: str) -> dict[str, Any]:
    """Put somebody in charge of a dispute

    An OPEN dispute is then UNDER_REVIEW, and can be resolved.
    """
    return dispute_cases.assign(current_context(), dispute_id, **body)


@blp.route("/<dispute_id>/comments", methods=["POST"])
@require_scope(SUPPORT)
@idempotent(required=False, keep_ms=None)
@blp.arguments(shapes.CommentOn)
@blp.response(201, shapes.DisputeDetail)
def comment_on_dispute(body: dict[str, Any], dispute_id: str) -> dict[str, Any]:
    """Comment on a dispute"""
    return dispute_cases.comment(current_context(), dispute_id, **body)


@blp.route("/<dispute_id>/resolve", methods=["POST"])
@require_scope(SUPPORT)
@idempotent(required=True, keep_ms=None)
@waits(dispute_cases.get_dispute)
@blp.arguments(shapes.Resolve)
@blp.response(202, shapes.DisputeDetail)
def resolve_dispute(body: dict[str, Any], dispute_id: str) -> dict[str, Any]:
    """Decide a dispute

    The amounts of a SPLIT make up what is left in the escrow, before fees; each side bears its
    part of them. The dispute is RESOLVED once the contract has paid.
    """
    return disputes.resolve(
        current_context(),
        dispute_id,
        decision=body["decision"],
        release_stroops=body.get("release_amount"),
        refund_stroops=body.get("refund_amount"),
        note=body.get("note"),
    )

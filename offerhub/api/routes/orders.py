"""Orders: from the agreement to the release of the escrow."""

from typing import Any

from offerhub.api.access import (
    DAY_MS,
    SERVICE,
    filter_user,
    idempotent,
    owner,
    require_scope,
    waits,
)
from offerhub.api.blueprint import Routes
from offerhub.api.schemas import disputes as dispute_shapes
from offerhub.api.schemas import orders as shapes
from offerhub.api.state import current_context
from offerhub.domain.scopes import READ, WRITE
from offerhub.services import (
    dispute_cases,
    disputes,
    escrows,
    milestones,
    orders,
    refunds,
    releases,
)
from offerhub.services.context import Page

WEEK_MS = 7 * DAY_MS

blp = Routes("orders", __name__, url_prefix="/orders", description="Orders and their escrow")


@blp.route("", methods=["POST"])
@require_scope(WRITE)
@idempotent(required=True, keep_ms=WEEK_MS)
@blp.arguments(shapes.CreateOrder)
@blp.response(201, shapes.Order)
def create_order(body: dict[str, Any]) -> dict[str, Any]:
    """Create an order"""
    body.pop("currency", None)
    milestones = [
        (part["milestone_ref"], part["title"], part["amount"])
        for part in body.pop("milestones", [])
    ]
    return orders.create_order(
        current_context(), amount_stroops=body.pop("amount"), milestones=milestones, **body
    )


@blp.route("", methods=["GET"])
@require_scope(READ, bound=filter_user("party_id"))
@blp.arguments(shapes.OrderQuery, location="query")
@blp.response(200, shapes.Order, page=True)
def list_orders(query: dict[str, Any]) -> Page:
    """List orders"""
    return orders.list_orders(current_context(), **query)


@blp.route("/<order_id>", methods=["GET"])
@require_scope(READ, bound=owner("buyer_id", "seller_id", missing="ORDER_NOT_FOUND"))
@blp.response(200, shapes.OrderDetail)
def get_order(order_id: str) -> dict[str, Any]:
    """Read an order with its timeline"""
    return orders.get_order(current_context(), order_id)


@blp.route("/<order_id>/reserve", methods=["POST"])
@require_scope(WRITE)
@idempotent(required=True, keep_ms=WEEK_MS)
@blp.arguments(shapes.Reserve)
@blp.response(200, shapes.Order)
def reserve_order(body: dict[str, Any], order_id: str) -> dict[str, Any]:
    """Reserve the buyer's funds"""
    return orders.reserve(current_context(), order_id, amount_stroops=body.get("amount"))


@blp.route("/<order_id>/cancel", methods=["POST"])
@require_scope(WRITE)
@idempotent(required=True, keep_ms=WEEK_MS)
@blp.arguments(shapes.Reasoned)
@blp.response(200, shapes.Order)
def cancel_order(body: dict[str, Any], order_id: str) -> dict[str, Any]:
    """Cancel an order that has no escrow yet"""
    return orders.cancel(current_context(), order_id, **body)


@blp.route("/<order_id>/escrow", methods=["POST"])
@require_scope(WRITE)
@idempotent(required=True, keep_ms=WEEK_MS)
@waits(orders.get_order)
@blp.arguments(shapes.Nothing)
@blp.response(202, shapes.Order)
def create_escrow(_: dict[str, Any], order_id: str) -> dict[str, Any]:
    """Have the escrow contract deployed"""
    return escrows.create_escrow(current_context(), order_id)


@blp.route("/<order_id>/escrow/fund", methods=["POST"])
@require_scope(WRITE)
@idempotent(required=True, keep_ms=WEEK_MS)
@waits(orders.get_order)
@blp.arguments(shapes.Nothing)
@blp.response(202, shapes.Order)
def fund_escrow(_: dict[str, Any], order_id: str) -> dict[str, Any]:
    """Move the reserved funds into the escrow contract"""
    return escrows.fund_escrow(current_context(), order_id)


@blp.route("/<order_id>/release", methods=["POST"])
@require_scope(WRITE)
@idempotent(required=True, keep_ms=WEEK_MS)
@waits(orders.get_order)
@blp.arguments(shapes.Reasoned)
@blp.response(202, shapes.Order)
def release_order(body: dict[str, Any], order_id: str) -> dict[str, Any]:
    """Pay the escrow out to the seller"""
    return releases.release(current_context(), order_id, **body)


@blp.route("/<order_id>/refund", methods=["POST"])
@require_scope(WRITE)
@idempotent(required=True, keep_ms=WEEK_MS)
@waits(orders.get_order)
@blp.arguments(shapes.Reasoned)
@blp.response(202, shapes.Order)
def refund_order(body: dict[str, Any], order_id: str) -> dict[str, Any]:
    """Pay the escrow back to the buyer

    By the deployment's policy the platform makes up for the fees that the contract takes.
    """
    return refunds.refund(current_context(), order_id, **body)


@blp.route("/<order_id>/milestones", methods=["GET"])
@require_scope(READ, bound=SERVICE)
@blp.response(200, dispute_shapes.MilestoneList)
def list_milestones(order_id: str) -> dict[str, Any]:
    """List an order's milestones"""
    return {"milestones": milestones.list_milestones(current_context(), order_id)}


@blp.route("/<order_id>/milestones/<milestone_ref>/complete", methods=["POST"])
@require_scope(WRITE)
@idempotent(required=True, keep_ms=WEEK_MS)
@waits(milestones.get_milestone)
@blp.arguments(dispute_shapes.CompleteMilestone)
@blp.response(202, dispute_shapes.MilestoneWork)
def complete_milestone(body: dict[str, Any], order_id: str, milestone_ref: str) -> dict[str, Any]:
    """Say that a milestone is done

    It is COMPLETED once the contract says so.
    """
    return milestones.complete(current_context(), order_id, milestone_ref, **body)


@blp.route("/<order_id>/milestones/<milestone_ref>/release", methods=["POST"])
@require_scope(WRITE)
@idempotent(required=True, keep_ms=WEEK_MS)
@waits(milestones.get_milestone)
@blp.arguments(shapes.Nothing)
@blp.response(202, dispute_shapes.MilestoneWork)
def release_milestone(_: dict[str, Any], order_id: str, milestone_ref: str) -> dict[str, Any]:
    """Pay one completed milestone to the seller"""
    return milestones.release(current_context(), order_id, milestone_ref)


@blp.route("/<order_id>/disputes", methods=["POST"])
@require_scope(WRITE)
@idempotent(required=True, keep_ms=None)
@waits(dispute_cases.get_dispute)
@blp.arguments(dispute_shapes.OpenDispute)
@blp.response(202, dispute_shapes.DisputeDetail)
def open_dispute(body: dict[str, Any], order_id: str) -> dict[str, Any]:
    """Open a dispute

    The order, or the named milestone, is frozen until the platform decides.
    """
    return disputes.open_dispute(current_context(), order_id, **body)

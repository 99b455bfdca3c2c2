"""Running the appliance: maintenance, queues, dead letters, operations, books and treasury."""

from typing import Any

from offerhub.api import queues
from offerhub.api.access import idempotent, prepared_by, require_scope
from offerhub.api.blueprint import Routes
from offerhub.api.schemas import admin as shapes
from offerhub.api.schemas import treasury as treasury_shapes
from offerhub.api.schemas.envelopes import PageQuery
from offerhub.api.schemas.orders import Nothing
from offerhub.api.state import current_context, current_edge
from offerhub.domain.scopes import ADMIN
from offerhub.services import (
    dead_letters,
    lease_holders,
    maintenance,
    operations,
    reconciliation,
    settling,
    solvency,
    treasury,
    treasury_movements,
)
from offerhub.services.context import Page
from offerhub.services.treasury_movements import Movement

blp = Routes("admin", __name__, url_prefix="/admin", description="For operators")


def _reconcile(_: dict[str, Any]) -> dict[str, Any]:
    """Ask the providers while no transaction is open; the run is recorded by itself."""
    return {"result": reconciliation.run(current_context())}


def _check_movement(body: dict[str, Any]) -> dict[str, Any]:
    """Ask the chain about a destination while no transaction is open."""
    fields = dict(body)
    movement = Movement(amount_stroops=fields.pop("amount"), **fields)
    treasury_movements.check(current_context(), movement)
    return {"movement": movement}


@blp.route("/maintenance", methods=["GET"])
@require_scope(ADMIN)
@blp.response(200, shapes.Maintenance)
def get_maintenance() -> dict[str, Any]:
    """Read whether maintenance is on"""
    return maintenance.current(current_context())


@blp.route("/maintenance", methods=["PUT"])
@require_scope(ADMIN, always=True)
@blp.arguments(shapes.SwitchMaintenance)
@blp.response(200, shapes.Maintenance)
def switch_maintenance(body: dict[str, Any]) -> dict[str, Any]:
    """Turn maintenance on or off

    While it is on, changes are answered with 503 MAINTENANCE; reads, streams, incoming webhooks
    and work under way go on.
    """
    return maintenance.switch(current_context(), **body)


@blp.route("/queues", methods=["GET"])
@require_scope(ADMIN)
@blp.response(200, shapes.QueueOverview)
def get_queues() -> dict[str, Any]:
    """Read how the queues are doing, and who holds each lease"""
    leases = lease_holders.of_database(own_ms=current_context().now_ms())
    return {**queues.describe(current_edge().gate), "leases": leases}


@blp.route("/dead-letters", methods=["GET"])
@require_scope(ADMIN)
@blp.arguments(PageQuery, location="query")
@blp.response(200, shapes.DeadLetter, page=True)
def list_dead_letters(query: dict[str, Any]) -> Page:
    """List webhooks that ran out of attempts, and differences that wait for you, newest first"""
    return dead_letters.list_dead_letters(current_context(), **query)


@blp.route("/dead-letters/<letter_id>/retry", methods=["POST"])
@require_scope(ADMIN)
@idempotent(required=False)
@blp.arguments(Nothing)
@blp.response(202, shapes.DeadLetter)
def retry_dead_letter(_: dict[str, Any], letter_id: str) -> dict[str, Any]:
    """Put a dead letter back to work"""
    return dead_letters.retry(current_context(), letter_id)


@blp.route("/dead-letters/<letter_id>", methods=["DELETE"])
@require_scope(ADMIN)
@blp.arguments(shapes.DiscardQuery, location="query")
@blp.response(204)
def discard_dead_letter(query: dict[str, Any], letter_id: str) -> None:
    """Give a dead letter up, with a reason"""
    dead_letters.discard(current_context(), letter_id, reason=query["reason"])


@blp.route("/operations", methods=["GET"])
@require_scope(ADMIN)
@blp.arguments(shapes.OperationQuery, location="query")
@blp.response(200, shapes.OperationDetail, page=True)
def list_operations(query: dict[str, Any]) -> Page:
    """List long work with its steps, newest first"""
    return operations.list_operations(current_context(), **query)


@blp.route("/operations/<operation_id>/retry", methods=["POST"])
@require_scope(ADMIN)
@idempotent(required=False)
@blp.arguments(shapes.Because)
@blp.response(202, shapes.OperationDetail)
def retry_operation(body: dict[str, Any], operation_id: str) -> dict[str, Any]:
    """Put a stuck operation back to work"""
    return operations.retry(current_context(), operation_id, **body)


@blp.route("/operations/<operation_id>/settle", methods=["POST"])
@require_scope(ADMIN)
@idempotent(required=True)
@blp.arguments(shapes.Settle)
@blp.response(200, shapes.OperationDetail)
def settle_operation(body: dict[str, Any], operation_id: str) -> dict[str, Any]:
    """End a stuck operation by hand

    FAILED undoes what the request had done, where that is safe; CLOSED ends the operation alone.
    """
    return settling.settle(current_context(), operation_id, **body)


@blp.route("/reconciliations", methods=["GET"])
@require_scope(ADMIN)
@blp.arguments(PageQuery, location="query")
@blp.response(200, shapes.ReconciliationRun, page=True)
def list_reconciliations(query: dict[str, Any]) -> Page:
    """List reconciliations"""
    return reconciliation.list_runs(current_context(), **query)


@blp.route("/reconciliations", methods=["POST"])
@require_scope(ADMIN)
@idempotent(required=False)
@prepared_by(_reconcile)
@blp.arguments(Nothing)
@blp.response(201, shapes.ReconciliationDetail)
def run_reconciliation(_: dict[str, Any], *, result: dict[str, Any]) -> dict[str, Any]:
    """Compare the books with the providers now

    Differences are recorded and alarmed, never overwritten.
    """
    return result


@blp.route("/reconciliations/<reconciliation_id>", methods=["GET"])
@require_scope(ADMIN)
@blp.response(200, shapes.ReconciliationDetail)
def get_reconciliation(reconciliation_id: str) -> dict[str, Any]:
    """Read a reconciliation with its differences"""
    return reconciliation.get_run(current_context(), reconciliation_id)


@blp.route("/treasury", methods=["GET"])
@require_scope(ADMIN)
@blp.arguments(treasury_shapes.TreasuryQuery, location="query")
@blp.response(200, treasury_shapes.Treasury)
def get_treasury(query: dict[str, Any]) -> dict[str, Any]:
    """Read the balance sheet and whether each rail can pay what it may have to

    With `ask=true` Airtm and the chain are asked what they hold, and for the wallets' XLM.
    """
    ctx = current_context()
    return {
        **treasury.balance_sheet(ctx),
        "solvency": solvency.view(ctx, ask=query["ask"] == "true"),
    }


@blp.route("/treasury/movements", methods=["POST"])
@require_scope(ADMIN)
@idempotent(required=True)
@prepared_by(_check_movement)
@blp.arguments(treasury_shapes.RecordMovement)
@blp.response(201, treasury_shapes.TreasuryMoved)
def record_treasury_movement(_: dict[str, Any], *, movement: Movement) -> dict[str, Any]:
    """Book money of the platform that was moved by hand, or have it paid on chain

    With a `destination` a payment is started and its operation named; else it is only booked.
    """
    return treasury_movements.move(current_context(), movement)

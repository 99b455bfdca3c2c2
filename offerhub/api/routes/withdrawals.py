"""Withdrawals: money out to the chain or to Airtm."""

from typing import Any

from offerhub.api.access import (
    filter_user,
    idempotent,
    limited_per_user,
    owner,
    prepared_by,
    require_scope,
    waits,
)
from offerhub.api.blueprint import Routes
from offerhub.api.schemas import withdrawals as shapes
from offerhub.api.schemas.orders import Nothing
from offerhub.api.state import current_context
from offerhub.domain.scopes import READ, WRITE
from offerhub.services import destinations, withdrawal_changes, withdrawals
from offerhub.services.context import Page

blp = Routes("withdrawals", __name__, url_prefix="/withdrawals", description="Money out")


def _check_destination(body: dict[str, Any]) -> dict[str, Any]:
    """Ask the chain or Airtm about the destination while no transaction is open."""
    destinations.check_destination(
        current_context(),
        user_id=body["user_id"],
        amount_stroops=body["amount"],
        destination_type=body["destination_type"],
        destination_ref=body["destination_ref"],
        destination_memo=body.get("destination_memo"),
    )
    return {"destination_checked": True}


@blp.route("", methods=["POST"])
@require_scope(WRITE)
@idempotent(required=True)
@limited_per_user("withdrawals")
@prepared_by(_check_destination)
@waits(withdrawals.get_withdrawal)
@blp.arguments(shapes.CreateWithdrawal)
@blp.response(202, shapes.Withdrawal)
def create_withdrawal(body: dict[str, Any], *, destination_checked: bool) -> dict[str, Any]:
    """Start a withdrawal

    The destination is checked first; then the money is held until it has left or cannot leave.
    """
    body.pop("currency", None)
    return withdrawals.create_withdrawal(
        current_context(),
        amount_stroops=body.pop("amount"),
        destination_checked=destination_checked,
        **body,
    )


@blp.route("", methods=["GET"])
@require_scope(READ, bound=filter_user())
@blp.arguments(shapes.WithdrawalQuery, location="query")
@blp.response(200, shapes.Withdrawal, page=True)
def list_withdrawals(query: dict[str, Any]) -> Page:
    """List withdrawals"""
    return withdrawals.list_withdrawals(current_context(), **query)


@blp.route("/<withdrawal_id>", methods=["GET"])
@require_scope(READ, bound=owner("user_id", missing="WITHDRAWAL_NOT_FOUND"))
@blp.response(200, shapes.Withdrawal)
def get_withdrawal(withdrawal_id: str) -> dict[str, Any]:
    """Read a withdrawal"""
    return withdrawals.get_withdrawal(current_context(), withdrawal_id)


def _look(_: dict[str, Any], withdrawal_id: str) -> dict[str, Any]:
    """Ask Airtm while no transaction is open."""
    return {"payout": withdrawal_changes.look(current_context(), withdrawal_id)}


@blp.route("/<withdrawal_id>/commit", methods=["POST"])
@require_scope(WRITE)
@idempotent(required=True)
@waits(withdrawals.get_withdrawal)
@blp.arguments(Nothing)
@blp.response(202, shapes.Withdrawal)
def commit_withdrawal(_: dict[str, Any], withdrawal_id: str) -> dict[str, Any]:
    """Have a held withdrawal paid out"""
    return withdrawal_changes.commit(current_context(), withdrawal_id)


@blp.route("/<withdrawal_id>/refresh", methods=["POST"])
@require_scope(WRITE)
@idempotent(required=False)
@prepared_by(_look)
@blp.arguments(Nothing)
@blp.response(200, shapes.Withdrawal)
def refresh_withdrawal(_: dict[str, Any], withdrawal_id: str, *, payout: Any) -> dict[str, Any]:
    """Look at Airtm how a withdrawal is doing"""
    return withdrawal_changes.refresh(current_context(), withdrawal_id, payout=payout)


@blp.route("/<withdrawal_id>/cancel", methods=["POST"])
@require_scope(WRITE)
@idempotent(required=False)
@waits(withdrawals.get_withdrawal)
@blp.arguments(Nothing)
@blp.response(202, shapes.Withdrawal)
def cancel_withdrawal(_: dict[str, Any], withdrawal_id: str) -> dict[str, Any]:
    """Cancel a withdrawal

    At once while it is only held; under way at Airtm, Airtm decides. A payment on chain cannot be
    called back.
    """
    return withdrawal_changes.cancel(current_context(), withdrawal_id)

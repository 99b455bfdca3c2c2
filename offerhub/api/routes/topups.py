"""Top-ups, and where the user's browser lands afterwards."""

from typing import Any

from flask import Response

from offerhub.api.access import (
    filter_user,
    idempotent,
    limited_per_user,
    owner,
    prepared_by,
    public,
    require_scope,
    waits,
)
from offerhub.api.blueprint import Routes
from offerhub.api.landing import landing_page
from offerhub.api.schemas import topups as shapes
from offerhub.api.schemas.orders import Nothing
from offerhub.api.state import current_context
from offerhub.domain.scopes import READ, WRITE
from offerhub.services import topup_changes, topups
from offerhub.services.context import Page

blp = Routes("topups", __name__, url_prefix="/topups", description="Money in through Airtm")


@blp.route("", methods=["POST"])
@require_scope(WRITE)
@idempotent(required=True)
@limited_per_user("topups")
@waits(topups.get_topup)
@blp.arguments(shapes.CreateTopUp)
@blp.response(202, shapes.TopUp)
def create_topup(body: dict[str, Any]) -> dict[str, Any]:
    """Start a top-up

    `confirmation_url` appears once Airtm has made the pay-in: see `topup.confirmation_required`.
    """
    body.pop("currency", None)
    return topups.create_topup(current_context(), amount_stroops=body.pop("amount"), **body)


@blp.route("", methods=["GET"])
@require_scope(READ, bound=filter_user())
@blp.arguments(shapes.TopUpQuery, location="query")
@blp.response(200, shapes.TopUp, page=True)
def list_topups(query: dict[str, Any]) -> Page:
    """List top-ups"""
    return topups.list_topups(current_context(), **query)


@blp.route("/<topup_id>", methods=["GET"])
@require_scope(READ, bound=owner("user_id", missing="TOPUP_NOT_FOUND"))
@blp.response(200, shapes.TopUp)
def get_topup(topup_id: str) -> dict[str, Any]:
    """Read a top-up"""
    return topups.get_topup(current_context(), topup_id)


def _look(_: dict[str, Any], topup_id: str) -> dict[str, Any]:
    """Ask Airtm while no transaction is open."""
    return {"payin": topup_changes.look(current_context(), topup_id)}


@blp.route("/<topup_id>/refresh", methods=["POST"])
@require_scope(WRITE)
@idempotent(required=False)
@prepared_by(_look)
@blp.arguments(Nothing)
@blp.response(200, shapes.TopUp)
def refresh_topup(_: dict[str, Any], topup_id: str, *, payin: Any) -> dict[str, Any]:
    """Look at Airtm how a top-up is doing"""
    return topup_changes.refresh(current_context(), topup_id, payin=payin)


@blp.route("/<topup_id>/cancel", methods=["POST"])
@require_scope(WRITE)
@idempotent(required=False)
@waits(topup_changes.under_way)
@blp.arguments(Nothing)
@blp.response(202, shapes.TopUp)
def cancel_topup(_: dict[str, Any], topup_id: str) -> dict[str, Any]:
    """Cancel a top-up

    Airtm decides: a payment that is faster wins, and is credited.
    """
    return topup_changes.cancel(current_context(), topup_id)


@blp.route("/<topup_id>/return", methods=["GET"])
@public()
@blp.documented(303, description="To the top-up's return_url.")
@blp.documented(404, content_type="text/html", description="A page for people.")
def land_on_return(topup_id: str) -> Response:
    """Take the user's browser back after Airtm

    The top-up's state is looked up at Airtm; arriving here proves nothing.
    """
    return _land(topup_id, "return")


@blp.route("/<topup_id>/cancel", methods=["GET"])
@public()
@blp.documented(303, description="To the top-up's cancel_url.")
@blp.documented(404, content_type="text/html", description="A page for people.")
def land_on_cancel(topup_id: str) -> Response:
    """Take the user's browser back after a cancellation at Airtm"""
    return _land(topup_id, "cancel")


def _land(topup_id: str, kind: str) -> Response:
    return landing_page(lambda: topups.land(current_context(), topup_id, kind), topup_id)

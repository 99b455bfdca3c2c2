"""Endpoints that get our events as signed webhooks, and the deliveries to them."""

from typing import Any

from offerhub.api.access import idempotent, prepared_by, require_scope
from offerhub.api.blueprint import Routes
from offerhub.api.schemas import webhook_endpoints as shapes
from offerhub.api.schemas.envelopes import PageQuery
from offerhub.api.schemas.orders import Nothing
from offerhub.api.state import current_context
from offerhub.domain.scopes import ADMIN
from offerhub.services import deliveries, webhook_endpoints
from offerhub.services.context import Page

blp = Routes("webhook-endpoints", __name__, description="Outgoing webhooks")


def _check_url(body: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Resolve the host while no transaction is open."""
    if "url" in body:
        webhook_endpoints.check_url(current_context(), body["url"])
    return {}


def _send_test(_: dict[str, Any], endpoint_id: str) -> dict[str, Any]:
    return {"result": deliveries.send_test(current_context(), endpoint_id)}


@blp.route("/webhook-endpoints", methods=["POST"])
@require_scope(ADMIN)
@idempotent(required=False, secret=True)
@prepared_by(_check_url)
@blp.arguments(shapes.CreateEndpoint)
@blp.response(201, shapes.EndpointWithSecret)
def create_webhook_endpoint(body: dict[str, Any]) -> dict[str, Any]:
    """Register a webhook endpoint

    It gets the events from now on, signed as Standard Webhooks say. `secret` is shown this once.
    """
    return webhook_endpoints.create_endpoint(current_context(), **body)


@blp.route("/webhook-endpoints", methods=["GET"])
@require_scope(ADMIN)
@blp.arguments(PageQuery, location="query")
@blp.response(200, shapes.Endpoint, page=True)
def list_webhook_endpoints(query: dict[str, Any]) -> Page:
    """List webhook endpoints"""
    return webhook_endpoints.list_endpoints(current_context(), **query)


@blp.route("/webhook-endpoints/<endpoint_id>", methods=["GET"])
@require_scope(ADMIN)
@blp.response(200, shapes.Endpoint)
def get_webhook_endpoint(endpoint_id: str) -> dict[str, Any]:
    """Read a webhook endpoint"""
    return webhook_endpoints.get_endpoint(current_context(), endpoint_id)


@blp.route("/webhook-endpoints/<endpoint_id>", methods=["PATCH"])
@require_scope(ADMIN)
@prepared_by(_check_url)
@blp.arguments(shapes.UpdateEndpoint)
@blp.response(200, shapes.Endpoint)
def update_webhook_endpoint(body: dict[str, Any], endpoint_id: str) -> dict[str, Any]:
    """Change a webhook endpoint

    Enabled again, it goes on with the event after the last that was sent to it.
    """
    return webhook_endpoints.update_endpoint(current_context(), endpoint_id, **body)


@blp.route("/webhook-endpoints/<endpoint_id>", methods=["DELETE"])
@require_scope(ADMIN)
@blp.response(204)
def delete_webhook_endpoint(endpoint_id: str) -> None:
    """Forget a webhook endpoint and its deliveries"""
    webhook_endpoints.delete_endpoint(current_context(), endpoint_id)


@blp.route("/webhook-endpoints/<endpoint_id>/rotate-secret", methods=["POST"])
@require_scope(ADMIN)
@idempotent(required=False, secret=True)
@blp.arguments(Nothing)
@blp.response(200, shapes.EndpointWithSecret)
def rotate_webhook_secret(_: dict[str, Any], endpoint_id: str) -> dict[str, Any]:
    """Give a webhook endpoint a new secret

    For a day webhooks carry signatures of both.
    """
    return webhook_endpoints.rotate_secret(current_context(), endpoint_id)


@blp.route("/webhook-endpoints/<endpoint_id>/test", methods=["POST"])
@require_scope(ADMIN)
@idempotent(required=False)
@prepared_by(_send_test)
@blp.arguments(Nothing)
@blp.response(200, shapes.TestResult)
def send_test_webhook(
    _: dict[str, Any], endpoint_id: str, *, result: dict[str, Any]
) -> dict[str, Any]:
    """Send a signed sample to a webhook endpoint"""
    return result


@blp.route("/webhook-endpoints/<endpoint_id>/deliveries", methods=["GET"])
@require_scope(ADMIN)
@blp.arguments(shapes.DeliveryQuery, location="query")
@blp.response(200, shapes.Delivery, page=True)
def list_webhook_deliveries(query: dict[str, Any], endpoint_id: str) -> Page:
    """List the deliveries to a webhook endpoint"""
    return deliveries.list_deliveries(current_context(), endpoint_id, **query)


@blp.route("/webhook-deliveries/<delivery_id>/replay", methods=["POST"])
@require_scope(ADMIN)
@idempotent(required=False)
@blp.arguments(Nothing)
@blp.response(202, shapes.Delivery)
def replay_webhook_delivery(_: dict[str, Any], delivery_id: str) -> dict[str, Any]:
    """Send a webhook again"""
    return deliveries.replay(current_context(), delivery_id)

"""Webhooks from providers: the raw bytes go to the inbox, which proves and stores them."""

from typing import Any

from flask import Response, request

from offerhub.api.access import public
from offerhub.api.blueprint import Routes
from offerhub.api.execution import succeed
from offerhub.api.forgeries import counted
from offerhub.api.schemas import webhook_endpoints as shapes
from offerhub.api.schemas.envelopes import enveloped
from offerhub.api.state import current_context
from offerhub.services import inbox

_RECEIVED = enveloped(shapes.Received, page=False)


def _signed(*headers: str) -> dict[str, Any]:
    """What a sender sends, for the documentation."""
    return {
        "parameters": [
            {"in": "header", "name": name, "required": True, "schema": {"type": "string"}}
            for name in headers
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"type": "object"}}},
        },
    }


blp = Routes("webhooks", __name__, url_prefix="/webhooks", description="Incoming webhooks")


@blp.route("/airtm", methods=["POST"])
@public(limited=False, raw_body=True)
@blp.doc(**_signed("svix-id", "svix-timestamp", "svix-signature"))
@blp.documented(200, schema=_RECEIVED, description="Stored; or received before, and ignored.")
def receive_airtm() -> Response:
    """Receive a webhook from Airtm

    Signed with the Svix headers; without a configured secret nothing is accepted.
    """
    with counted():
        duplicate = inbox.receive_airtm(
            current_context(), dict(request.headers), request.get_data()
        )
    return succeed({"duplicate": duplicate}, status=200)


@blp.route("/trustless-work", methods=["POST"])
@public(limited=False, raw_body=True)
@blp.doc(**_signed("webhook-id", "webhook-timestamp", "webhook-signature"))
@blp.documented(200, schema=_RECEIVED, description="Stored; or received before, and ignored.")
def receive_trustless_work() -> Response:
    """Receive a hint about an escrow contract

    Signed as Standard Webhooks say; without a configured secret nothing is accepted. It makes the
    work on that contract look at once, and changes nothing by itself.
    """
    with counted():
        duplicate = inbox.receive_trustless_work(
            current_context(), dict(request.headers), request.get_data()
        )
    return succeed({"duplicate": duplicate}, status=200)

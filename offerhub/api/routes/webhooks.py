"""Webhooks from providers: the raw bytes go to the inbox, which proves and stores them."""

from flask import Response, request

from offerhub.api.access import public
from offerhub.api.blueprint import Routes
from offerhub.api.execution import succeed
from offerhub.api.forgeries import counted
from offerhub.api.state import current_context
from offerhub.services import inbox

blp = Routes("webhooks", __name__, url_prefix="/webhooks", description="Incoming webhooks")


@blp.route("/airtm", methods=["POST"])
@public(limited=False, raw_body=True)
@blp.documented(200, description="Stored; or received before, and ignored.")
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
@blp.documented(200, description="Stored; or received before, and ignored.")
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

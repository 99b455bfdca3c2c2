"""Assembles the control routes, lets only the loopback in, and turns refusals into answers."""

import ipaddress

from flask import Blueprint, Response, request

from offerhub.sandbox.airtm import script
from offerhub.sandbox.airtm.balances import NotEnough
from offerhub.sandbox.airtm.errors import AirtmError
from offerhub.sandbox.airtm.states import NotPossible
from offerhub.sandbox.airtm.users import EmailTaken
from offerhub.sandbox.airtm.world import AirtmWorld
from offerhub.sandbox.calls import CallJournal
from offerhub.sandbox.chain.actors import ChainRefused
from offerhub.sandbox.chain.network import Chain
from offerhub.sandbox.control.airtm_routes import add_airtm_routes
from offerhub.sandbox.control.reading import ControlError, read, reply
from offerhub.sandbox.control.stellar_routes import add_stellar_routes
from offerhub.sandbox.control.wire_routes import add_wire_routes
from offerhub.sandbox.faults import FaultRules
from offerhub.sandbox.trustless_work.engine import TrustlessWork
from offerhub.sandbox.webhook_queue import WebhookQueue


def control_blueprint(
    *,
    airtm: AirtmWorld,
    chain: Chain,
    trustless_work: TrustlessWork,
    rules: FaultRules,
    journal: CallJournal,
    queue: WebhookQueue,
) -> Blueprint:
    """Every control route, under `/_control`."""
    blueprint = Blueprint("control", __name__)

    @blueprint.before_request
    def only_loopback() -> None:
        address = ipaddress.ip_address(request.remote_addr or "0.0.0.0")  # noqa: S104
        if not address.is_loopback:
            raise ControlError("control is open to the loopback only", status=403)

    _refusals(blueprint)
    add_airtm_routes(blueprint, airtm)
    add_stellar_routes(blueprint, chain)
    add_wire_routes(
        blueprint,
        rules=rules,
        journal=journal,
        queue=queue,
        knobs=airtm.knob_store,
        clock=airtm.clock,
    )

    @blueprint.patch("/trustless-work")
    def trustless_work_knobs() -> Response:
        fee_bps = read(protocol_fee_bps=...)["protocol_fee_bps"]
        if isinstance(fee_bps, bool) or not isinstance(fee_bps, int):
            raise ControlError("protocol_fee_bps must be a whole number")
        trustless_work.set_fee_bps(fee_bps)
        return reply({"protocol_fee_bps": trustless_work.fee_bps()})

    @blueprint.get("/health")
    def health() -> Response:
        return reply({"status": "ok"})

    @blueprint.get("/world")
    def world() -> Response:
        return reply({"airtm": script.dump(airtm), "stellar": chain.snapshot()})

    return blueprint


def _refusals(blueprint: Blueprint) -> None:
    @blueprint.errorhandler(ControlError)
    def bad_request(error: ControlError) -> Response:
        return reply({"error": str(error)}, status=error.status)

    # InvalidKnob, InvalidRule, InvalidSecret and CannotShow are ValueErrors, and the chain raises
    # plain ones for requests that make no sense on it.
    @blueprint.errorhandler(ValueError)
    def invalid(error: ValueError) -> Response:
        return reply({"error": str(error)}, status=400)

    @blueprint.errorhandler(NotPossible)
    @blueprint.errorhandler(NotEnough)
    @blueprint.errorhandler(EmailTaken)
    @blueprint.errorhandler(ChainRefused)
    def conflict(error: Exception) -> Response:
        return reply({"error": str(error)}, status=409)

    @blueprint.errorhandler(AirtmError)
    def refused_by_airtm(error: AirtmError) -> Response:
        answer = {"error": error.message, "airtm_code": error.code}
        return reply(answer, status=error.http_status)

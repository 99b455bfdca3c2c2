"""The provider's HTTP surface as one Flask blueprint, to be served under `/trustless-work`."""

from __future__ import annotations

from flask import Blueprint, Response

from offerhub.sandbox.chain.network import Chain
from offerhub.sandbox.trustless_work.engine import TrustlessWork
from offerhub.sandbox.trustless_work.read_routes import add_read_routes
from offerhub.sandbox.trustless_work.send_routes import add_send_routes
from offerhub.sandbox.trustless_work.wire import ApiError, error_response, key_guard, throttle
from offerhub.sandbox.trustless_work.write_routes import add_write_routes

RATE_LIMIT = 50


def trustless_work_blueprint(
    chain: Chain,
    *,
    api_key: str,
    engine: TrustlessWork | None = None,
    rate_limit: int | None = RATE_LIMIT,
    send_timeout_s: float = 30.0,
) -> Blueprint:
    """Every endpoint of the V1 API that the product uses.

    engine: one that the caller made for this chain, else a new one. rate_limit: requests of a
    key in 60 s, None for no limit. send_timeout_s: how long send-transaction waits for a ledger.
    """
    engine = engine or TrustlessWork(chain)
    blueprint = Blueprint("sandbox_trustless_work", __name__, url_prefix="/trustless-work")
    blueprint.register_error_handler(ApiError, error_response)
    blueprint.before_request(key_guard(api_key))
    if rate_limit is not None:
        blueprint.before_request(throttle(rate_limit))
    blueprint.before_request(chain.ledgers.tick)
    add_write_routes(blueprint, engine)
    add_read_routes(blueprint, engine)
    add_send_routes(blueprint, engine, timeout_s=send_timeout_s)

    @blueprint.route("/<path:path>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    def unknown(path: str) -> Response:
        raise ApiError(404, f"Cannot find /{path}")

    return blueprint

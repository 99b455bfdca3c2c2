"""How the deployment is, for people and for load balancers."""

from flask import Response

from offerhub.api.access import public
from offerhub.api.blueprint import Routes
from offerhub.api.execution import succeed
from offerhub.api.schemas import configuration as shapes
from offerhub.api.schemas.envelopes import enveloped
from offerhub.api.state import current_edge
from offerhub.services.health import UNHEALTHY

blp = Routes("health", __name__, url_prefix="/health", description="How the deployment is")

_REPORT = enveloped(shapes.Health, page=False)


@blp.route("", methods=["GET"])
@public(limited=False)
@blp.documented(200, schema=_REPORT)
@blp.documented(503, schema=_REPORT, description="Unhealthy; the body is the same.")
def get_health() -> Response:
    """Report on every component

    200 when healthy or degraded, 503 when unhealthy; the body is the same.
    """
    report = current_edge().health.report()
    return succeed(report, status=503 if report["status"] == UNHEALTHY else 200)


@blp.route("/live", methods=["GET"])
@public(limited=False)
@blp.documented(200, schema=enveloped(shapes.Alive, page=False))
def get_live() -> Response:
    """Say that this process answers"""
    return succeed({"status": "healthy"}, status=200)


@blp.route("/ready", methods=["GET"])
@public(limited=False)
@blp.documented(200, schema=_REPORT)
@blp.documented(503, schema=_REPORT, description="Unhealthy; the body is the same.")
def get_ready() -> Response:
    """Say whether this process can serve requests

    503 while the database does not answer.
    """
    report = current_edge().health.ready()
    return succeed(report, status=503 if report["status"] == UNHEALTHY else 200)

"""Metrics for Prometheus, behind a token of their own."""

import hmac

from flask import Response, request

from offerhub.api import auth, metrics
from offerhub.api.access import public
from offerhub.api.blueprint import Routes
from offerhub.api.state import current_edge
from offerhub.domain.errors import NotFound
from offerhub.services.credentials import InvalidApiKey

blp = Routes("metrics", __name__, description="Metrics")


@blp.route("/metrics", methods=["GET"])
@public()
@blp.documented(200, content_type="text/plain", description="Prometheus' text format.")
def get_metrics() -> Response:
    """Read the metrics

    Send `Authorization: Bearer` with the token of OFFERHUB_METRICS_TOKEN; API keys are not taken.
    """
    at = current_edge()
    if not at.metrics_token:
        raise NotFound("Metrics are off: no OFFERHUB_METRICS_TOKEN is set.")
    sent = auth.bearer(request.headers.get("Authorization"))
    if not hmac.compare_digest(sent.encode(), at.metrics_token.encode()):
        raise InvalidApiKey("This is not the metrics token.")
    text = metrics.exposition(at.observer, at.gate)
    return Response(text, content_type=metrics.CONTENT_TYPE)

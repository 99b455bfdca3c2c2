"""The Flask application: routes, pipeline, documentation, put together once per process."""

from importlib import import_module
from typing import Final

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from offerhub.api import access, openapi, pipeline
from offerhub.api.edge import EXTENSION, Edge
from offerhub.api.rate_limits import RateLimiter
from offerhub.api.redis_gate import RedisGate
from offerhub.api.stream_seats import DEFAULT_MOST_IN_ALL, StreamSeats
from offerhub.api.whole_body import WholeBody
from offerhub.services.context import App
from offerhub.services.credentials import Credentials, UseRecorder
from offerhub.services.figures import Observer
from offerhub.services.health import HealthMonitor
from offerhub.services.idempotency import AnswerSeal
from offerhub.services.maintenance import Gate
from offerhub.services.sheet_watch import SheetWatch
from offerhub.services.tokens import TokenSigner

BASE_PATH: Final = "/api/v1"
MAX_BODY_BYTES: Final = 1024 * 1024

ROUTES: Final = (
    "health", "account", "keys", "users", "topups", "orders", "disputes", "withdrawals", "events",
    "webhooks", "webhook_endpoints", "audit", "admin", "metrics", "documentation",
)  # fmt: skip


def create_app(
    app: App,
    *,
    master_key: str,
    token_secret: str,
    trusted_proxies: int = 0,
    metrics_token: str = "",
    event_streams: int = DEFAULT_MOST_IN_ALL,
) -> Flask:
    """The API of `app`. trusted_proxies: hops whose X-Forwarded-For is believed.

    metrics_token: opens the metrics, which are off without one. event_streams: how many may be open
    at once, over all processes.

    Raises: UndeclaredRoute when a route does not say who may call it.
    """
    flask_app, _ = assemble()
    gate, sheet = RedisGate(app.redis), SheetWatch()
    marketplace_id = app.policy.marketplace_id
    flask_app.extensions[EXTENSION] = Edge(
        app=app,
        credentials=Credentials(
            master_key=master_key,
            signer=TokenSigner(secret=token_secret, marketplace_id=marketplace_id),
        ),
        seal=AnswerSeal(secret=token_secret),
        gate=gate,
        limiter=RateLimiter(gate, marketplace_id=marketplace_id),
        seats=StreamSeats(gate, marketplace_id=marketplace_id, most_in_all=event_streams),
        uses=UseRecorder(),
        health=HealthMonitor(app, sheet=sheet),
        maintenance=Gate(),
        observer=Observer(app, sheet=sheet),
        metrics_token=metrics_token,
    )
    pipeline.install(flask_app)
    if trusted_proxies:
        flask_app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            flask_app.wsgi_app, x_for=trusted_proxies, x_proto=trusted_proxies
        )
    return flask_app


def assemble() -> tuple[Flask, openapi.DescribedApi]:
    """Routes and their documentation, without anything behind them."""
    flask_app = Flask("offerhub", static_folder=None)
    flask_app.request_class = WholeBody
    flask_app.config.update(
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        API_TITLE=openapi.TITLE,
        API_VERSION=openapi.version(),
        OPENAPI_VERSION="3.1.0",
        PROPAGATE_EXCEPTIONS=False,
    )
    # A redirect to a nearby path would repeat a POST without its body: such paths are not there.
    flask_app.url_map.strict_slashes = True
    flask_app.url_map.merge_slashes = False
    api = openapi.DescribedApi(flask_app)
    for name in ROUTES:
        module = import_module(f"offerhub.api.routes.{name}")
        prefix = BASE_PATH + (module.blp.url_prefix or "")
        api.register_blueprint(module.blp, url_prefix=prefix)
    access.check_declarations(flask_app)
    return flask_app, api

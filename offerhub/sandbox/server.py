"""Puts the sandbox together and serves it: the three providers, the checkout page and control."""

import threading

from flask import Flask

from offerhub.sandbox.airtm import script
from offerhub.sandbox.airtm.blueprint import airtm_blueprint
from offerhub.sandbox.airtm.progress import Progress
from offerhub.sandbox.airtm.world import AirtmWorld
from offerhub.sandbox.calls import CallJournal
from offerhub.sandbox.chain.network import Chain
from offerhub.sandbox.checkout import checkout_blueprint
from offerhub.sandbox.clock import SandboxClock
from offerhub.sandbox.config import SandboxConfig
from offerhub.sandbox.control.blueprint import control_blueprint
from offerhub.sandbox.faults import FaultRules
from offerhub.sandbox.horizon import horizon_blueprint
from offerhub.sandbox.hot_wallet import HotWallet
from offerhub.sandbox.http_server import BreakableServer
from offerhub.sandbox.knobs import AirtmKnobs, Knobs
from offerhub.sandbox.provider_wire import ProviderWire
from offerhub.sandbox.store import SandboxStore
from offerhub.sandbox.trustless_work.blueprint import RATE_LIMIT, trustless_work_blueprint
from offerhub.sandbox.trustless_work.engine import TrustlessWork
from offerhub.sandbox.webhook_queue import Target, WebhookQueue
from offerhub.sandbox.webhooks import WebhookSender

__all__ = ["SandboxConfig", "SandboxServer"]

MOST_REQUEST_BYTES = 1_000_000


class SandboxServer:
    """One sandbox on one port. `start` and `stop` once each; the port listens from construction."""

    def __init__(self, config: SandboxConfig, port: int = 0, *, host: str = "127.0.0.1") -> None:
        """port: 0 takes a free one, which `url` then tells."""
        self._config = config
        self.store = SandboxStore(config.state_path)
        self.knobs = Knobs(self.store)
        self.knobs.seed(config.airtm_knobs)
        self.knobs.seed(config.webhook_knobs)
        if not config.enforce_rate_limits:
            self.knobs.change(AirtmKnobs, {"enforce_rate_limits": False})
        self.webhook_queue = WebhookQueue(self.store, self.knobs)
        if config.webhook_url is not None and config.webhook_secret is not None:
            self.webhook_queue.set_target(Target(config.webhook_url, config.webhook_secret))
        self.chain = Chain(
            self.store,
            passphrase=config.passphrase,
            ledger_interval_ms=config.ledger_interval_ms,
        )
        self.airtm = AirtmWorld(
            store=self.store,
            clock=SandboxClock(self.store),
            knob_store=self.knobs,
            announce=self.webhook_queue.announce,
            stellar=HotWallet(self.store, self.chain),
        )
        self.airtm.install()
        script.seed(
            self.airtm,
            new_users=config.seed_users,
            available_stroops=config.airtm_available_stroops,
        )
        self.rules = FaultRules()
        self.journal = CallJournal()
        self.trustless_work = TrustlessWork(self.chain)
        self.app = self._flask_app()
        self._progress = Progress(self.airtm)
        self._sender = WebhookSender(self.webhook_queue, self.knobs)
        self._http = BreakableServer(
            host=host,
            port=port,
            app=ProviderWire(self.app, rules=self.rules, journal=self.journal),
        )
        self._host = host
        self._thread = threading.Thread(
            target=self._http.serve_forever, args=(0.05,), name="sandbox-http", daemon=True
        )

    @property
    def url(self) -> str:
        """The loopback address this sandbox listens on, without a trailing slash."""
        return f"http://127.0.0.1:{self._http.port}"

    @property
    def airtm_base_url(self) -> str:
        return f"{self.url}/airtm/v2"

    @property
    def horizon_url(self) -> str:
        return f"{self.url}/horizon"

    @property
    def trustless_work_base_url(self) -> str:
        return f"{self.url}/trustless-work"

    @property
    def control_url(self) -> str:
        return f"{self.url}/_control"

    @property
    def checkout_url_template(self) -> str:
        """Where the payer's browser goes; `{id}` is the pay-in's id."""
        return f"{self._config.public_base_url or self.url}/checkout/payin/{{id}}"

    def start(self) -> None:
        """Serve in a thread, send webhooks, and let time pass."""
        self._thread.start()
        self._progress.start()
        self._sender.start()

    def stop(self) -> None:
        """Stop serving, break open connections, and close the store."""
        self._http.shutdown()
        self._http.break_connections()
        self._thread.join(timeout=10)
        self._sender.stop()
        self._progress.stop()
        self.store.close()

    def serve_forever(self) -> None:
        """Serve until KeyboardInterrupt."""
        self.start()
        try:
            self._thread.join()
        except KeyboardInterrupt:
            self.stop()

    def _flask_app(self) -> Flask:
        app = Flask("offerhub.sandbox", static_folder=None)
        app.config["MAX_CONTENT_LENGTH"] = MOST_REQUEST_BYTES
        config = self._config
        app.register_blueprint(
            airtm_blueprint(self.airtm, key=config.airtm_key, secret=config.airtm_secret),
            url_prefix="/airtm/v2",
        )
        app.register_blueprint(horizon_blueprint(self.chain))
        app.register_blueprint(
            trustless_work_blueprint(
                self.chain,
                engine=self.trustless_work,
                api_key=config.trustless_work_api_key,
                rate_limit=RATE_LIMIT if config.enforce_rate_limits else None,
            )
        )
        app.register_blueprint(checkout_blueprint(self.airtm), url_prefix="/checkout")
        app.register_blueprint(
            control_blueprint(
                airtm=self.airtm,
                chain=self.chain,
                trustless_work=self.trustless_work,
                rules=self.rules,
                journal=self.journal,
                queue=self.webhook_queue,
            ),
            url_prefix="/_control",
        )
        return app

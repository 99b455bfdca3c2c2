"""`python -m offerhub.sandbox`: the sandbox as a process of its own."""

import argparse
import os
import signal
import sys

from offerhub.sandbox.chain.network import DEFAULT_LEDGER_INTERVAL_MS, DEFAULT_PASSPHRASE
from offerhub.sandbox.config import USD, SandboxConfig
from offerhub.sandbox.knobs import AirtmKnobs, WebhookKnobs
from offerhub.sandbox.server import SandboxServer

ENVIRONMENT = """\
secrets, from the environment only:
  SANDBOX_AIRTM_KEY, SANDBOX_AIRTM_SECRET   Basic credentials of the Airtm API (required)
  SANDBOX_TRUSTLESS_WORK_KEY                x-api-key of the Trustless Work API (required)
  SANDBOX_WEBHOOK_URL, SANDBOX_WEBHOOK_SECRET   where Airtm webhooks go, and the whsec_ secret
"""


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C. Exit code 2 when a setting is missing or wrong."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        server = SandboxServer(_config(options), options.port, host=options.host)
    except (KeyError, ValueError) as error:
        print(f"sandbox: cannot start: {error}", file=sys.stderr)
        return 2
    print(server.url, flush=True)
    server.serve_forever()
    return 0


def _config(options: argparse.Namespace) -> SandboxConfig:
    return SandboxConfig(
        airtm_key=_required("SANDBOX_AIRTM_KEY"),
        airtm_secret=_required("SANDBOX_AIRTM_SECRET"),
        trustless_work_api_key=_required("SANDBOX_TRUSTLESS_WORK_KEY"),
        webhook_url=os.environ.get("SANDBOX_WEBHOOK_URL") or None,
        webhook_secret=os.environ.get("SANDBOX_WEBHOOK_SECRET") or None,
        state_path=options.state,
        passphrase=options.passphrase,
        ledger_interval_ms=options.ledger_interval_ms,
        public_base_url=options.public_base_url.rstrip("/"),
        airtm_available_stroops=options.airtm_available_usd * USD,
        enforce_rate_limits=not options.no_rate_limits,
        airtm_knobs=AirtmKnobs(
            payin_fee_bps=options.payin_fee_bps,
            payout_fee_bps=options.payout_fee_bps,
            payout_step_delay_ms=options.payout_step_delay_ms,
        ),
        webhook_knobs=WebhookKnobs(retry_scale_percent=options.webhook_retry_scale_percent),
    )


def _required(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise ValueError(f"set {name} in the environment")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m offerhub.sandbox",
        description="A local stand-in for Airtm, Trustless Work and Stellar. No real money.",
        epilog=ENVIRONMENT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--port", type=int, default=0, help="0 takes a free port, printed on the first line")
    add("--host", default="127.0.0.1", help="address to listen on; control stays loopback only")
    add("--state", default=":memory:", help="SQLite file that outlives the process")
    add("--passphrase", default=DEFAULT_PASSPHRASE, help="network passphrase of the chain")
    add("--ledger-interval-ms", type=int, default=DEFAULT_LEDGER_INTERVAL_MS)
    add("--public-base-url", default="", help="how browsers reach the checkout page")
    add("--airtm-available-usd", type=int, default=0, help="enterprise balance of a new state")
    add("--payin-fee-bps", type=int, default=250, help="Airtm's fee, for a new state")
    add("--payout-fee-bps", type=int, default=100, help="Airtm's fee, for a new state")
    add("--payout-step-delay-ms", type=int, default=100, help="for a new state")
    add("--webhook-retry-scale-percent", type=int, default=1, help="for a new state")
    add("--no-rate-limits", action="store_true", help="of Airtm and Trustless Work")
    return parser


if __name__ == "__main__":
    sys.exit(main())

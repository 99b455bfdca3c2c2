"""The simulated providers of a demo: their process. Refuses to run outside the demo environment.

The world starts empty: whatever money is in it came in by a way that our books have seen.
"""

import signal
from typing import TYPE_CHECKING, Final

from offerhub.cli.exits import Exit, Failure
from offerhub.settings import paths

if TYPE_CHECKING:
    from offerhub.settings import Settings

WEBHOOK_PATH: Final = "/api/v1/webhooks/airtm"


def run_sandbox(settings: "Settings") -> None:
    """Serve the sandbox until told to stop. Raises: Failure outside the demo environment."""
    _refuse_unless_demo(settings)
    from offerhub.cli.appliance.health import local_address
    from offerhub.sandbox.server import SandboxConfig, SandboxServer

    api_host, api_port = local_address(settings)
    host, port = settings.sandbox_address
    config = SandboxConfig(
        airtm_key=settings.airtm_api_key.get_secret_value(),
        airtm_secret=settings.airtm_api_secret.get_secret_value(),
        trustless_work_api_key=settings.trustless_work_api_key.get_secret_value(),
        state_path=str(paths.sandbox_state(settings.home)),
        webhook_url=f"http://{api_host}:{api_port}{WEBHOOK_PATH}",
        webhook_secret=settings.airtm_webhook_secret.get_secret_value(),
        passphrase=settings.stellar_network_passphrase,
        # Trustless Work's 50 calls a minute are four orders: too few to play with.
        enforce_rate_limits=False,
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    SandboxServer(config, port, host=host).serve_forever()


def _refuse_unless_demo(settings: "Settings") -> None:
    if settings.environment != "demo":
        raise Failure("the sandbox belongs to the demo environment", code=Exit.USAGE)

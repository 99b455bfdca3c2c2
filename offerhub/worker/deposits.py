"""The deposit reader process: reads every wallet's history on from its cursor.

One is active by its lease; two readers would be harmless (the movements' unique key) but wasteful.
"""

import os
import signal
import socket
import threading

import structlog

from offerhub.ports.errors import ProviderFailure
from offerhub.services import deposits, leases
from offerhub.services.context import App, system_context

log = structlog.get_logger(__name__)

LEASE = "deposits"
LEASE_TTL_MS = 15_000
STANDBY_S = 2.0


def run_deposits(app: App) -> None:
    """Read until the process is told to stop; then give the lease up."""
    ctx = system_context(app, name="deposits")
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    holder = f"{socket.gethostname()}:{os.getpid()}"
    pause_s = min(app.policy.deposit_poll_ms / 1000, 5.0)
    log.info("deposits.started", holder=holder)
    while not stopping.is_set():
        try:
            if not leases.take(ctx, LEASE, holder=holder, ttl_ms=LEASE_TTL_MS):
                stopping.wait(STANDBY_S)
                continue
            deposits.read_due(ctx)
        except ProviderFailure as failure:
            log.warning("deposits.postponed", error=failure.message)
        except Exception:
            # The database may be restarting; the cursors are where they were.
            log.exception("deposits.failed")
        stopping.wait(pause_s)
    leases.give_up(LEASE, holder=holder)

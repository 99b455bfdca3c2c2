"""Sending outgoing webhooks: a delivery per event and endpoint, until none is due.

Each endpoint has a thread of its own while it has something to get, so that one that is slow or
hangs holds up no other. Within an endpoint it is one after the other.
"""

import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from offerhub.services import deliveries
from offerhub.services.context import App, Context, system_context
from offerhub.worker import process

ENDPOINTS_AT_ONCE = 8
LOOK_S = 0.25
# Then the job ends, and what is left over is found by the next ring or sweep.
WORK_S = 20.0

Running = dict[str, "Future[int]"]


def drain() -> None:
    """The job."""
    with process.job("deliveries") as app:
        work(app)


def work(app: App) -> None:
    """Bounded, but for the attempts under way at its end."""
    ctx = system_context(app, name="deliveries")
    end = time.monotonic() + WORK_S
    running: Running = {}
    with ThreadPoolExecutor(ENDPOINTS_AT_ONCE, thread_name_prefix="deliveries") as pool:
        while True:
            if time.monotonic() < end:
                _begin(ctx, pool, running)
            if not running:
                return
            wait(running.values(), timeout=LOOK_S, return_when=FIRST_COMPLETED)
            for endpoint_id in [one for one, future in running.items() if future.done()]:
                running.pop(endpoint_id).result()


def _begin(ctx: Context, pool: ThreadPoolExecutor, running: Running) -> None:
    """Give each endpoint with something due a thread, as long as there are any."""
    deliveries.fan_out(ctx)
    for endpoint_id in deliveries.due_endpoints(ctx):
        if endpoint_id not in running and len(running) < ENDPOINTS_AT_ONCE:
            running[endpoint_id] = pool.submit(deliveries.send_due, ctx, endpoint_id)

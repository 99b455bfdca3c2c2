"""Running the console in tests: start it, wait until it is at rest, ask what it shows."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from offerhub_tui.app import OperatorApp
from offerhub_tui.gateway import Backoff
from offerhub_tui.profiles import Profile
from textual.pilot import Pilot

from tests.tui.fake_api import Clock, FakeApi
from tests.tui.world import World, busy_world

WAIT_S = 30.0


class Rig:
    """A console with its appliance and its clock, before it runs."""

    def __init__(self, world: World | None = None, *, pause_s: float = 1.0, **options: Any) -> None:
        self.clock = Clock()
        self.api = FakeApi(busy_world() if world is None else world, self.clock)
        profile = Profile(url="http://appliance.test", key="ohk_test_key_secret")
        backoff = Backoff(first_s=pause_s, chance=lambda: 1.0)
        self.app = OperatorApp(
            profile, transport=self.api, now=self.clock, reread_s=0.0, backoff=backoff, **options
        )


async def until(pilot: Pilot[None], true: Callable[[], bool]) -> None:
    """Let the console work until `true`, at most for some seconds."""
    deadline = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < deadline, "the console did not get there"
        await asyncio.sleep(0.01)
        await pilot.pause()


async def at_rest(rig: Rig, pilot: Pilot[None]) -> None:
    """Until every read is answered and everything that the stream brought is shown.

    Without an appliance there is no rest: then until the console says so.
    """
    if rig.api.down:
        await until(pilot, lambda: rig.app.live.link.down_since is not None)
        return
    app = rig.app
    live = app.live

    def quiet() -> bool:
        return app.gateway.pending == 0 and not app.gateway.waiting and not live.owing

    await until(pilot, lambda: rig.api.down or live.link.connected or bool(live.link.down_since))
    for _ in range(3):
        await until(pilot, quiet)
        await pilot.pause()


def shown(app: OperatorApp) -> str:
    """The text on the screen, line by line."""
    size = app.size
    strips = app.screen._compositor.render_strips(size)
    return "\n".join(strip.text.rstrip() for strip in strips)


def told(app: OperatorApp) -> str:
    """Everything that the notices on the screen say."""
    return " ".join(notice.message for notice in app._notifications)

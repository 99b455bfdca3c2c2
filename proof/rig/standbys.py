"""Two processes of a kind at once, of which the active one is paused past its lease and woken.

The second one is started here, beside the deployment's own. Whichever is active is stopped by
SIGSTOP; the other must get the lease, and for the scheduler its mark in Redis too.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from redis import Redis
from redis.exceptions import RedisError

from offerhub.worker.schedule import FENCE
from proof.rig.rows import Away
from proof.rig.site import Site

LOOK_S = 0.1
ENDING_S = 20.0
READY_S = 20.0


@dataclass
class Pair:
    """Two processes that share a lease. takeovers, stood_still: how its pauses went."""

    site: Site
    name: str
    second: "subprocess.Popen[bytes]"
    works: Callable[[str], bool]  # whether this holder does what the lease allows
    takeovers: int = 0
    stood_still: int = 0
    _paused: int = 0
    _token: int = 0

    def standing_by(self) -> bool:
        """Whether the one that is not active has asked for the lease."""
        query = f"SELECT COUNT(*) FROM lease_standbys WHERE name = '{self.name}'"
        return until(lambda: bool(self.site.rows.one(query)), patience_s=READY_S)

    def pause(self) -> None:
        """Stop the active one where it is."""
        holder, self._token = self._held()
        self._paused = int(holder.split(":")[1])
        os.kill(self._paused, signal.SIGSTOP)

    def await_takeover(self, *, patience_s: float) -> None:
        """Until the other has the lease and uses it; or count that it had to stand still."""

        def taken() -> bool:
            holder, token = self._held()
            return token > self._token and self.works(holder)

        if until(taken, patience_s=patience_s):
            self.takeovers += 1
        else:
            self.stood_still += 1

    def wake(self) -> None:
        """Let the paused one go on, if there is one; it may have ended."""
        if self._paused:
            with suppress(ProcessLookupError):
                os.kill(self._paused, signal.SIGCONT)
        self._paused = 0

    def one_works(self, *, patience_s: float) -> bool:
        """Whether soon the holder of the lease is the one that does its work."""
        return until(lambda: self.works(self._held()[0]), patience_s=patience_s)

    def close(self) -> None:
        """End the second one; the deployment's own goes on."""
        self.wake()
        self.second.terminate()
        try:
            self.second.wait(ENDING_S)
        except subprocess.TimeoutExpired:
            self.second.kill()

    def _held(self) -> tuple[str, int]:
        query = f"SELECT holder, token FROM leases WHERE name = '{self.name}'"
        holder, token = self.site.rows.all(query)[0]
        return str(holder), int(token)


def relays(site: Site) -> Pair:
    """Its work shows in the stream, which the checks of every case look at."""
    return Pair(site, "relay", _second(site, "relay"), lambda _holder: True)


def schedulers(site: Site) -> Pair:
    """Who rings must have put its mark: `worker.scheduler` says why."""

    def marked(holder: str) -> bool:
        with Redis.from_url(site.market.settings.redis_url) as redis:
            mark = redis.get(FENCE)
        return isinstance(mark, bytes) and mark.decode().partition(":")[2] == holder

    return Pair(site, "scheduler", _second(site, "scheduler"), marked)


def until(condition: Callable[[], bool], *, patience_s: float) -> bool:
    """Whether it was so in time. A database or Redis that is away for a moment is asked again."""
    end = time.monotonic() + patience_s
    while True:
        with suppress(Away, RedisError):
            if condition():
                return True
        if time.monotonic() > end:
            return False
        time.sleep(LOOK_S)


def _second(site: Site, command: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [str(site.market.home / "bin" / "offerhub"), command],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip

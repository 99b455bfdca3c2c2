"""SIGKILL to processes of a deployment, and how long it takes until their work goes on.

What "goes on" means is said per process: a new one holds the name, and then the API answers, the
operation that was under way reaches its next recorded point, an event gets its place, the webhooks
that the dead one had taken arrive, the simulated providers or Valkey answer.
"""

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from bench.processes import tree
from offerhub.cli.appliance import health, valkey
from proof.rig.rows import Away
from proof.rig.site import Site

LONGEST_S = 60.0
STEP_S = 0.05
GAPS_S = (1.5, 2.5)
WEIGHTS = {
    "api": 2, "api-worker": 3, "worker-critical": 5, "relay": 3, "worker-webhooks": 2,
    "worker-deliveries": 2, "worker-maintenance": 1, "deposits": 1, "scheduler": 1,
    "sandbox": 2, "valkey": 2,
}  # fmt: skip
TWO_AT_ONCE, WHOLE_GROUP = 0.08, 0.3


@dataclass
class Killer:
    """kills: by process; recoveries: seconds by process; findings: what never came back."""

    site: Site
    chance: random.Random
    kills: Counter[str] = field(default_factory=Counter)
    recoveries: dict[str, list[float]] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    _busy: set[str] = field(default_factory=set)
    _watchers: list[threading.Thread] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, kills: int) -> None:
        """So many kills, one every few seconds; then wait until all of it works again."""
        while self.kills.total() < kills:
            time.sleep(self.chance.uniform(*GAPS_S))
            for _ in range(2 if self.chance.random() < TWO_AT_ONCE else 1):
                self._strike()
        for watcher in self._watchers:
            watcher.join(LONGEST_S + 5)

    def _strike(self) -> None:
        with self._lock:
            idle = [name for name in WEIGHTS if name.removesuffix("-worker") not in self._busy]
        if not idle:
            return
        name = self.chance.choices(idle, [WEIGHTS[n] for n in idle])[0]
        program = name.removesuffix("-worker")
        pid = self.site.market.pid(program)
        if pid is None:
            return
        works = self._works(program, pid)
        with self._lock:
            self._busy.add(program)
        began = time.monotonic()
        if name == "api-worker":
            children = tree(pid)[1:]
            if children:
                dead = self.chance.choice(children)
                with suppress(ProcessLookupError):
                    os.kill(dead, signal.SIGKILL)
                works = self._api_worker_back(pid, len(children), dead)
        elif self.chance.random() < WHOLE_GROUP:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        else:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.kills[name] += 1
        # A daemon: whoever ends the proof does not wait until a killed program works again.
        watcher = threading.Thread(
            target=self._watch, args=(name, program, began, works), daemon=True
        )
        watcher.start()
        self._watchers.append(watcher)

    def _watch(self, name: str, program: str, began: float, works: Callable[[], bool]) -> None:
        while True:
            took_s = time.monotonic() - began
            if _quietly(works):
                break
            if took_s > LONGEST_S:
                self.findings.append(f"{name} did not work again {LONGEST_S:.0f} s after a kill")
                break
            time.sleep(STEP_S)
        with self._lock:
            self.recoveries.setdefault(name, []).append(took_s)
            self._busy.discard(program)

    def _api_worker_back(self, master: int, count: int, dead: int) -> Callable[[], bool]:
        def works() -> bool:
            children = tree(master)[1:]
            back = dead not in children and len(children) >= count
            return back and health.ask(self.site.market.settings).ok

        return works

    def _works(self, program: str, dead: int) -> Callable[[], bool]:
        """The question whether this program's work goes on, about to be killed as `dead`."""
        site = self.site
        progress = _PROGRESS.get(program, _always)(site)

        def works() -> bool:
            return site.market.pid(program) not in {None, dead} and progress()

        return works


def _quietly(works: Callable[[], bool]) -> bool:
    try:
        return works()
    except (Away, OSError, RuntimeError):
        return False


def _always(site: Site) -> Callable[[], bool]:
    return lambda: True


def _api(site: Site) -> Callable[[], bool]:
    settings = site.market.settings
    return lambda: health.ask(settings).ok


def _operation(site: Site) -> Callable[[], bool]:
    """What was being performed reaches its next point; or any does, when none was."""
    found = "SELECT id, step, status, updated_at FROM operations WHERE {} ORDER BY id LIMIT 1"
    before = _rows(site, found.format("status = 'PENDING' AND lease_until > 0"))
    if not before:
        return lambda: True
    id_ = before[0][0]
    return lambda: site.rows.all(found.format(f"id = '{id_}'")) != before


def _placed(site: Site) -> Callable[[], bool]:
    head = "SELECT COALESCE(MAX(sequence), 0) FROM events"
    waiting = "SELECT MAX(position) FROM events"
    newest: list[int] = []

    def works() -> bool:
        if not newest:  # asked first after the new relay is there
            newest.append(int(site.rows.one(waiting) or 0))
        left = f"SELECT COUNT(*) FROM events WHERE sequence IS NULL AND position <= {newest[0]}"
        return bool(site.rows.one(left) == 0 and site.rows.one(head))

    return works


def _delivered(site: Site) -> Callable[[], bool]:
    """What waited for its first attempt at the kill, taken by the dead one or not, has had it."""
    waiting = "SELECT {} FROM webhook_deliveries WHERE status = 'PENDING' AND attempts = 0"
    latest = waiting.format("id") + " ORDER BY next_attempt_at DESC LIMIT 100"
    ids = [str(row[0]) for row in _rows(site, latest)]

    def works() -> bool:
        if not ids:
            return True
        named = ", ".join(f"'{id_}'" for id_ in ids)
        return bool(site.rows.one(f"{waiting.format('COUNT(*)')} AND id IN ({named})") == 0)

    return works


def _sandbox(site: Site) -> Callable[[], bool]:
    def works() -> bool:
        import httpx

        try:
            return bool(site.market.control_get("/health")["status"] == "ok")
        except httpx.HTTPError:
            return False

    return works


def _valkey(site: Site) -> Callable[[], bool]:
    settings = site.market.settings
    return lambda: valkey.answers(settings)


def _rows(site: Site, query: str) -> list[tuple[object, ...]]:
    try:
        return site.rows.all(query)
    except Away:
        return []


_PROGRESS: dict[str, Callable[[Site], Callable[[], bool]]] = {
    "api": _api, "worker-critical": _operation, "relay": _placed, "worker-deliveries": _delivered,
    "sandbox": _sandbox, "valkey": _valkey,
}  # fmt: skip

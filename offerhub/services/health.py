"""How the deployment is: each part asked at most every few seconds, and never waited for long.

healthy, degraded (something is missing, requests are still served) or unhealthy (they are not).
Not here: what is looked at of work and books (`work_health`) and of the chain (`chain_health`).
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Final

from offerhub.logs import get_logger
from offerhub.ports.errors import ProviderFailure, RateLimited
from offerhub.services import chain_health, history, work_health
from offerhub.services.context import App
from offerhub.services.representations import timestamp
from offerhub.services.sheet_watch import SheetWatch
from offerhub.store import events, leases
from offerhub.store.database import connection

HEALTHY: Final = "healthy"
DEGRADED: Final = "degraded"
UNHEALTHY: Final = "unhealthy"

DEADLINE_S: Final = 2.0
OWN_TTL_S: Final = 2.0
WORK_TTL_S: Final = 10.0
PROVIDER_TTL_S: Final = 30.0
SHEET_PATIENCE_S: Final = 60.0  # every entry of the books is read
QUEUES: Final = ("critical", "webhooks", "deliveries", "maintenance")

_WORKERS_OF_QUEUE: Final = "rq:workers:{}"  # RQ's; it expires when a process is gone

Json = dict[str, Any]
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Check:
    """One part: how it is asked, how long an answer is good, and from when on it is overdue."""

    ask: Callable[[], Json]
    ttl_s: float
    patience_s: float = DEADLINE_S


@dataclass(slots=True)
class _Known:
    """The last answer of one part, and the question that is under way."""

    answer: Json
    asked_at_s: float = -1e9
    running: "Future[Json] | None" = None


class HealthMonitor:
    """Keeps the last answers of one process."""

    def __init__(
        self,
        app: App,
        *,
        sheet: SheetWatch | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        seen = sheet or SheetWatch()
        self._checks = {
            "database": _Check(self._database, OWN_TTL_S),
            "redis": _Check(self._redis, OWN_TTL_S),
            "worker": _Check(self._worker, OWN_TTL_S),
            "scheduler": _Check(lambda: self._lease("scheduler"), OWN_TTL_S),
            "relay": _Check(self._relay, OWN_TTL_S),
            "deposits": _Check(self._deposits, OWN_TTL_S),
            "operations": _Check(lambda: _looked(work_health.operations(app)), WORK_TTL_S),
            "books": _Check(
                lambda: _looked(work_health.books(app, seen)), WORK_TTL_S, SHEET_PATIENCE_S
            ),
            "treasury": _Check(
                lambda: _looked(work_health.treasury(seen)), WORK_TTL_S, SHEET_PATIENCE_S
            ),
            "reconciliation": _Check(lambda: _looked(work_health.reconciliation(app)), WORK_TTL_S),
            "airtm": _Check(lambda: _provider(app.payments.ping), PROVIDER_TTL_S),
            "trustless_work": _Check(lambda: _provider(app.escrows.ping), PROVIDER_TTL_S),
            "stellar": _Check(self._stellar, PROVIDER_TTL_S),
        }
        self._known = {name: _Known(_state(DEGRADED, "not asked yet")) for name in self._checks}

    def report(self) -> Json:
        """All parts. Answers within about two seconds, with what is known by then."""
        components = self._ask(self._checks)
        return {
            "status": _overall(components),
            "components": components,
            "checked_at": timestamp(self._app.now_ms()),
        }

    def ready(self) -> Json:
        """Whether this process can serve requests: the database answers and has its tables."""
        components = self._ask({"database": self._checks["database"]})
        return {
            "status": components["database"]["status"],
            "components": components,
            "checked_at": timestamp(self._app.now_ms()),
        }

    def _ask(self, checks: dict[str, _Check]) -> dict[str, Json]:
        now = self._monotonic()
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(len(self._checks), thread_name_prefix="health")
            for name, check in checks.items():
                known = self._known[name]
                if known.running is None and now - known.asked_at_s >= check.ttl_s:
                    known.asked_at_s = now
                    known.running = self._pool.submit(_guarded, name, check.ask)
            running = {name: self._known[name].running for name in checks}
        wait([future for future in running.values() if future is not None], timeout=DEADLINE_S)
        with self._lock:
            return {name: self._collect(name) for name in checks}

    def _collect(self, name: str) -> Json:
        known = self._known[name]
        if known.running is not None:
            if known.running.done():
                known.answer, known.running = known.running.result(), None
            elif self._monotonic() - known.asked_at_s >= self._checks[name].patience_s:
                known.answer = _state(UNHEALTHY, "no answer in time")
        return known.answer

    def _database(self) -> Json:
        started = time.monotonic()
        with connection():
            head = events.head_sequence()
        return _state(HEALTHY, latency_ms=_since_ms(started), head_sequence=head)

    def _redis(self) -> Json:
        if self._app.redis is None:
            return _state(DEGRADED, "not configured")
        started = time.monotonic()
        self._app.redis.ping()
        return _state(HEALTHY, latency_ms=_since_ms(started))

    def _worker(self) -> Json:
        if self._app.redis is None:
            return _state(DEGRADED, "unknown without Redis")
        counts = {name: self._alive(name) for name in QUEUES}
        missing = [name for name, count in counts.items() if not count]
        if missing:
            return _state(
                DEGRADED,
                f"no worker for {', '.join(missing)}: start `offerhub worker`",
                workers=counts,
            )
        return _state(HEALTHY, workers=counts)

    def _alive(self, queue: str) -> int:
        redis = self._app.redis
        return sum(
            int(redis.exists(key)) for key in redis.smembers(_WORKERS_OF_QUEUE.format(queue))
        )

    def _relay(self) -> Json:
        wrong, numbers = work_health.relay_lag(self._app)
        held = self._lease("relay")
        details = [one for one in (held["detail"], wrong) if one]
        return _state(DEGRADED if details else HEALTHY, "; ".join(details) or None, **numbers)

    def _lease(self, name: str) -> Json:
        with connection():
            row = leases.Lease.get_or_none(leases.Lease.name == name)
            now = leases.clock_ms(self._app.now_ms())
        if row is None or row.expires_at <= now:
            return _state(DEGRADED, f"no process is active: start `offerhub {name}`")
        return _state(HEALTHY)

    def _deposits(self) -> Json:
        reason = history.paused()
        return _state(DEGRADED, reason) if reason else self._lease("deposits")

    def _stellar(self) -> Json:
        wrong: list[str] = []

        def ask() -> Json:
            detail, numbers = chain_health.look(self._app)
            wrong.extend([detail] if detail else [])
            return numbers

        answer = _provider(ask)
        if wrong and answer["status"] == HEALTHY:
            answer |= {"status": DEGRADED, "detail": wrong[0]}
        return answer


def _guarded(name: str, check: Callable[[], Json]) -> Json:
    try:
        return check()
    except Exception as error:  # noqa: BLE001 - a part that fails is what is being reported
        _log.warning("health.failed", component=name, error=type(error).__name__)
        return _state(UNHEALTHY, f"{type(error).__name__}")


def _looked(found: work_health.Look) -> Json:
    """Wrong work degrades the deployment: requests are served all the same."""
    wrong, numbers = found
    return _state(DEGRADED if wrong else HEALTHY, wrong, **numbers)


def _provider(ask: Callable[[], Any]) -> Json:
    """A provider that is away degrades the deployment: work for it waits, nothing is lost."""
    started = time.monotonic()
    try:
        known = ask()
    except RateLimited:
        return _state(DEGRADED, "the limit of calls is used up: work waits for its turn")
    except ProviderFailure as failure:
        what = f"{type(failure).__name__}: work for it waits, nothing is lost"
        return _state(UNHEALTHY, what)
    return _state(HEALTHY, latency_ms=_since_ms(started), **(known or {}))


def _overall(components: dict[str, Json]) -> str:
    if components["database"]["status"] != HEALTHY:
        return UNHEALTHY
    statuses = {found["status"] for found in components.values()}
    return HEALTHY if statuses == {HEALTHY} else DEGRADED


def _state(status: str, detail: str | None = None, **numbers: Any) -> Json:
    return {"status": status, "detail": detail, **numbers}


def _since_ms(started_s: float) -> int:
    return round((time.monotonic() - started_s) * 1000)

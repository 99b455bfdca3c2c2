"""Workers on machines whose clocks are days apart: leases go by the clock that they share.

On a server, for a file has one machine. How far the workers' clocks are off is all that is
simulated; that time passes on the server is that its rows become older.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from stellar_sdk import Keypair

from offerhub import settings
from offerhub.bootstrap import build_app, own_time
from offerhub.ports.clock import Clock
from offerhub.ports.outgoing import Answered
from offerhub.services import deliveries, delivery_claims, engine, work_health
from offerhub.services.context import App, Context, system_context
from offerhub.services.delivery_claims import Claims
from offerhub.store import leases
from offerhub.store.database import atomic, connection, execute, proxy
from offerhub.store.deliveries import WebhookDelivery, WebhookEndpoint
from offerhub.store.operations import Operation
from tests.services.world import MovedClock, environment

pytestmark = pytest.mark.proves("F16")

HOUR_S, DAY_S = 3_600, 86_400
APART_S = [
    (HOUR_S, -HOUR_S),
    (-HOUR_S, HOUR_S),
    pytest.param((DAY_S, -DAY_S), marks=pytest.mark.full),
    pytest.param((-DAY_S, DAY_S), marks=pytest.mark.full),
]


class OffClock:
    """A machine's clock that is wrong."""

    def __init__(self, off_s: int) -> None:
        self._off = timedelta(seconds=off_s)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._off


class Receiver:
    """A sender whose receivers answer with `status`."""

    def __init__(self) -> None:
        self.status = 204

    def check(self, url: str) -> None:
        """Every address will do."""

    def post(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Answered:
        return Answered(self.status)


def built(database_url: str, redis_url: str, *, clock: Clock | None = None) -> App:
    environ = environment(
        database_url=database_url, redis_url=redis_url, sandbox_host="127.0.0.1:9"
    )
    environ["STELLAR_USDC_ISSUER"] = Keypair.random().public_key
    return build_app(settings.load(environ), clock=clock)


@pytest.fixture
def app(postgres_url: str, redis_url: str) -> Iterator[App]:
    """As every process of the appliance builds it."""
    yield replace(built(postgres_url, redis_url), webhook_sender=Receiver())
    proxy.obj.close_all()


@pytest.fixture(params=APART_S, ids=lambda both: f"{both[0]} s and {both[1]} s")
def workers(request: pytest.FixtureRequest, app: App) -> tuple[App, App]:
    """One that holds something and one that wants it; their clocks are this far off."""
    first, second = (replace(app, clock=OffClock(off_s)) for off_s in request.param)
    return first, second


def add_operation() -> None:
    with atomic():
        Operation.create(
            id="opn_1", kind="test", subject_type="test", subject_id="s_1", status="PENDING",
            params={}, facts={}, context={}, next_run_at=0, created_at=0, updated_at=0,
        )  # fmt: skip


def add_deliveries(count: int = 3) -> str:
    with atomic():
        WebhookEndpoint.create(
            id="whe_1", url="https://hooks.example.com/", events=["*"], sealed_secrets=[],
            created_at=0, updated_at=0,
        )  # fmt: skip
        for number in range(count):
            WebhookDelivery.create(
                id=f"whd_{number}", endpoint_id="whe_1", event_id=f"evt_{number}",
                status="PENDING", next_attempt_at=0, created_at=0, updated_at=0,
            )  # fmt: skip
    return "whe_1"


def pass_on_the_server(milliseconds: int) -> None:
    with atomic():
        execute("UPDATE operations SET lease_until = lease_until - ?", (milliseconds,))
        execute("UPDATE webhook_deliveries SET next_attempt_at = next_attempt_at - ?",
                (milliseconds,))  # fmt: skip


def left_ms(column: str, table: str) -> int:
    """How long the server will keep the longest claim."""
    with connection():
        (until,) = execute(f"SELECT MAX({column}) FROM {table}").fetchone()
        return int(until) - leases.clock_ms(0)


def taken(ctx: Context) -> set[str]:
    return {
        row.id
        for endpoint_id in deliveries.due_endpoints(ctx)
        for row in Claims(ctx, endpoint_id, limit=100).rows
    }


def test_an_operation_that_is_renewed_is_its_holders_and_a_dead_ones_is_taken_over(
    workers: tuple[App, App],
) -> None:
    holder, other = workers
    add_operation()
    held = engine.claim_next(holder)
    assert held is not None
    for _ in range(2):
        assert 0 < left_ms("lease_until", "operations") <= engine.LEASE_MS
        assert engine.claim_next(other) is None
        pass_on_the_server(engine.LEASE_MS // 3)
        assert engine.claim_next(other) is None
        assert engine.renew(holder, held)
    pass_on_the_server(engine.LEASE_MS)
    successor = engine.claim_next(other)
    assert successor is not None
    assert successor.lease_token == held.lease_token + 1
    assert not engine.renew(holder, held)
    assert engine.claim_next(holder) is None


def test_deliveries_that_are_renewed_are_their_holders_and_a_dead_ones_are_taken_over(
    workers: tuple[App, App],
) -> None:
    holder, other = (system_context(app, name="test") for app in workers)
    endpoint_id = add_deliveries()
    claims = Claims(holder, endpoint_id, limit=20)
    assert len(claims.rows) == 3
    lease_ms = delivery_claims.LEASE_MS
    for _ in range(2):
        assert 0 < left_ms("next_attempt_at", "webhook_deliveries") <= lease_ms
        assert taken(other) == set()
        claims.renew()
    pass_on_the_server(lease_ms)
    assert taken(other) == {row.id for row in claims.rows}
    claims.renew()  # too late: the server knows them by another time
    assert taken(holder) == set()


def test_what_failed_is_attempted_again_after_its_wait_whoever_wrote_that_down(
    workers: tuple[App, App],
) -> None:
    holder, other = (system_context(app, name="test") for app in workers)
    add_deliveries(1)
    (delivery_id,) = taken(holder)
    deliveries._record(holder, delivery_id, Answered(500))
    wait_ms = deliveries.SCHEDULE_S[0] * 1_000
    assert 0 < left_ms("next_attempt_at", "webhook_deliveries") <= wait_ms * 1.1
    assert taken(other) == set()
    pass_on_the_server(int(wait_ms * 1.1))
    assert taken(other) == {delivery_id}
    deliveries.replay(holder, delivery_id)
    assert taken(other) == {delivery_id}


def test_when_a_held_operation_is_free_is_told_by_the_clock_of_whoever_asks(
    workers: tuple[App, App],
) -> None:
    """Else a worker that is ahead would ask without end, and one behind would sleep too long."""
    holder, other = workers
    add_operation()
    assert engine.claim_next(holder) is not None
    for app in (holder, other):
        due_at = engine.next_due_at(app)
        assert due_at is not None
        assert 0 < due_at - app.now_ms() <= engine.LEASE_MS + 100


def test_what_is_held_is_nothing_late_to_whoever_looks(workers: tuple[App, App]) -> None:
    holder, other = workers
    add_operation()
    add_deliveries()
    assert engine.claim_next(holder) is not None
    assert len(taken(system_context(holder, name="test"))) == 3
    for app in (holder, other):
        assert work_health.operations(app) == (None, {"stuck": 0, "overdue_ms": 0})
    pass_on_the_server(delivery_claims.LEASE_MS + 3_000)
    ended_ago = -left_ms("next_attempt_at", "webhook_deliveries")
    with atomic():
        execute("DELETE FROM operations")
    for app in (holder, other):
        _, found = work_health.operations(app)
        assert ended_ago - 100 < found["overdue_ms"] < ended_ago + 10_000


@pytest.mark.full
def test_a_claim_that_nobody_renews_ends_by_the_servers_own_passing_of_time(
    workers: tuple[App, App],
) -> None:
    holder, other = workers
    add_operation()
    add_deliveries()
    began = time.monotonic()
    assert engine.claim_next(holder) is not None
    assert taken(system_context(holder, name="test"))
    operation, sent = None, set()
    while (operation is None or not sent) and time.monotonic() < began + 20:
        sent = sent or taken(system_context(other, name="test"))
        operation = operation or engine.claim_next(other)
        time.sleep(0.05)
    took_s = time.monotonic() - began
    assert operation is not None
    assert len(sent) == 3
    assert engine.LEASE_MS / 1000 <= took_s < engine.LEASE_MS / 1000 + 3


def test_simulated_time_is_what_leases_go_by_in_a_simulated_world(
    database_url: str, redis_url: str
) -> None:
    clock = MovedClock()
    app = built(database_url, redis_url, clock=clock)
    assert app.lease_clock is own_time
    add_operation()
    assert engine.claim_next(app) is not None
    assert engine.claim_next(app) is None
    clock.skip(engine.LEASE_MS / 1000)
    assert engine.claim_next(app) is not None
    proxy.obj.close_all()

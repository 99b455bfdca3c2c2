"""A provider's limit with more work than it lets through: nothing breaks it, urgent work is first,
nothing waits for ever, and every waiting operation says when its turn is expected.
"""

import threading
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial

import pytest

from offerhub import settings
from offerhub.bootstrap import OUTBOUND_LIMITS, Outbound, build_app
from offerhub.cli.paging import gather
from offerhub.ports.errors import RateLimited
from offerhub.ports.limits import Urgency, calls_for
from offerhub.services import (
    engine,
    escrows,
    explanation,
    operations,
    orders,
    outbound_order,
    releases,
    turns,
)
from offerhub.services.context import App, Context, Page, system_context
from offerhub.services.flows.registry import FLOWS
from offerhub.store import operations as store
from offerhub.store.database import connection
from offerhub.worker.jobs.operations import perform_next
from tests.fixtures.proof import Figure
from tests.services.world import World, open_world

pytestmark = pytest.mark.proves("F25")

MARGIN_S = 0.05  # that the limiter adds to each window
SLACK_S = 0.002  # times are kept in whole milliseconds
PROVIDERS_OWN = 50  # calls a minute that Trustless Work takes


def scarce_limit(count: int) -> tuple[int, float]:
    """Calls per window: the provider's own 50, in a window that a test can wait for."""
    return (50, 2.0) if count > 6 else (10, 1.2)


def own_limit(count: int) -> tuple[int, float]:
    """What we keep to: less by as much as in production, for calls do not all travel equally fast.

    A window of seconds instead of a minute makes the same delay of a busy machine weigh far more.
    """
    ours, _ = OUTBOUND_LIMITS["trustless_work"]
    calls, window_s = scarce_limit(count)
    return calls * ours // PROVIDERS_OWN, window_s


def outbound(count: int) -> Outbound:
    plenty = dict.fromkeys(("airtm", "stellar"), (100000, 1.0))
    return Outbound(
        read_timeout_s=10.0,
        send_read_timeout_s=10.0,
        limits={**plenty, "trustless_work": own_limit(count)},
    )


def call_times_s(world: World) -> list[float]:
    """When each call reached Trustless Work, oldest first."""
    listed = world.control("GET", "/calls?provider=trustless_work")["calls"]
    return sorted(one["at_ms"] / 1000 for one in listed)


def most_in_a_window(times_s: list[float], window_s: float) -> int:
    most, first = 0, 0
    for last, at_s in enumerate(times_s):
        while times_s[first] <= at_s - window_s:
            first += 1
        most = max(most, last - first + 1)
    return most


def test_every_kind_that_calls_the_escrow_service_is_estimated() -> None:
    assert set(turns.CALLS) <= set(FLOWS)
    assert set(outbound_order.URGENCIES) <= set(FLOWS)


def work_off(app: App, *, until: Callable[[], bool], limit_s: float) -> None:
    """Perform operations on a few threads, as a worker does, until so."""
    end = time.monotonic() + limit_s
    failed: list[BaseException] = []

    def work() -> None:
        while time.monotonic() < end and not until() and not failed:
            try:
                if not perform_next(app):
                    time.sleep(0.02)
            except BaseException as error:
                failed.append(error)
                raise

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed
    assert until(), f"not done within {limit_s} s"


def use_up(app: App, calls: int) -> None:
    """Call until the limit lets nothing more through; what was called before counts too."""
    for _ in range(calls):
        try:
            with calls_for(None, Urgency.BACKGROUND):
                app.escrows.ping()
        except RateLimited:
            return


def _pending(ctx: Context, limit: int, cursor: str | None) -> Page:
    return operations.list_operations(ctx, status="PENDING", limit=limit, cursor=cursor)


def told_where_it_waits(ctx: Context, order_id: str) -> None:
    """Whoever reads the one order, or asks why, is told of its turn; a list of orders is not."""
    story = explanation.explain(ctx, order_id)
    operation = orders.get_order(ctx, order_id)["operation"]
    (line,) = [one for one in story["lines"] if one["detail"].get("status") == "PENDING"]
    assert f"waits for PROVIDER_LIMIT until about {line['detail']['expected_at']}" in line["what"]
    seen = (operation, line["detail"], story["found"][0]["state"]["operation"])
    assert {one["waits_for"] for one in seen} == {"PROVIDER_LIMIT"}
    at_s = [datetime.fromisoformat(one["expected_at"]).timestamp() for one in seen]
    assert max(at_s) - min(at_s) < 30.0  # each as of when it was asked
    listed = {one["id"]: one["operation"] for one in orders.list_orders(ctx, limit=100).items}
    assert listed[order_id] == {**operation, "waits_for": None, "expected_at": None}


def idle(app: App) -> bool:
    return engine.next_due_at(app) is None


def ready_orders(world: World, count: int) -> list[str]:
    """Orders in progress, of a few buyers, so that no signer is the bottleneck."""
    seller = world.user("seller")
    buyers = [world.funded_user(f"buyer-{n}", "10000.00") for n in range(min(8, count))]
    made = []
    for number in range(count):
        made.append(world.order(buyers[number % len(buyers)]["id"], seller["id"], "10.00"))
        orders.reserve(world.ctx, made[-1])
        escrows.create_escrow(world.ctx, made[-1])
    work_off(world.app, until=partial(idle, world.app), limit_s=300)
    for order_id in made:
        escrows.fund_escrow(world.ctx, order_id)
    work_off(world.app, until=partial(idle, world.app), limit_s=300)
    return made


@pytest.mark.full  # the windows are seconds: on a machine that is kept busy they pass unseen
@pytest.mark.timeout(900)
@pytest.mark.parametrize("count", [6, 40, 500])
def test_queued_releases_keep_to_the_limit_in_order_and_say_when(
    sqlite_url: str, redis_url: str, figure: Figure, count: int
) -> None:
    world = open_world(database_url=sqlite_url, redis_url=redis_url)
    try:
        world.set_up()
        made = ready_orders(world, count + 1)
        newcomer = world.order(
            orders.get_order(world.ctx, made[0])["buyer_id"],
            orders.get_order(world.ctx, made[0])["seller_id"], "10.00",
        )  # fmt: skip
        orders.reserve(world.ctx, newcomer)
        scarce = build_app(
            settings.load(world.environ), outbound=outbound(count), clock=world.clock
        )
        calls, window_s = scarce_limit(count)
        before = len(call_times_s(world))
        escrows.create_escrow(world.ctx, newcomer)  # older, and yet it has to wait
        for order_id in made[:count]:
            releases.release(world.ctx, order_id)
        use_up(scarce, own_limit(count)[0])
        listed = gather(
            partial(_pending, system_context(scarce, name="test")), limit=10 * (count + 1)
        )
        asked_at_s = time.time()
        expected_s = {
            one["subject_id"]: datetime.fromisoformat(one["expected_at"]).timestamp()
            for one in listed
            if one["waits_for"] == "PROVIDER_LIMIT"
        }
        # The very first may call so soon that nobody needs to be told.
        assert {*made[1:count], newcomer} <= set(expected_s) <= {*made[:count], newcomer}
        # Behind everybody, but for the share of every window that is kept for what is new.
        assert asked_at_s < expected_s[newcomer] < asked_at_s + 2 * window_s
        in_turn_s = [expected_s[one] - asked_at_s for one in made[1:count]]
        assert in_turn_s == sorted(in_turn_s)
        told_where_it_waits(system_context(scarce, name="test"), newcomer)
        each = sum(turns.CALLS["order.release"].values())
        for ahead, wait_s in enumerate(in_turn_s, start=1):
            rounds = ahead * each // own_limit(count)[0]
            assert (rounds - 1) * window_s < wait_s < (rounds + 2) * (window_s + MARGIN_S)

        world.fault("rate_limited", provider="trustless_work", times=3)
        work_off(scarce, until=partial(idle, scarce), limit_s=800)

        took_s = time.time() - asked_at_s
        times_s = call_times_s(world)
        most = most_in_a_window(times_s[before:], window_s - SLACK_S)
        assert most <= calls
        assert {world.order_status(one) for one in made[:count]} == {"CLOSED"}
        assert world.order_status(newcomer) == "ESCROW_FUNDING"
        with connection():
            rows = list(store.Operation.select().where(store.Operation.kind == "order.release"))
            ends_s = {row.subject_id: row.updated_at / 1000 for row in rows}
        assert all(row.failures == 0 for row in rows)
        error_s = [abs(ends_s[one] - expected_s[one]) for one in made[1:count]]
        if count > 6:  # of a run of seconds every delay of the machine is a large part
            assert sorted(error_s)[len(error_s) // 2] <= max(2 * window_s, took_s / 2)
            half = count // 2
            assert sum(ends_s[one] for one in made[:half]) / half < (
                sum(ends_s[one] for one in made[half:count]) / (count - half)
            )
        figure("releases", count)
        figure("limit_breaches", 0)
        figure("expected_turn_error_s", round(max(error_s), 1))
        world.use()
        world.check()
    finally:
        world.close()

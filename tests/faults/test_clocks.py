"""Clocks as machines have them: summer time, seconds that come twice, jumps of hours and days.

A process's zone is set as an operator would, by TZ. The world's clock is moved; the network's and
the providers' moves with it, except where a test has only ours jump.
"""

import random
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest

from offerhub.events import relay
from offerhub.services import deliveries, engine, users, webhook_endpoints, withdrawals
from offerhub.services.delivery_claims import Claims
from offerhub.services.flows.registry import FLOWS
from offerhub.store.database import connection, execute
from tests.api.caller import fields, open_api
from tests.fixtures.proof import Figure
from tests.services.flow_cases import CASES, Case
from tests.services.world import USD, World

pytestmark = pytest.mark.proves("F16")

ZONE = "Europe/Berlin"
HOUR_S, DAY_S = 3_600, 86_400
ANA = {"external_user_id": "ana", "type": "BOTH"}


def next_change(zone: str, *, ahead: bool) -> datetime:
    """The first moment (UTC) at which clocks there have next been put ahead, or back."""
    there = ZoneInfo(zone)
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    for _ in range(400 * 24):
        before, hour = hour.astimezone(there).utcoffset(), hour + timedelta(hours=1)
        after = hour.astimezone(there).utcoffset()
        assert before is not None
        assert after is not None
        if before != after and (after > before) == ahead:
            return hour
    raise AssertionError(f"{zone} has no summer time any more")


@pytest.fixture(params=["back", pytest.param("ahead", marks=pytest.mark.full)])
def change(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[datetime]:
    """The zone's next change; the process lives in the zone."""
    monkeypatch.setenv("TZ", ZONE)
    time.tzset()
    assert time.tzname == ("CET", "CEST")
    yield next_change(ZONE, ahead=request.param == "ahead")
    monkeypatch.undo()
    time.tzset()


def go_to(world: World, moment: datetime) -> None:
    left = moment - world.clock.now()
    assert left > timedelta()
    world.clock.skip(left.total_seconds())


class OwnClock:
    """A clock of ours alone, which is off the world's."""

    def __init__(self, world: World) -> None:
        self._world, self.off_s = world, 0.0

    def now(self) -> datetime:
        return self._world.clock.now() + timedelta(seconds=self.off_s)


def withdrawal(world: World, amount_stroops: int = USD) -> str:
    """A withdrawal on chain of one who has the money, still to be performed."""
    holder = world.__dict__.setdefault("holder", None) or world.funded_user("holder", "100.00")
    world.__dict__["holder"] = holder
    made = withdrawals.create_withdrawal(
        world.ctx, user_id=holder["id"], amount_stroops=amount_stroops, destination_type="CRYPTO",
        destination_ref=world.control("POST", "/stellar/outside-account")["address"], commit=True,
    )  # fmt: skip
    return str(made["id"])


def test_a_claim_lasts_as_long_as_ever_when_clocks_are_changed(
    world: World, change: datetime
) -> None:
    id_ = withdrawal(world)
    go_to(world, change - timedelta(seconds=2))
    taken = engine.claim_next(world.app)
    assert taken is not None
    world.clock.skip(engine.LEASE_MS / 1000 - 2)
    assert world.clock.now() > change
    assert engine.claim_next(world.app) is None
    assert engine.renew(world.app, taken)
    world.clock.skip(engine.LEASE_MS / 1000 + 0.1)
    later = engine.claim_next(world.app)
    assert later is not None
    assert (later.id, later.lease_token) == (taken.id, taken.lease_token + 1)
    world.drain()
    assert withdrawals.get_withdrawal(world.ctx, id_)["status"] == "WITHDRAWAL_COMPLETED"
    world.check()


def test_an_answer_is_kept_for_24_hours_also_on_a_day_of_23_or_25(
    world: World, change: datetime
) -> None:
    go_to(world, change - timedelta(hours=12))
    api = open_api(world)
    first = api.post("/users", ANA, key="one")
    world.clock.skip(DAY_S - 60)
    assert api.post("/users", ANA, key="one").data == first.data
    world.clock.skip(61)
    assert world.app.redis is not None
    world.app.redis.flushall()  # the lock has a minute, the answer a day: it went long before
    anew = api.post("/users", {**ANA, "external_user_id": "bob"}, key="one")
    assert (anew.status_code, "Idempotency-Replayed" in anew.headers) == (201, False)


def test_an_hour_that_comes_twice_is_two_hours_and_one_left_out_is_none(
    world: World, change: datetime
) -> None:
    api, half_an_hour = open_api(world), timedelta(minutes=30)
    ana, bob = api.user("ana"), api.user("bob")
    made = []
    for moment in (change - half_an_hour, change + half_an_hour):
        go_to(world, moment)
        body = {"buyer_id": ana, "seller_id": bob, "amount": "1.00", "title": "t"}
        made.append(api.post("/orders", body).json["data"])
    first, second = (datetime.fromisoformat(order["created_at"]) for order in made)
    assert all(order["created_at"].endswith("Z") for order in made)
    assert timedelta(minutes=59) < second - first < timedelta(minutes=61)
    between = change + half_an_hour - timedelta(seconds=1)
    local = quote(between.astimezone(ZoneInfo(ZONE)).isoformat())

    def found(filter_: str) -> list[str]:
        answer = api.get(f"/orders?{filter_}={local}")
        assert answer.status_code == 200, answer.text
        return [order["id"] for order in answer.json["data"]]

    assert found("created_before") == [made[0]["id"]]
    assert found("created_after") == [made[1]["id"]]


@pytest.mark.full
def test_a_trade_goes_through_while_clocks_are_changed(world: World, change: datetime) -> None:
    buyer, seller = world.funded_user("buyer", "100.00"), world.user("seller")
    go_to(world, change - timedelta(seconds=3))
    order_id = world.in_progress(buyer["id"], seller["id"], "20.00")
    go_to(world, max(change, world.clock.now() + timedelta(seconds=1)))
    world.release(order_id)
    assert world.order_status(order_id) == "CLOSED"
    with connection():
        rows = execute("SELECT created_at, updated_at FROM operations ORDER BY created_at")
        times = [tuple(map(int, row)) for row in rows.fetchall()]
    assert all(0 <= updated - created < 600_000 for created, updated in times)
    world.check()


def test_a_filter_by_a_leap_second_is_answered(world: World) -> None:
    """The description of the API has seconds up to 59: RFC 3339's 60 is refused in plain words."""
    api = open_api(world)
    for name in ("created_after", "created_before"):
        answer = api.get(f"/orders?{name}=2016-12-31T23:59:60Z")
        assert answer.status_code == 400
        assert fields(answer) == {name: "Not a time such as 2026-01-10T12:00:00.000Z."}
        assert api.get(f"/orders?{name}=2016-12-31T23:59:59.999Z").status_code == 200


@pytest.mark.parametrize(
    "back_s",
    [1.0, *(pytest.param(back_s, marks=pytest.mark.full) for back_s in (HOUR_S, DAY_S))],
    ids=lambda back_s: f"{back_s:.0f} s",
)
def test_a_second_that_comes_again_takes_nothing_away_and_gives_nothing_twice(
    world: World, back_s: float
) -> None:
    """Our clock was ahead of the world's, and is put right: by a leap second or a correction."""
    clock = OwnClock(world)
    clock.off_s = back_s
    world.app = replace(world.app, clock=clock)
    api = open_api(world)
    id_ = withdrawal(world)
    by_token = api.token()
    first = api.post("/users", ANA, key="one")
    taken = engine.claim_next(world.app)
    assert taken is not None
    sent = claimed_deliveries(world)
    assert engine.renew(world.app, taken)  # whatever time all of this took

    clock.off_s = 0.0

    assert engine.claim_next(world.app) is None
    assert engine.renew(world.app, taken)
    assert not taken_deliveries(world) & sent
    assert by_token.get("/me").status_code == 200
    assert api.post("/users", ANA, key="one").data == first.data
    engine.perform(world.app, taken)
    world.drain()
    assert withdrawals.get_withdrawal(world.ctx, id_)["status"] == "WITHDRAWAL_COMPLETED"
    assert len(world.transfers(source=world.__dict__["holder"]["wallet"]["address"])) == 1
    world.check()


class AnyAddress:
    """A sender of webhooks that has nothing against any address, and sends nothing."""

    def check(self, url: str) -> None:
        """It will do."""


def claimed_deliveries(world: World) -> set[str]:
    """Webhooks of all that has happened, taken by a worker."""
    sender: Any = AnyAddress()
    ctx = replace(world.ctx, app=replace(world.app, webhook_sender=sender))
    webhook_endpoints.create_endpoint(ctx, url="https://hooks.example.com/", events=["*"])
    users.create_user(world.ctx, external_user_id="heard of", type="BUYER")
    token = relay.take_lease(holder="test", now_ms=world.app.now_ms())
    assert token is not None
    while relay.sequence_events(holder="test", token=token):
        pass
    deliveries.fan_out(ctx)
    taken = taken_deliveries(world)
    assert taken
    return taken


def taken_deliveries(world: World) -> set[str]:
    """What a worker that asks now may send."""
    return {
        row.id
        for endpoint_id in deliveries.due_endpoints(world.ctx)
        for row in Claims(world.ctx, endpoint_id, limit=100).rows
    }


class JumpingClock(OwnClock):
    """At each of the engine's points, which it is told as a probe, it is off by something else."""

    def __init__(self, world: World, chance: random.Random) -> None:
        super().__init__(world)
        self._chance, self.jumps = chance, 0

    def __call__(self, point: str) -> None:
        self.jumps += 1
        self.off_s = self._chance.choice((0, -DAY_S, -HOUR_S, HOUR_S, DAY_S))


DEAREST = {"release", "withdrawal", "pay-out"}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case.name, marks=() if case.name in DEAREST else pytest.mark.full)
        for case in CASES
    ],
)
def test_a_clock_that_jumps_at_every_point_does_nothing_twice(
    shared_world: World, case: Case, proof_seed: int, figure: Figure
) -> None:
    world = shared_world
    assert case.kind in FLOWS
    subject = case.begin(world)
    clock = JumpingClock(world, random.Random(f"{proof_seed} {case.name}"))
    app = replace(subject.more.get("app", world.app), clock=clock, probe=clock)
    for _ in range(200):
        if not _one_turn(world, app):
            break
    else:
        raise AssertionError("it never ends")
    case.check(world, subject)
    figure("clock_jumps", clock.jumps)


def _one_turn(world: World, app: Any) -> bool:
    """Perform what is due by a clock that may be days off; false when nothing is left to do."""
    operation = engine.claim_next(app)
    if operation is not None:
        engine.perform(app, operation)
        return True
    due_at = engine.next_due_at(app)
    if due_at is None:
        return False
    # The wait, and what the clock is behind, pass at once.
    world.clock.skip((due_at - app.now_ms()) / 1000)
    return True

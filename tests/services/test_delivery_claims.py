"""Claims on deliveries: of a dead worker they end within seconds, of a slow one they last."""

import threading
import time
from collections.abc import Mapping
from dataclasses import replace

import pytest

from offerhub.events import relay
from offerhub.ports.outgoing import Answered
from offerhub.services import deliveries, delivery_claims, users, webhook_endpoints
from offerhub.services.context import Context
from offerhub.store.database import connection
from offerhub.store.deliveries import WebhookDelivery
from tests.services.sending import send_all_due
from tests.services.world import World
from tests.store.threads import all_at_once

pytestmark = pytest.mark.proves("F17")

LEASE_S = delivery_claims.LEASE_MS / 1000
SECOND_S = 1.0


class Receiver:
    """A sender whose receivers answer when `let_go` is set."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.asked, self.let_go = threading.Event(), threading.Event()
        self.let_go.set()
        self.status = 204

    def check(self, url: str) -> None:
        """Every address will do."""

    def post(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Answered:
        self.got.append(headers["webhook-id"])
        self.asked.set()
        assert self.let_go.wait(10)
        return Answered(self.status)


class Killed(BaseException):
    """The process dies here."""


@pytest.fixture
def receiver(world: World) -> Receiver:
    return Receiver()


@pytest.fixture
def ctx(world: World, receiver: Receiver) -> Context:
    """Its marketplace wants to hear of new users."""
    found = replace(world.ctx, app=replace(world.app, webhook_sender=receiver))
    _sequence(world)
    webhook_endpoints.create_endpoint(
        found, url="https://hooks.example.com/", events=["user.created"]
    )
    return found


def _sequence(world: World) -> None:
    token = relay.take_lease(holder="test", now_ms=world.app.now_ms())
    assert token is not None
    while relay.sequence_events(holder="test", token=token):
        pass


def _events(world: World, ctx: Context, count: int) -> None:
    for number in range(count):
        users.create_user(ctx, external_user_id=f"u{number}", type="BUYER")
    _sequence(world)
    assert deliveries.fan_out(ctx) == count


def _times() -> list[int]:
    with connection():
        rows = WebhookDelivery.select().where(WebhookDelivery.status == "PENDING")
        return sorted(row.next_attempt_at for row in rows)


@pytest.mark.parametrize("point", ["delivery/claimed", "delivery/sent"])
def test_what_a_killed_worker_had_taken_is_sent_once_its_short_lease_is_over(
    world: World, ctx: Context, receiver: Receiver, point: str
) -> None:
    _events(world, ctx, 3)

    def die(reached: str) -> None:
        if reached == point:
            raise Killed

    with pytest.raises(Killed):
        send_all_due(replace(ctx, app=replace(ctx.app, probe=die)))
    assert send_all_due(ctx) == 0
    world.clock.skip(LEASE_S)
    assert send_all_due(ctx) == 3
    assert len(set(receiver.got)) == 3
    assert len(receiver.got) == 3 + (point == "delivery/sent")  # at least once
    assert delivery_claims.LEASE_MS <= 5_000  # a sweep every 3 s: less than ten in all


def test_what_a_slow_receiver_holds_up_stays_taken_and_is_not_sent_twice(
    world: World, ctx: Context, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_claims, "RENEW_S", 0.02)
    _events(world, ctx, 3)
    receiver.let_go.clear()
    sent: list[int] = []
    worker = threading.Thread(target=lambda: sent.append(send_all_due(ctx)))
    worker.start()
    try:
        assert receiver.asked.wait(10)
        for _ in range(4):
            world.clock.skip(LEASE_S - SECOND_S)
            _wait_until_renewed(ctx)
            assert send_all_due(ctx) == 0
    finally:
        receiver.let_go.set()
        worker.join(20)
    assert sent == [3]
    assert sorted(receiver.got) == sorted(set(receiver.got))
    assert _times() == []


def _wait_until_renewed(ctx: Context) -> None:
    end = time.monotonic() + 10
    least_ms = delivery_claims.LEASE_MS - 900  # less than a lease, more than what is left of it
    while len(times := _times()) != 3 or times[0] - ctx.now_ms() < least_ms:
        assert time.monotonic() < end, "never renewed"
        time.sleep(0.01)


def test_renewing_leaves_alone_what_was_recorded_put_off_or_replayed(
    world: World, ctx: Context, receiver: Receiver
) -> None:
    _events(world, ctx, 4)
    (endpoint_id,) = deliveries.due_endpoints(ctx)
    with delivery_claims.claimed(ctx, endpoint_id, limit=20) as claims:
        failed, replayed, done, left = (row.id for row in claims.rows)
        deliveries._record(ctx, failed, Answered(500))
        deliveries.replay(ctx, replayed)
        claims.done(claims.rows[2])
        before = _by_id()
        world.clock.skip(SECOND_S)
        claims.renew()
    after = _by_id()
    assert {id_ for id_ in after if after[id_] != before[id_]} == {left}
    assert after[left] - before[done] >= 1_000


def _by_id() -> dict[str, int]:
    with connection():
        return {row.id: row.next_attempt_at for row in WebhookDelivery.select()}


def test_of_workers_that_ask_at_once_each_gets_deliveries_of_its_own(
    world: World, ctx: Context, receiver: Receiver
) -> None:
    _events(world, ctx, 12)
    assert sum(all_at_once(lambda _: send_all_due(ctx, limit=4), 4)) == 12
    assert len(receiver.got) == len(set(receiver.got)) == 12

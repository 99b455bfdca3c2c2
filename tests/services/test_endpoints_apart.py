"""One webhook endpoint that hangs, or is away, takes nothing from the others, nor from itself."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from offerhub.events import relay
from offerhub.ports.outgoing import Answered
from offerhub.services import deliveries, users, webhook_endpoints
from offerhub.services.context import Context
from offerhub.store.database import connection
from offerhub.store.deliveries import WebhookDelivery
from offerhub.worker.jobs import deliveries as job
from tests.services.sending import send_all_due
from tests.services.world import World

pytestmark = pytest.mark.proves("F17")

GOOD, BAD = "https://good.example.com/", "https://bad.example.com/"


class Receivers:
    """Two receivers; the bad one answers as `bad` says."""

    def __init__(self) -> None:
        self.got: Counter[str] = Counter()
        self.bad: Callable[[], Answered] = lambda: Answered(None, "ConnectError")

    def check(self, url: str) -> None:
        """Every address will do."""

    def post(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Answered:
        self.got[url] += 1
        return Answered(204) if url == GOOD else self.bad()


@pytest.fixture
def receivers() -> Receivers:
    return Receivers()


@pytest.fixture
def ctx(world: World, receivers: Receivers) -> Context:
    """The bad endpoint was there first."""
    found = replace(world.ctx, app=replace(world.app, webhook_sender=receivers))
    _sequence(world)
    for url in (BAD, GOOD):
        webhook_endpoints.create_endpoint(found, url=url, events=["user.created"])
    return found


def _sequence(world: World) -> None:
    token = relay.take_lease(holder="test", now_ms=world.app.now_ms())
    assert token is not None
    while relay.sequence_events(holder="test", token=token):
        pass


def _events(world: World, ctx: Context, *names: str) -> None:
    for name in names:
        users.create_user(ctx, external_user_id=name, type="BUYER")
    _sequence(world)


def _until(true: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end, f"never {what}"
        time.sleep(0.02)


def test_while_one_endpoint_hangs_the_other_gets_what_is_there_and_what_comes(
    world: World, ctx: Context, receivers: Receivers
) -> None:
    let_go = threading.Event()

    def hang() -> Answered:
        assert let_go.wait(60)
        return Answered(204)

    receivers.bad = hang
    _events(world, ctx, "a", "b", "c")
    worker = threading.Thread(target=job.work, args=(ctx.app,))
    worker.start()
    try:
        _until(lambda: receivers.got[GOOD] == 3, "were the first three delivered")
        _events(world, ctx, "d", "e")
        _until(lambda: receivers.got[GOOD] == 5, "were the later two delivered")
        assert receivers.got[BAD] == 1
    finally:
        let_go.set()
        worker.join(60)
    assert receivers.got == {GOOD: 5, BAD: 5}


def test_an_endpoint_that_does_not_answer_is_asked_once_and_uses_up_one_attempt(
    world: World, ctx: Context, receivers: Receivers
) -> None:
    _events(world, ctx, *(f"u{number}" for number in range(8)))
    deliveries.fan_out(ctx)
    send_all_due(ctx)
    _events(world, ctx, "one more")
    deliveries.fan_out(ctx)
    assert send_all_due(ctx) == 1, "the new event goes to the good one alone"
    assert receivers.got == {GOOD: 9, BAD: 1}
    world.clock.skip(deliveries.UNANSWERED_S + 1)
    receivers.bad = lambda: Answered(204)
    while send_all_due(ctx):
        pass
    assert receivers.got == {GOOD: 9, BAD: 10}
    with connection():
        attempts = sorted(row.attempts for row in WebhookDelivery.select())
    assert attempts == [1] * 17 + [2]


def test_whoever_hangs_is_left_alone_for_twice_as_long_as_it_took() -> None:
    away = Answered(None, "ReadTimeout")
    assert deliveries._quiet_s(away, took_s=20.0) == 40.0
    assert deliveries._quiet_s(away, took_s=0.1) == deliveries.UNANSWERED_S
    assert deliveries._quiet_s(Answered(None, deliveries.PAST_RETENTION), took_s=0.1) == 0
    assert deliveries._quiet_s(Answered(500), took_s=20.0) == 0

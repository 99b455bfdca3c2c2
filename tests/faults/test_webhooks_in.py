"""Incoming webhooks in bulk over real HTTP: copies, no order, forgeries, other times; crashes.

What must come of it is computed from the script alone: each top-up ends as Airtm's own pay-in does.
"""

import base64
import http.client
import json
import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from svix.webhooks import Webhook

from offerhub.services import dead_letters, inbox, topups
from offerhub.store import inbox as store
from offerhub.store.database import atomic, connection
from tests.fixtures.processes import Launch
from tests.fixtures.proof import Figure
from tests.services.test_crash_points import Killed, KillOnce
from tests.services.world import BUYER_EMAIL, USD, World

EVENTS = [
    pytest.param(300, id="300 events"),
    pytest.param(10_000, id="10,000 events", marks=[pytest.mark.full, pytest.mark.timeout(1500)]),
]
TOPUPS = {300: 3, 10_000: 60}
SENDERS = 6
PROCESSES = 4
FORGED, STALE, FUTURE, UNKNOWN = "forged", "stale", "future", "unknown"
REFUSED = {FORGED, STALE, FUTURE}


@dataclass(frozen=True)
class Message:
    """One webhook as it is sent: its event, what is wrong with it, and the top-up it names."""

    id: str
    kind: str
    body: bytes
    headers: dict[str, str]


@pytest.fixture
def address(world: World, launch: Launch, free_port: Callable[[], int], tmp_path: Path) -> int:
    """The port of the API as it is served, on this world's database."""
    port = free_port()
    environ = {
        **world.environ,
        "OFFERHUB_BIND": f"127.0.0.1:{port}",
        "OFFERHUB_WEB_WORKERS": "1",
        "OFFERHUB_LOG_LEVEL": "error",
        "OFFERHUB_HOME": "",
        "PYTHONPATH": os.getcwd(),
    }
    launch(
        sys.executable, "-m", "offerhub.cli", "serve",
        env=environ, cwd=tmp_path, ready_url=f"http://127.0.0.1:{port}/api/v1/health/live",
        timeout_s=60,
    )  # fmt: skip
    return port


def _started(world: World, user_id: str, count: int) -> list[str]:
    made = [
        topups.create_topup(
            world.ctx, user_id=user_id, amount_stroops=(10 + n) * USD,
            return_url="http://localhost/r", cancel_url="http://localhost/c",
        )["id"]
        for n in range(count)
    ]  # fmt: skip
    world.drain(limit_s=120)
    return [str(one) for one in made]


def _ended_at_airtm(world: World, ids: list[str]) -> dict[str, str]:
    """Two thirds are paid, the others declined, where we do not see it; the status of each."""
    for n, id_ in enumerate(ids):
        if n % 3 == 2:
            world.control("POST", f"/payins/{id_}/decline")
        else:
            world.control("POST", f"/payins/{id_}/pay", email=BUYER_EMAIL)

    def settled() -> dict[str, str] | None:
        found = {one: str(world.app.payments.find_payin(one).status) for one in ids}
        return found if set(found.values()) <= {"SUCCEEDED", "CANCELED"} else None

    return dict(world.until(settled, limit_s=60))


def _script(world: World, ids: list[str], count: int, chance: random.Random) -> list[Message]:
    """`count` events about these top-ups, each one to five times, in no order."""
    sent: list[Message] = []
    for number in range(count):
        kind = {0: FORGED, 1: STALE, 2: FUTURE, 3: UNKNOWN}.get(number % 100, "")
        code = ids[number % len(ids)]
        names = ("payin.created", "payin.confirmed", "payin.canceled", "payin.failed")
        name = "comet.seen" if kind == UNKNOWN else chance.choice(names)
        body = json.dumps({"type": name, "data": {"code": code, "status": "CONFIRMED"}}).encode()
        copies = [_signed(world, f"msg_{number}", body, kind) for _ in range(chance.randint(1, 5))]
        sent += copies
    chance.shuffle(sent)
    return sent


def _signed(world: World, id_: str, body: bytes, kind: str) -> Message:
    secret = world.environ["AIRTM_WEBHOOK_SECRET"]
    if kind == FORGED:
        secret = "whsec_" + base64.b64encode(b"another secret, 32 bytes long...").decode()
    off_s = {STALE: -3600, FUTURE: 3600}.get(kind, 0)
    # Served by another process, which has the machine's own clock.
    at = datetime.fromtimestamp(int(time.time()) + off_s, UTC)
    headers = {
        "svix-id": id_,
        "svix-timestamp": str(int(at.timestamp())),
        "svix-signature": Webhook(secret).sign(id_, at, body.decode()),
        "Content-Type": "application/json",
    }
    return Message(id_, kind, body, headers)


def _send(port: int, messages: list[Message]) -> list[tuple[Message, int, bool, float]]:
    """(message, status, said to be a duplicate, milliseconds), over one kept connection."""
    wire = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    answers = []
    for one in messages:
        began = time.monotonic()
        wire.request("POST", "/api/v1/webhooks/airtm", body=one.body, headers=one.headers)
        answer = wire.getresponse()
        body = json.loads(answer.read())
        took_ms = (time.monotonic() - began) * 1000
        duplicate = answer.status == 200 and body["data"]["duplicate"]
        answers.append((one, answer.status, duplicate, took_ms))
    wire.close()
    return answers


@pytest.mark.proves("F7")
@pytest.mark.parametrize("count", EVENTS)
def test_a_flood_of_webhooks_ends_as_if_each_had_come_once_and_in_order(
    world: World, address: int, count: int, figure: Figure
) -> None:
    user = world.user("ana", email=BUYER_EMAIL)
    ids = _started(world, user["id"], TOPUPS[count])
    theirs = _ended_at_airtm(world, ids)
    messages = _script(world, ids, count, random.Random(count))
    stop = threading.Event()

    def apply_meanwhile() -> None:
        while not stop.is_set():
            if inbox.process_due(world.ctx) == 0:
                time.sleep(0.05)

    appliers = [threading.Thread(target=apply_meanwhile) for _ in range(2)]
    for thread in appliers:
        thread.start()
    parts = [messages[n::SENDERS] for n in range(SENDERS)]
    with ThreadPoolExecutor(SENDERS) as senders:
        answers = [a for part in senders.map(lambda p: _send(address, p), parts) for a in part]
    stop.set()
    for thread in appliers:
        thread.join()
    world.clock.skip(600)
    world.process_inbox()

    assert len(answers) == len(messages)
    for message, status, _, _ in answers:
        # Many forgeries from one address are told to wait; signed webhooks never are.
        assert status in ({400, 429} if message.kind in REFUSED else {200}), message
    good = {m.id for m in messages if m.kind not in REFUSED}
    fresh = Counter(m.id for m, status, duplicate, _ in answers if status == 200 and not duplicate)
    assert fresh == Counter(good), "each is new exactly once"
    _stored_and_dealt_with(good, {m.id for m in messages if m.kind in REFUSED})
    _ended_alike(world, user["id"], ids, theirs)
    took = sorted(ms for _, _, _, ms in answers)
    figure("webhooks", len(messages))
    figure("refused", sum(m.kind in REFUSED for m in messages))
    figure("ack_p99_ms", took[int(len(took) * 0.99)])


def _stored_and_dealt_with(good: set[str], refused: set[str]) -> None:
    with connection():
        rows = {r.event_id: r for r in store.InboxEvent.select() if r.event_id.startswith("msg_")}
    ours = {id_ for id_ in rows if id_ in good | refused}
    assert ours == good, "what was refused was stored, or what was accepted was not"
    assert {rows[id_].status for id_ in good} <= {"APPLIED", "IGNORED"}
    assert all(rows[id_].reason for id_ in good if rows[id_].status == "IGNORED")
    unknown = [rows[i] for i in good if rows[i].event_type == "comet.seen"]
    assert unknown
    assert {row.status for row in unknown} == {"IGNORED"}


def _ended_alike(world: World, user_id: str, ids: list[str], theirs: dict[str, str]) -> None:
    expected = 0
    for id_ in ids:
        shown = topups.get_topup(world.ctx, id_)
        assert shown["status"] == f"TOPUP_{theirs[id_]}"
        if theirs[id_] == "SUCCEEDED":
            found = world.app.payments.find_payin(id_)
            assert found is not None
            expected += found.net_stroops
    assert world.available(user_id) == expected > 0
    world.check()


class _FailsAtFirst:
    """Airtm, for a handler that breaks on its first attempt at every twentieth pay-in."""

    def __init__(self, payments: Any, poison: set[str]) -> None:
        self._payments, self._poison = payments, poison
        self._seen: Counter[str] = Counter()
        self.broken = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._payments, name)

    def find_payin(self, code: str) -> Any:
        self._seen[code] += 1
        first = self._seen[code] == 1 and len(self._seen) % 20 == 1
        if first or code in self._poison:
            self.broken += 1
            raise RuntimeError("the handler broke")
        return self._payments.find_payin(code)


@pytest.fixture
def payer(world: World) -> dict[str, Any]:
    return world.user("ana", email=BUYER_EMAIL)


def receive(
    world: World, ctx: Any, number: int, code: str, *, name: str = "payin.confirmed"
) -> bool:
    body = json.dumps({"type": name, "data": {"code": code}}).encode()
    at = datetime.fromtimestamp(world.app.now_ms() // 1000, UTC)
    id_ = f"msg_own_{number}"
    signer = Webhook(world.environ["AIRTM_WEBHOOK_SECRET"])
    headers = {
        "svix-id": id_,
        "svix-timestamp": str(int(at.timestamp())),
        "svix-signature": signer.sign(id_, at, body.decode()),
    }
    return inbox.receive_airtm(ctx, headers, body)


@pytest.mark.proves("F8")
@pytest.mark.parametrize("count", [8, pytest.param(200, marks=pytest.mark.full)])
def test_broken_handlers_and_deaths_after_receipt_lose_nothing_and_the_poisonous_wait_for_help(
    world: World, payer: dict[str, Any], count: int, figure: Figure
) -> None:
    ids = _started(world, payer["id"], count)
    theirs = _ended_at_airtm(world, ids)
    poison = {ids[0], ids[-1]}
    broken = _FailsAtFirst(world.app.payments, poison)
    app = replace(world.app, payments=broken)
    ctx = replace(world.ctx, app=app)
    for number, code in enumerate(ids):
        assert receive(world, ctx, number, code) is False
    # Each of four processes dies with a webhook in its hands, before or after it was applied.
    for point in ("begin", "applied") * (PROCESSES // 2):
        dying = replace(app, probe=KillOnce(f"inbox/payin.confirmed/{point}"))
        with pytest.raises(Killed):
            inbox.process_due(replace(ctx, app=dying))
    assert all(receive(world, ctx, n, code) for n, code in enumerate(ids)), "known by now"
    for _ in range(inbox.MAX_ATTEMPTS + 2):
        while inbox.process_due(ctx):
            pass
        world.clock.skip(inbox.MAX_DELAY_MS / 1000)
    letters = {
        one["reference"]: one for one in dead_letters.list_dead_letters(ctx, limit=100).items
    }
    assert set(letters) == poison
    assert {one["reason"] for one in letters.values()} == {"RuntimeError: the handler broke"}
    assert broken.broken > len(poison) * (inbox.MAX_ATTEMPTS - 1)
    _applied_once(ids, but=poison)

    for one in letters.values():  # repaired, they are put back to work by hand
        dead_letters.retry(world.ctx, one["id"])
    world.process_inbox()
    assert dead_letters.list_dead_letters(world.ctx, limit=100).items == []
    _applied_once(ids, but=set())
    _ended_alike(world, payer["id"], ids, theirs)
    figure("events", count)
    figure("handler_failures", broken.broken)
    figure("dead_letters_replayed", len(letters))


def _applied_once(ids: list[str], *, but: set[str]) -> None:
    with atomic():
        rows = list(
            store.InboxEvent.select().where(store.InboxEvent.event_id.startswith("msg_own_"))
        )
    assert Counter(row.code for row in rows) == Counter(ids)
    assert {row.status for row in rows if row.code not in but} <= {"APPLIED", "IGNORED"}

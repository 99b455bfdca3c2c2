"""How the deployment says how it is, and how it holds an answer for a client that waits."""

import threading
import time
from dataclasses import replace
from typing import Any

import pytest

from offerhub.api.waiting import wanted_s
from offerhub.ports.errors import Unavailable
from offerhub.services import book_check, health
from offerhub.services.sheet_watch import SheetWatch
from offerhub.store import operations as operations_store
from offerhub.store.database import atomic
from offerhub.store.operations import Operation
from tests.api.caller import Caller, open_api
from tests.services.world import World


def test_every_component_is_reported(api: Caller) -> None:
    answer = api.with_key(None).get("/health")
    assert answer.status_code == 200
    report = answer.json["data"]
    assert report["status"] == "degraded"  # no worker runs in this test
    assert set(report["components"]) == {
        "database", "redis", "worker", "scheduler", "relay", "deposits",
        "operations", "books", "treasury", "reconciliation",
        "airtm", "trustless_work", "stellar",
    }  # fmt: skip
    for name in ("database", "redis", "operations", "books", "treasury", "reconciliation",
                 "airtm", "trustless_work", "stellar"):  # fmt: skip
        assert report["components"][name]["status"] == "healthy", report
    assert report["components"]["worker"]["detail"].startswith("no worker for")


def test_what_is_wrong_with_the_work_degrades_and_no_id_of_it_is_told(api: Caller) -> None:
    user = api.world.user("someone")["id"]
    with atomic():
        row = operations_store.latest_for(user) or operations_store.latest_for(
            api.get(f"/users/{user}/wallet").json["data"]["id"]
        )
        assert row is not None
        Operation.update(status="STUCK").where(Operation.id == row.id).execute()
    book_check.note(api.world.ctx, [{"invariant": "all entries sum to zero"}])
    answer = api.with_key(None).get("/health")
    report = answer.json["data"]
    assert (answer.status_code, report["status"]) == (200, "degraded")
    for name, command in (("operations", "operations list"), ("books", "ledger check")):
        part = report["components"][name]
        assert (part["status"], f"`offerhub {command}" in part["detail"]) == ("degraded", True)
    assert row.id not in answer.text


def test_a_look_at_every_entry_may_take_its_time(world: World) -> None:
    """It reads everything; until it has, what is known stays known, and nothing is called dead."""
    go_on, looks = threading.Event(), []

    class Slow(SheetWatch):
        def look(self) -> tuple[int, dict[str, int]]:
            looks.append(1)
            go_on.wait(20)
            return 0, {"AIRTM": 1, "STELLAR": 0}

    monitor = health.HealthMonitor(world.app, sheet=Slow())
    try:
        assert monitor.report()["components"]["treasury"]["detail"] == "not asked yet"
    finally:
        go_on.set()
    for _ in range(100):
        found = monitor.report()["components"]["treasury"]
        if found["detail"] != "not asked yet":
            break
        time.sleep(0.02)
    assert found == {
        "status": "degraded",
        "detail": "short of what is committed on AIRTM: see `offerhub treasury`, send money there",
    }
    assert len(looks) == 2, "books and treasury, once each"


def test_a_process_that_lives_says_so_without_asking_anybody(api: Caller) -> None:
    answer = api.with_key(None).get("/health/live")
    assert (answer.status_code, answer.json["data"]) == (200, {"status": "healthy"})


def test_ready_needs_the_database_and_nothing_else(world: World) -> None:
    api = open_api(world, app=replace(world.app, redis=None)).with_key(None)
    assert api.get("/health/ready").status_code == 200


def test_an_unreachable_database_makes_it_unhealthy(
    api: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> int:
        raise OSError("connection refused at 10.1.2.3")

    monkeypatch.setattr(health.events, "head_sequence", gone)
    for path in ("/health", "/health/ready"):
        answer = api.with_key(None).get(path)
        assert (answer.status_code, answer.json["data"]["status"]) == (503, "unhealthy")
        assert "10.1.2.3" not in answer.text


def test_a_provider_that_is_away_degrades(world: World) -> None:
    class Away:
        def __init__(self, real: Any) -> None:
            self._real = real

        def ping(self) -> None:
            raise Unavailable("down", provider="airtm")

        def __getattr__(self, name: str) -> Any:
            return getattr(self._real, name)

    api = open_api(world, app=replace(world.app, payments=Away(world.app.payments)))
    report = api.get("/health").json["data"]
    assert (report["status"], report["components"]["airtm"]["status"]) == ("degraded", "unhealthy")


def test_a_component_that_hangs_holds_nobody_up(world: World) -> None:
    go_on = threading.Event()

    class Slow:
        def __init__(self, real: Any) -> None:
            self._real = real

        def ping(self) -> None:
            go_on.wait(20)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._real, name)

    api = open_api(world, app=replace(world.app, escrows=Slow(world.app.escrows)))
    started = time.monotonic()
    component = api.get("/health").json["data"]["components"]["trustless_work"]
    assert time.monotonic() - started < health.DEADLINE_S + 2
    assert component == {"status": "unhealthy", "detail": "no answer in time"}
    go_on.set()


def test_components_are_not_asked_with_every_request(world: World) -> None:
    asked = []

    class Counted:
        def __init__(self, real: Any) -> None:
            self._real = real

        def ping(self) -> None:
            asked.append(1)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._real, name)

    api = open_api(world, app=replace(world.app, payments=Counted(world.app.payments)))
    for _ in range(4):
        api.get("/health")
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        (None, 0), ("", 0), ("wait=5", 5), ("respond-async, wait=10", 10), ("wait = 7", 7),
        ('wait="3"', 3), ("WAIT=2", 2), ("wait=999", 60), ("wait=-1", 0), ("await=5", 0),
        ("wait=x", 0), ("wait=5; foo=bar", 5),
    ],
)  # fmt: skip
def test_the_preference_to_wait_is_read(prefer: str | None, seconds: int) -> None:
    assert wanted_s(prefer) == seconds


def _order(api: Caller) -> str:
    world = api.world
    world.set_up()
    buyer = world.funded_user("buyer", "50.00")["id"]
    seller = world.user("seller")["id"]
    body = {"buyer_id": buyer, "seller_id": seller, "amount": "10.00", "title": "t"}
    order = str(api.made("/orders", body)["id"])
    api.made(f"/orders/{order}/reserve")
    return order


def test_a_client_that_waits_is_told_the_end(api: Caller) -> None:
    order = _order(api)
    thread = threading.Timer(0.5, api.world.drain)
    thread.start()
    answer = api.post(f"/orders/{order}/escrow", key="one", Prefer="wait=20")
    thread.join()
    assert answer.status_code == 200
    order_shown = answer.json["data"]
    assert (order_shown["escrow"]["status"], order_shown["operation"]) == ("CREATED", None)
    again = api.post(f"/orders/{order}/escrow", key="one", Prefer="wait=20")
    assert (again.status_code, again.data) == (200, answer.data)


def test_a_wait_that_is_too_short_gets_the_interim_answer(api: Caller) -> None:
    order = _order(api)
    answer = api.post(f"/orders/{order}/escrow", Prefer="wait=1")
    assert (answer.status_code, answer.json["data"]["status"]) == (202, "ESCROW_CREATING")

"""What the health says of work and books: late, stuck, unequal or left open, or as it should be."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import pytest

from offerhub.domain import ids
from offerhub.services import book_check, work_health
from offerhub.services.context import App, Context
from offerhub.services.sheet_watch import TTL_S, SheetWatch
from offerhub.store.database import atomic, connect_to, proxy
from offerhub.store.deliveries import WebhookDelivery, WebhookEndpoint
from offerhub.store.events import Event
from offerhub.store.inbox import InboxEvent
from offerhub.store.ledger import Entry, Transfer
from offerhub.store.operations import Operation
from offerhub.store.reconciliations import Difference, Reconciliation

NOW = 1_767_614_400_000
S = 1_000
HOUR = 3_600 * S


@dataclass
class Clock:
    """As much of an application as is asked for here."""

    now: int = NOW

    def now_ms(self) -> int:
        return self.now

    def lease_clock(self, own_ms: int) -> int:
        return own_ms


@pytest.fixture
def app(database_url: str) -> Iterator[App]:
    connect_to(database_url)
    yield cast(App, Clock())
    proxy.obj.close_all()


def event(app: App, *, age_s: int, placed: int | None = None) -> None:
    at = app.now_ms() - age_s * S
    with atomic():
        Event.create(
            id=ids.new_id(ids.EVENT), sequence=placed, type="order.created", aggregate_type="order",
            aggregate_id="ord_1", payload={}, metadata={}, occurred_at=at,
        )  # fmt: skip


def operation(app: App, status: str, *, due_s_ago: int, held: bool = False) -> str:
    now, id_ = app.now_ms(), ids.new_id(ids.OPERATION)
    with atomic():
        Operation.create(
            id=id_, kind="escrow.fund", subject_type="order", subject_id=id_, status=status,
            params={}, facts={}, context={}, next_run_at=now - due_s_ago * S,
            lease_until=now + 60 * S if held else 0, created_at=now - HOUR, updated_at=now,
        )  # fmt: skip
    return id_


def test_events_that_wait_for_long_are_told_until_they_have_their_place(app: App) -> None:
    event(app, age_s=3_000, placed=1)
    event(app, age_s=9)
    assert work_health.relay_lag(app) == (None, {"waiting_events": 1, "lag_ms": 9 * S})
    cast(Clock, app).now += 2 * S
    event(app, age_s=0)
    wrong, numbers = work_health.relay_lag(app)
    assert wrong == "events wait for their place for 11 s: read `offerhub logs relay`"
    assert numbers == {"waiting_events": 2, "lag_ms": 11 * S}
    with atomic():
        Event.update(sequence=Event.position + 10).where(Event.sequence.is_null()).execute()
    assert work_health.relay_lag(app) == (None, {"waiting_events": 0, "lag_ms": 0})


def test_a_stuck_operation_is_told_with_what_mends_it(app: App) -> None:
    operation(app, "PENDING", due_s_ago=-600)
    operation(app, "SUCCEEDED", due_s_ago=600)
    assert work_health.operations(app) == (None, {"stuck": 0, "overdue_ms": 0})
    stuck = operation(app, "STUCK", due_s_ago=600)
    wrong, numbers = work_health.operations(app)
    assert wrong is not None
    assert "`offerhub operations list --status STUCK`" in wrong
    assert numbers["stuck"] == 1
    assert stuck not in wrong
    with atomic():
        Operation.update(status="SETTLED").where(Operation.id == stuck).execute()
    assert work_health.operations(app)[0] is None


def test_due_work_that_nobody_takes_up_is_told_by_queue(app: App) -> None:
    operation(app, "PENDING", due_s_ago=900, held=True)
    operation(app, "PENDING", due_s_ago=59)
    assert work_health.operations(app) == (None, {"stuck": 0, "overdue_ms": 59 * S})
    operation(app, "PENDING", due_s_ago=61)
    wrong, numbers = work_health.operations(app)
    assert wrong == (
        "operations are due for 1 min and not taken up: read `offerhub logs worker-critical`"
    )
    assert numbers["overdue_ms"] == 61 * S


@pytest.mark.parametrize("enabled", [True, False])
def test_webhooks_that_are_due_are_told_unless_their_endpoint_is_off(
    app: App, enabled: bool
) -> None:
    late = app.now_ms() - 2 * HOUR
    with atomic():
        InboxEvent.create(
            id="inb_1", provider="airtm", event_id="1", event_type="payin.paid", body="{}",
            status="RECEIVED" if enabled else "APPLIED", next_attempt_at=late, received_at=late,
        )  # fmt: skip
        WebhookEndpoint.create(
            id="whe_1", url="https://shop.example", events=["*"], sealed_secrets=[],
            enabled=enabled, created_at=late, updated_at=late,
        )  # fmt: skip
        WebhookDelivery.create(
            id="dlv_1", endpoint_id="whe_1", event_id="evt_1", status="PENDING",
            next_attempt_at=late, created_at=late, updated_at=late,
        )  # fmt: skip
    wrong, _ = work_health.operations(app)
    assert (wrong is not None) == enabled
    told = [f"for 2 h and not taken up: read `offerhub logs worker-{queue}`"
            for queue in ("webhooks", "deliveries")]  # fmt: skip
    assert [words in (wrong or "") for words in told] == [enabled, enabled]


def test_what_a_check_of_the_books_found_is_told_until_a_later_one_finds_nothing(app: App) -> None:
    clock, ctx, sheet = cast(Clock, app), Context(app, cast(Any, None)), SheetWatch()
    assert work_health.books(app, sheet) == (None, {"findings": None, "checked_at": None})
    book_check.note(ctx, [{"invariant": "all entries sum to zero"}])
    for _ in range(3):
        wrong, numbers = work_health.books(app, sheet)
        assert wrong is not None
        assert "`offerhub ledger check`" in wrong
        assert numbers == {"findings": 1, "checked_at": "2026-01-05T12:00:00.000Z"}
        clock.now += HOUR
    book_check.note(ctx, [])
    assert work_health.books(app, sheet)[0] is None
    clock.now += 3 * HOUR
    assert work_health.books(app, sheet)[0] == "not checked for 3 h: run `offerhub ledger check`"


def test_a_sheet_that_does_not_add_up_is_told_before_the_hourly_check_comes(app: App) -> None:
    monotonic = [0.0]
    sheet = SheetWatch(monotonic=lambda: monotonic[0])
    assert work_health.books(app, sheet)[0] is None
    with atomic():
        Transfer.create(
            id="trf_1", kind="test", reference="r", subject_type="test", subject_id="s",
            created_at=NOW,
        )  # fmt: skip
        Entry.create(transfer_id="trf_1", account="airtm.treasury", amount=7, created_at=NOW)
    assert work_health.books(app, sheet)[0] is None
    monotonic[0] = TTL_S
    wrong, _ = work_health.books(app, sheet)
    assert wrong is not None
    assert wrong.startswith("the books are not right")


def test_differences_left_open_and_old_comparisons_are_told(app: App) -> None:
    assert work_health.reconciliation(app)[0] is None

    def run(id_: str, *, hours_ago: int, finished: bool = True) -> None:
        at = app.now_ms() - hours_ago * HOUR
        Reconciliation.create(
            id=id_, status="DIFFERENCES", started_at=at, finished_at=at if finished else None
        )

    def difference(id_: str, run_id: str | None, status: str) -> None:
        Difference.create(
            id=id_, reconciliation_id=run_id, kind="asset_balance", subject_type="account",
            subject_id="airtm.treasury", detail={}, status=status, created_at=NOW,
        )  # fmt: skip

    with atomic():
        run("rec_1", hours_ago=1)
        run("rec_2", hours_ago=0, finished=False)
        difference("d1", "rec_1", "REPAIRED")
        difference("d2", "rec_2", "OPEN")
    assert work_health.reconciliation(app)[0] is None
    with atomic():
        difference("d3", "rec_1", "OPEN")
        difference("d4", None, "OPEN")
        difference("d5", None, "DISCARDED")
    wrong, numbers = work_health.reconciliation(app)
    assert wrong == (
        "1 left by the last comparison: see `offerhub reconcile`;"
        " 1 wait for you: see `offerhub dead-letters list`"
    )
    assert (numbers["differences"], numbers["waiting"]) == (1, 1)
    with atomic():
        Difference.update(status="DISCARDED").where(Difference.id == "d4").execute()
        Reconciliation.update(started_at=NOW - 5 * HOUR).where(
            Reconciliation.id == "rec_1"
        ).execute()
        Difference.delete().where(Difference.id == "d3").execute()
    assert work_health.reconciliation(app)[0] == "not compared for 5 h: run `offerhub reconcile`"

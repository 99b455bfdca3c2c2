"""Pages of operations and of dead letters, which come from three tables: whole, once, in order."""

import random

import pytest

from offerhub.domain import ids
from offerhub.domain.errors import ValidationFailed
from offerhub.store import dead_letters, operations, paging
from offerhub.store.database import atomic, connection, proxy
from offerhub.store.deliveries import WebhookDelivery
from offerhub.store.inbox import InboxEvent
from offerhub.store.operations import Operation
from offerhub.store.reconciliations import Difference

MOMENT = 1_790_000_000_000


def _dead(at: int, status: str = "DEAD") -> str:
    id_ = ids.new_id(ids.INBOX)
    InboxEvent.create(
        id=id_, provider="airtm", event_id=id_, event_type="payin.odd", body="{}", status=status,
        received_at=at,
    )  # fmt: skip
    return id_


def _failed(at: int, status: str = "FAILED") -> str:
    id_ = ids.new_id(ids.DELIVERY)
    WebhookDelivery.insert(
        id=id_, endpoint_id="whe_1", event_id=id_, status=status, created_at=at, updated_at=at
    ).execute()
    return id_


def _differs(at: int, status: str = "OPEN", run: str | None = None) -> str:
    id_ = ids.new_id(ids.DIFFERENCE)
    Difference.create(
        id=id_, reconciliation_id=run, kind="late_success", subject_type="topup", subject_id="t",
        detail={}, status=status, created_at=at,
    )  # fmt: skip
    return id_


def _operation(at: int, status: str = "STUCK") -> str:
    id_ = ids.new_id(ids.OPERATION)
    Operation.create(
        id=id_, kind="order.release", subject_type="order", subject_id=id_, status=status,
        params={}, facts={}, next_run_at=at, context={}, created_at=at, updated_at=at,
    )  # fmt: skip
    return id_


def _read(ask, limit: int) -> list[str]:
    found: list[str] = []
    cursor = None
    for _ in range(200):
        with connection():
            page: paging.Rows = ask(limit=limit, cursor=cursor)
        assert len(page.rows) <= limit
        found += [row.id for row in page.rows]
        cursor = page.next_cursor
        if cursor is None:
            return found
    raise AssertionError("the pages do not end")


def _no_foreign_keys(url: str) -> None:
    """Rows that stand alone; in a database of this test's own."""
    if url.startswith("sqlite"):
        proxy.execute_sql("PRAGMA foreign_keys = OFF")
    else:
        proxy.execute_sql("SET session_replication_role = replica")


@pytest.fixture
def letters(database: str) -> list[str]:
    """Forty dead letters of three kinds, many of one moment, among what is none."""
    rng = random.Random(7)
    made: list[str] = []
    with connection():
        _no_foreign_keys(database)
        for _ in range(40):
            make = rng.choice((_dead, _failed, _differs))
            made.append(make(MOMENT + rng.randrange(5)))
        _dead(MOMENT, "APPLIED")
        _failed(MOMENT, "SUCCEEDED")
        _differs(MOMENT, "DISCARDED")
        _differs(MOMENT, "OPEN", run="rec_1")
    return made


@pytest.mark.parametrize("limit", [1, 3, 7, 39, 40, 41, 100])
def test_dead_letters_of_all_kinds_are_paged_once_each_in_one_order(
    letters: list[str], limit: int
) -> None:
    found = _read(dead_letters.listed, limit)
    assert sorted(found) == sorted(letters)
    assert found == _read(dead_letters.listed, 100)


def test_the_newest_dead_letters_come_first(letters: list[str]) -> None:
    with connection():
        rows = dead_letters.listed(limit=100, cursor=None).rows
    times = [getattr(row, "received_at", None) or row.created_at for row in rows]
    assert times == sorted(times, reverse=True)


def test_dead_letters_that_come_or_go_meanwhile_move_no_other(
    letters: list[str], database: str
) -> None:
    with connection():
        _no_foreign_keys(database)
        first = dead_letters.listed(limit=15, cursor=None)
        for make in (_dead, _failed, _differs):
            make(MOMENT + 50)  # newer than all: on no later page
        gone = first.rows[3]
        type(gone).update(status="DISCARDED").where(type(gone).id == gone.id).execute()
        rest = dead_letters.listed(limit=100, cursor=first.next_cursor)
    assert rest.next_cursor is None
    assert sorted(row.id for row in [*first.rows, *rest.rows]) == sorted(letters)


def test_operations_of_one_moment_are_paged_once_each(database: str) -> None:
    with atomic():
        made = [_operation(MOMENT + number // 6) for number in range(20)]
        pending = [_operation(MOMENT + number, "PENDING") for number in range(3)]
    for limit in (1, 6, 19, 20, 21):
        found = _read(lambda **page: operations.listed(**page, status="STUCK"), limit)
        assert sorted(found) == sorted(made), limit
    everything = _read(lambda **page: operations.listed(**page, status=None), 7)
    assert sorted(everything) == sorted([*made, *pending])


@pytest.mark.parametrize("cursor", ["x", "", paging.encode(1, 5)])
def test_a_cursor_of_another_list_is_refused(database: str, cursor: str) -> None:
    with connection():
        with pytest.raises(ValidationFailed):
            dead_letters.listed(limit=5, cursor=cursor)
        with pytest.raises(ValidationFailed):
            operations.listed(status=None, limit=5, cursor=cursor)


def test_pages_of_work_are_found_by_an_index(sqlite: str) -> None:
    asked: list[tuple[str, str]] = [
        ("operations_page", "SELECT * FROM operations"),
        ("operations_status", "SELECT * FROM operations WHERE status = 'STUCK'"),
        ("webhook_deliveries_failed", "SELECT * FROM webhook_deliveries WHERE status = 'FAILED'"),
        ("differences_alone", "SELECT * FROM differences WHERE status = 'OPEN'"
                              " AND reconciliation_id IS NULL"),
    ]  # fmt: skip
    with connection():
        for index, text in asked:
            sql = f"EXPLAIN QUERY PLAN {text} ORDER BY created_at DESC, id DESC LIMIT 21"
            plan = " ".join(str(row[3]) for row in proxy.execute_sql(sql))
            assert index in plan
            assert "TEMP B-TREE" not in plan, plan

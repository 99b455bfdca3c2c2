"""Which due operation is claimed: the urgent first, none for ever last, and found by an index."""

import json
from typing import Any

import pytest

from offerhub.ports.limits import Urgency
from offerhub.services.outbound_order import PATIENCE_MS
from offerhub.store import due_operations, leases
from offerhub.store import operations as store
from offerhub.store.database import atomic, connection, execute
from tests.store.statements import watched
from tests.store.threads import all_at_once

LEASE_MS = 6_000
NOW = 10_000_000
PATIENCE = list(PATIENCE_MS.values())


def add(name: str, urgency: Urgency, *, due_at: int = NOW, created_at: int = 0) -> str:
    with atomic():
        store.Operation.create(
            id=name, kind="test", subject_type="test", subject_id=name, status="PENDING",
            urgency=urgency, params={}, facts={}, next_run_at=due_at, context={},
            created_at=created_at, updated_at=0,
        )  # fmt: skip
    return name


def claim(*, now: int = NOW, limit: int = 1, lease_now: leases.Moment | None = None) -> list[str]:
    with atomic():
        claimed = due_operations.claim_due(
            now=now,
            lease_now=now if lease_now is None else lease_now,
            lease_ms=LEASE_MS,
            limit=limit,
            patience_ms=PATIENCE,
        )
    assert all(row.urgency == Urgency.UNDER_WAY for row in claimed)
    return [row.id for row in claimed]


def one_by_one(*, now: int = NOW) -> list[str]:
    claimed: list[str] = []
    while found := claim(now=now):
        claimed += found
    return claimed


def test_money_goes_before_what_has_not_begun_and_that_before_housekeeping(database: str) -> None:
    add("sweep", Urgency.BACKGROUND, due_at=NOW - 900)
    add("deploy", Urgency.NEW, due_at=NOW - 800)
    add("release", Urgency.MONEY, due_at=NOW - 500)
    add("older release", Urgency.MONEY, due_at=NOW - 600)
    add("sent", Urgency.UNDER_WAY, due_at=NOW - 100)
    add("not due", Urgency.UNDER_WAY, due_at=NOW + 1)
    assert one_by_one() == ["sent", "older release", "release", "deploy", "sweep"]


def test_among_equals_the_longest_due_goes_first_and_then_the_oldest(database: str) -> None:
    add("woken", Urgency.MONEY, created_at=2)
    add("woken, older", Urgency.MONEY, created_at=1)
    add("due longer", Urgency.MONEY, due_at=NOW - 1, created_at=3)
    assert one_by_one() == ["due longer", "woken, older", "woken"]


@pytest.mark.parametrize("urgency", [Urgency.MONEY, Urgency.NEW, Urgency.BACKGROUND])
def test_nothing_waits_for_ever_behind_ever_newer_urgent_work(
    database: str, urgency: Urgency
) -> None:
    """More urgent work comes without end, one more each time that one is taken."""
    patience_ms = PATIENCE_MS[urgency]
    add("patient", urgency, due_at=NOW)
    at, taken = NOW, []
    for number in range(20):
        add(f"urgent {number}", Urgency.UNDER_WAY, due_at=at)
        taken += claim(now=at)
        with atomic():
            store.Operation.update(status="SUCCEEDED").where(
                store.Operation.id.in_(taken)
            ).execute()
        if "patient" in taken:
            break
        at += max(1, patience_ms // 10)
    assert taken[-1] == "patient"
    assert NOW + patience_ms <= at <= NOW + patience_ms * 12 // 10
    assert len(taken) > 5


def test_what_a_dead_worker_held_is_taken_up_before_other_work(database: str) -> None:
    add("deploy", Urgency.NEW)
    assert claim() == ["deploy"]
    for number in range(3):
        add(f"release {number}", Urgency.MONEY, due_at=NOW)
    assert claim(now=NOW + LEASE_MS) == ["deploy"]


def test_eight_threads_share_work_of_all_urgencies_and_none_is_claimed_twice(
    database: str,
) -> None:
    names = [add(f"opn_{n}", Urgency(n % 4), due_at=NOW - n) for n in range(48)]

    def drain(_: int) -> list[str]:
        return one_by_one()

    claimed = [one for part in all_at_once(drain) for one in part]
    assert sorted(claimed) == sorted(names)


@pytest.mark.parametrize("due", [True, False])
def test_claiming_reads_no_more_than_it_takes_however_much_is_pending(
    database: str, due: bool
) -> None:
    postgres = database.startswith("postgres")
    with atomic():
        execute(
            "INSERT INTO operations (id, kind, subject_type, subject_id, status, urgency, params,"
            " facts, context, failures, next_run_at, lease_until, lease_token, created_at,"
            " updated_at) SELECT 'opn_' || i, 'test', 'test', 's_' || i,"
            " CASE WHEN (i & 3) = 0 THEN 'PENDING' ELSE 'SUCCEEDED' END, (i / 4) & 3, '{}', '{}',"
            f" '{{}}', 0, {0 if due else 2 * NOW} + i, 0, 0, i, i FROM (WITH RECURSIVE n(i) AS"
            " (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i FROM n) AS numbers"
        )
    with connection():
        execute("ANALYZE")
    with watched() as sent:
        claimed = claim(lease_now=leases.moment(NOW))
    assert len(claimed) == due
    reading = [one for one in sent if one[0].startswith("SELECT")]
    assert len(reading) == (2 if due else 1)
    with connection():
        for sql, parameters in reading:
            plan = _plan(sql, parameters, postgres=postgres)
            assert "operations_due" in plan, plan
            assert not any(bad in plan for bad in ("Seq Scan", "Sort", "SCAN op", "B-TREE")), plan


def _plan(sql: str, parameters: Any, *, postgres: bool) -> str:
    if not postgres:
        rows = execute(f"EXPLAIN QUERY PLAN {sql}", parameters).fetchall()
        return "; ".join(str(row[3]) for row in rows)
    (plan,) = execute(f"EXPLAIN (FORMAT JSON) {sql}", parameters).fetchone()
    return plan if isinstance(plan, str) else json.dumps(plan)

"""Claiming work: nothing twice, in order, fenced; and signing accounts held by one at a time."""

import threading

import pytest

from offerhub.store import due_operations
from offerhub.store import operations as store
from offerhub.store.database import atomic, connection, execute, is_postgres
from offerhub.store.failures import is_conflict
from tests.store.threads import add_operations, all_at_once

LEASE_MS = 6_000


def _claim(*, now: int, limit: int) -> list[store.Operation]:
    with atomic():
        return due_operations.claim_due(
            now=now, lease_now=now, lease_ms=LEASE_MS, limit=limit, patience_ms=[0, 0]
        )


@pytest.mark.parametrize("limit", [1, 7])
def test_eight_threads_never_get_the_same_operation(database: str, limit: int) -> None:
    add_operations(60)

    def drain(_: int) -> list[str]:
        mine: list[str] = []
        while claimed := _claim(now=1_000, limit=limit):
            assert len(claimed) <= limit
            mine += [operation.id for operation in claimed]
        return mine

    claimed = [one for part in all_at_once(drain) for one in part]
    assert sorted(claimed) == sorted(f"opn_{n}" for n in range(60))


def test_the_longest_due_comes_first_and_what_is_not_due_stays(database: str) -> None:
    add_operations(5, due_at=100)
    with connection():
        assert due_operations.next_due_at(now=0, lease_now=0) == 100
    assert {o.id for o in _claim(now=102, limit=2)} == {"opn_0", "opn_1"}
    assert [o.id for o in _claim(now=102, limit=9)] == ["opn_2"]
    assert _claim(now=102, limit=9) == []


def test_a_leased_operation_comes_back_only_after_its_lease_and_with_a_newer_token(database):
    add_operations(1)
    (first,) = _claim(now=10, limit=1)
    assert (first.lease_until, first.lease_token) == (10 + LEASE_MS, 1)
    assert _claim(now=10 + LEASE_MS - 1, limit=1) == []
    (second,) = _claim(now=10 + LEASE_MS, limit=1)
    assert (second.id, second.lease_token) == (first.id, 2)


@pytest.mark.parametrize("status", ["STUCK", "SUCCEEDED", "FAILED", "SETTLED"])
def test_only_pending_operations_are_claimed(database: str, status: str) -> None:
    add_operations(1)
    with atomic():
        store.Operation.update(status=status).execute()
    assert _claim(now=1_000, limit=1) == []
    with connection():
        assert due_operations.next_due_at(now=0, lease_now=0) is None


def test_one_live_operation_of_a_kind_per_subject(database: str) -> None:
    add_operations(1)

    def another(status: str, operation_id: str) -> None:
        with atomic():
            execute(
                "INSERT INTO operations (id, kind, subject_type, subject_id, status, params, "
                "facts, failures, next_run_at, lease_until, lease_token, context, created_at, "
                "updated_at) VALUES (?, 'test', 'test', 's_0', ?, '{}', '{}', 0, 0, 0, 0, '{}', "
                "5, 5)",
                (operation_id, status),
            )

    for status in ("PENDING", "STUCK"):
        with pytest.raises(Exception, match=r"(?i)unique") as refused:
            another(status, f"opn_{status}")
        assert is_conflict(refused.value)
    another("SUCCEEDED", "opn_old")
    with connection():
        assert store.is_live("test", "s_0")
        assert not store.is_live("other", "s_0")


def test_a_claimers_row_is_skipped_not_waited_for(postgres: str) -> None:
    """While one process is about to claim, another takes the next; it does not queue up."""
    add_operations(2)
    holding, done = threading.Event(), threading.Event()

    def hold() -> None:
        with atomic():
            due_operations.claim_due(
                now=1_000, lease_now=1_000, lease_ms=LEASE_MS, limit=1, patience_ms=[0, 0]
            )
            holding.set()
            done.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    assert holding.wait(10)
    assert is_postgres()
    assert [o.id for o in _claim(now=1_000, limit=1)] == ["opn_1"]
    done.set()
    thread.join(10)


def test_signing_accounts_are_claimed_all_or_none_by_one_operation_at_a_time(database: str) -> None:
    add_operations(8)
    addresses = ["GA", "GB", "GC"]

    def claim(number: int) -> bool:
        mine = addresses if number % 2 else addresses[::-1]
        try:
            with atomic():
                if not store.try_claims(mine, operation_id=f"opn_{number}", now=1):
                    raise LookupError
        except LookupError:
            return False
        return True

    results = all_at_once(claim)
    assert results.count(True) == 1
    with connection():
        holders = {c.operation_id for c in store.Claim.select()}
        assert store.Claim.select().count() == 3
    assert holders == {f"opn_{results.index(True)}"}


def test_claiming_again_what_one_holds_is_fine_and_releasing_keeps_what_is_kept(database: str):
    add_operations(2)
    with atomic():
        assert store.try_claims(["GA", "GB"], operation_id="opn_0", now=1)
    with atomic():
        assert store.try_claims(["GB", "GA", "GA"], operation_id="opn_0", now=2)
    with atomic():
        assert store.release_claims("opn_0", keep=["GB"]) == 1
    with atomic():
        assert store.try_claims(["GA"], operation_id="opn_1", now=3)
        assert not store.try_claims(["GB"], operation_id="opn_1", now=3)
    with atomic():
        assert store.release_claims("opn_0", keep=[]) == 1


def test_operations_that_wait_for_a_signer_are_brought_forward(database: str) -> None:
    add_operations(3, due_at=1_000)
    with atomic():
        store.Operation.update(step="waiting for signer").where(
            store.Operation.id.in_(["opn_0", "opn_1"])
        ).execute()
        store.Operation.update(status="STUCK").where(store.Operation.id == "opn_1").execute()
        store.wake_waiting(now=5)
    with connection():
        due = {o.id: o.next_run_at for o in store.Operation.select()}
    assert due == {"opn_0": 5, "opn_1": 1_001, "opn_2": 1_002}

"""Keyset pages: complete, without repeats, stable under inserts; and cursors nobody can misuse."""

import base64
import json
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offerhub.domain.errors import ValidationFailed
from offerhub.ledger import accounts, journal, transfers
from offerhub.store import audit, events, ledger, paging, users
from offerhub.store.audit import AuditRecord
from offerhub.store.database import atomic, connection, proxy
from offerhub.store.users import User


def _add(user_id: str, created_at: int) -> None:
    with atomic():
        User.create(
            id=user_id, external_user_id=user_id, type="BUYER", status="ACTIVE", metadata={},
            created_at=created_at, updated_at=created_at,
        )  # fmt: skip


def _page(cursor: str | None, limit: int = 3) -> paging.Rows:
    with connection():
        return users.listed(limit=limit, cursor=cursor)


def _all(limit: int) -> list[str]:
    found, cursor = [], None
    for _ in range(1_000):
        page = _page(cursor, limit)
        assert len(page.rows) <= limit
        found += [row.id for row in page.rows]
        cursor = page.next_cursor
        if cursor is None:
            return found
    raise AssertionError("the pages do not end")


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 11, 12, 100])
def test_pages_hold_everything_once_newest_first(database: str, limit: int) -> None:
    # Five users of one millisecond: the id breaks the tie.
    for number in range(11):
        _add(f"usr_{number:02d}", 100 + number // 5)
    assert _all(limit) == [f"usr_{number:02d}" for number in range(10, -1, -1)]


def test_a_last_page_that_is_full_says_that_it_is_the_last(database: str) -> None:
    for number in range(3):
        _add(f"usr_{number}", number)
    assert _page(None, 3).next_cursor is None
    assert _page(None, 2).next_cursor is not None
    assert _page(None, 2).rows[0].id == "usr_2"


def test_nothing_to_show_is_an_empty_page(database: str) -> None:
    assert _page(None) == paging.Rows([], None)


def test_rows_that_come_meanwhile_neither_repeat_nor_hide_others(database: str) -> None:
    for number in range(6):
        _add(f"usr_{number}", 10 * number)
    first = _page(None)
    _add("usr_newest", 1_000)
    _add("usr_late", 35)  # a time between the rows that were shown
    second = _page(first.next_cursor)
    assert second.next_cursor is None
    seen = [row.id for page in (first, second) for row in page.rows]
    assert seen == [f"usr_{number}" for number in range(5, -1, -1)]


def test_a_deep_page_begins_at_its_place_of_the_index(
    sqlite: str, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(5):
        _add(f"usr_{number}", number)
    cursor = _page(None, 2).next_cursor
    with caplog.at_level("DEBUG", logger="peewee"):
        _page(cursor, 2)
    sent = [record.msg for record in caplog.records if isinstance(record.msg, tuple)]
    text, params = next(one for one in sent if one[0].startswith("SELECT"))
    with connection():
        plan = [str(row[3]) for row in proxy.execute_sql(f"EXPLAIN QUERY PLAN {text}", params)]
    assert plan == ["SEARCH t1 USING INDEX users_page ((created_at,id)<(?,?))"]


@pytest.mark.parametrize("limit", [2, 100])
def test_rows_that_name_somebody_in_either_column_are_paged_once_each(
    database: str, limit: int
) -> None:
    """Records of a person, as the actor or as what was acted upon, or as both."""
    chance = random.Random(11)
    people = ["usr_a", "usr_b", "usr_c", None]
    wanted: list[str] = []
    with atomic():
        for number in range(60):
            actor, resource = chance.choice(people), chance.choice(people)
            AuditRecord.create(
                id=f"aud_{number}", occurred_at=100 + number // 9, actor_type="api_key",
                actor_id=actor, action="user.update", resource_type="user",
                resource_id=resource, result="success",
            )  # fmt: skip
            if "usr_a" in (actor, resource):
                wanted.insert(0, f"aud_{number}")
    for times in ({}, {"from_ms": 0}):
        found, cursor = [], None
        while True:
            with connection():
                page = audit.listed(limit=limit, cursor=cursor, user_id="usr_a", **times)
            found += [row.id for row in page.rows]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert found == wanted


@pytest.mark.parametrize("limit", [3])
def test_events_of_a_user_are_read_once_each_in_order(
    database: str, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "NEAR", 10)  # so that most of them are far
    chance = random.Random(13)
    people = ["usr_a", "usr_b", "usr_c", None]
    rows = []
    for n in range(1, 121):
        kind = chance.choice(["order", "user", "topup"])
        rows.append({
            "id": f"evt_{n}", "sequence": n, "type": f"{kind}.created", "aggregate_type": kind,
            "aggregate_id": "x", "user_1": chance.choice(people), "user_2": chance.choice(people),
            "payload": {}, "metadata": {}, "occurred_at": n,
        })  # fmt: skip
    with atomic():
        events.Event.insert_many(rows).execute()
    for types, kinds in (
        (None, None),
        (["user.created", "order.created"], None),
        (None, ["user", "topup"]),
        (["user.created", "order.created"], ["user"]),
    ):
        wanted = [
            row["sequence"]
            for row in rows
            if "usr_a" in (row["user_1"], row["user_2"])
            and (types is None or row["type"] in types)
            and (kinds is None or row["aggregate_type"] in kinds)
        ]
        found: list[int] = []
        while True:
            with connection():
                page = events.after(
                    found[-1] if found else 0, limit=limit, types=types, aggregate_types=kinds,
                    user_id="usr_a",
                )  # fmt: skip
            if not page:
                break
            found += [event.sequence for event in page if event.sequence is not None]
        assert found == wanted
        assert len(wanted) > 5


def test_a_statement_pages_by_entry_and_names_each_transfer(database: str) -> None:
    with atomic():
        for user_id in ("usr_a", "usr_b"):
            journal.open_user(user_id)
        for number in range(5):
            for user_id in ("usr_a", "usr_b"):
                journal.post(
                    transfers.deposit_credited(
                        deposit_key=f"{number}{user_id}", deposit_id=f"dep_{number}",
                        user_id=user_id, amount=number + 1,
                    ),
                    now_ms=number,
                )  # fmt: skip
    found, cursor = [], None
    while True:
        with connection():
            page = ledger.statement("usr_a", limit=2, cursor=cursor)
        found += [(row.account, -row.amount, row.transfer.subject_id) for row in page.rows]
        cursor = page.next_cursor
        if cursor is None:
            break
    available = accounts.user("usr_a", "available")
    assert found == [(available, n + 1, f"dep_{n}") for n in range(4, -1, -1)]


def _cursor(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


HOSTILE = [
    "", "x", "====", "\u00e9", "🙈", "W10", "null", "%00", "'; DROP TABLE users; --", "a" * 10_000,
    _cursor([]), _cursor([1]), _cursor([1, "usr_1", 2]), _cursor({"at": 1}), _cursor("ab"),
    _cursor([None, "usr_1"]), _cursor(["1", "usr_1"]), _cursor([1.5, "usr_1"]),
    _cursor([True, "usr_1"]), _cursor([1, None]), _cursor([1, ["usr_1"]]), _cursor([1, 1.5]),
    _cursor([-1, "usr_1"]), _cursor([2**63, "usr_1"]), _cursor([1, "a\x00b"]),
    _cursor([1, "\ud800"]), _cursor([1, True]), _cursor([1, 5]),
    base64.urlsafe_b64encode(b"[1, NaN]").decode(), base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    base64.urlsafe_b64encode(b"[" * 5_000).decode(),
    base64.urlsafe_b64encode(b"[1" + b"0" * 5_000 + b', "a"]').decode(),
]  # fmt: skip


@pytest.mark.parametrize("cursor", HOSTILE, ids=range(len(HOSTILE)))
def test_a_cursor_that_is_not_ours_is_refused_by_name(database: str, cursor: str) -> None:
    _add("usr_1", 1)
    with pytest.raises(ValidationFailed) as refused:
        _page(cursor)
    assert refused.value.details["fields"][0]["field"] == "cursor"
    assert len(_page(None).rows) == 1


@pytest.mark.parametrize(
    "cursor", [_cursor([1, "usr_1"]), _cursor([1, 2**63]), _cursor([1, -5]), _cursor([1, True])]
)
def test_a_cursor_of_another_list_is_refused(database: str, cursor: str) -> None:
    with connection(), pytest.raises(ValidationFailed):
        ledger.statement("usr_a", limit=2, cursor=cursor)


@given(at=st.integers(0, 2**63 - 1), key=st.text().filter(lambda t: "\x00" not in t))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_cursor_survives_the_way_out_and_in(at: int, key: str) -> None:
    assert paging.decode(paging.encode(at, key)) == (at, key)


def test_a_page_is_never_larger_than_the_largest(sqlite: str) -> None:
    with atomic():
        User.insert_many(
            [
                {
                    "id": f"usr_{n:03d}", "external_user_id": str(n), "type": "BUYER",
                    "status": "ACTIVE", "metadata": {}, "created_at": n, "updated_at": n,
                    "version": 1,
                }
                for n in range(paging.MAX_LIMIT + 5)
            ]
        ).execute()  # fmt: skip
    with pytest.raises(ValidationFailed):
        _page(None, paging.MAX_LIMIT + 1)
    for limit in (0, -1):
        with pytest.raises(ValidationFailed):
            _page(None, limit)
    assert len(_page(None, paging.MAX_LIMIT).rows) == paging.MAX_LIMIT

"""Every list and filter finds its page by an index, whatever the size of the table.

Held by the databases' own plans and not by time: no whole table is read, and none is sorted.
"""

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bench.volume import Shape, fill, row_id
from offerhub.store import (
    api_keys,
    audit,
    dead_letters,
    deliveries,
    disputes,
    events,
    ledger,
    operations,
    orders,
    paging,
    topups,
    users,
    withdrawals,
)  # fmt: skip
from offerhub.store.database import connection, execute

pytestmark = [pytest.mark.full, pytest.mark.timeout(300)]

ORDERS = 30_000
FEW_ROWS = 3_000  # of one user, or of a rare kind: may be sorted
SHAPE = Shape(users=1_000, traders=5)  # each has more than a few of everything
USER = row_id("usr", 3)
ENDPOINT = row_id("whe", 3)

LISTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "users": lambda page: users.listed(**page),
    "users by external id": lambda page: users.listed(**page, external_user_id="external-5"),
    "users by type": lambda page: users.listed(**page, type_="SELLER"),
    "users by status": lambda page: users.listed(**page, status="SUSPENDED"),
    "users by type and status": lambda page: users.listed(
        **page, type_="SELLER", status="SUSPENDED"
    ),
    "orders": lambda page: orders.listed(**page),
    "orders by status": lambda page: orders.listed(**page, status="DISPUTED"),
    "orders by a status that none has": lambda page: orders.listed(**page, status="REFUNDED"),
    "orders by buyer": lambda page: orders.listed(**page, buyer_id=USER),
    "orders by seller": lambda page: orders.listed(**page, seller_id=USER),
    "orders by party": lambda page: orders.listed(**page, party_id=USER),
    "orders by buyer and status": lambda page: orders.listed(
        **page, buyer_id=USER, status="DISPUTED"
    ),
    "orders by seller and status": lambda page: orders.listed(
        **page, seller_id=USER, status="REFUNDED"
    ),
    "orders by party and status": lambda page: orders.listed(
        **page, party_id=USER, status="REFUNDED"
    ),
    "orders by reference": lambda page: orders.listed(**page, client_order_ref="ref-9"),
    "orders after": lambda page: orders.listed(**page, created_after=ORDERS - 9),
    "orders before": lambda page: orders.listed(**page, created_before=9),
    "orders by buyer, before": lambda page: orders.listed(
        **page, buyer_id=USER, created_before=999
    ),
    "topups": lambda page: topups.listed(**page, user_id=None, status=None),
    "topups by user": lambda page: topups.listed(**page, user_id=USER, status=None),
    "topups by status": lambda page: topups.listed(**page, user_id=None, status="TOPUP_FAILED"),
    "topups by user and status": lambda page: topups.listed(
        **page, user_id=USER, status="TOPUP_FAILED"
    ),
    "withdrawals": lambda page: withdrawals.listed(**page, user_id=None, status=None),
    "withdrawals by user": lambda page: withdrawals.listed(**page, user_id=USER, status=None),
    "withdrawals by status": lambda page: withdrawals.listed(
        **page, user_id=None, status="WITHDRAWAL_FAILED"
    ),
    "withdrawals by user and status": lambda page: withdrawals.listed(
        **page, user_id=USER, status="WITHDRAWAL_FAILED"
    ),
    "disputes": lambda page: disputes.listed(**page),
    "disputes by status": lambda page: disputes.listed(**page, status="OPEN"),
    "disputes by order": lambda page: disputes.listed(**page, order_id=row_id("ord", 30)),
    "disputes by assignee": lambda page: disputes.listed(**page, assignee="support-7"),
    "statement": lambda page: ledger.statement(USER, **page),
    "events": lambda page: events.after(0, limit=100),
    "events of a rare type": lambda page: events.after(0, limit=100, types=["dispute.opened"]),
    "events of no type there is": lambda page: events.after(0, limit=100, types=["key.revoked"]),
    "events of a kind": lambda page: events.after(0, limit=100, aggregate_types=["dispute"]),
    "events of a user": lambda page: events.after(0, limit=100, user_id=USER),
    "events of a user, deep": lambda page: events.after(ORDERS, limit=100, user_id=USER),
    "events of a user, of a rare type": lambda page: events.after(
        0, limit=100, user_id=USER, types=["dispute.opened"]
    ),
    "events of a user, of no type there is": lambda page: events.after(
        0, limit=100, user_id=USER, types=["key.revoked", "order.released"]
    ),
    "events of a user, of a kind": lambda page: events.after(
        0, limit=100, user_id=USER, aggregate_types=["dispute"]
    ),
    "events of an order": lambda page: events.of_aggregate(row_id("ord", 9), limit=100),
    "audit": lambda page: audit.listed(**page),
    "audit by kind": lambda page: audit.listed(**page, resource_type="key"),
    "audit by resource": lambda page: audit.listed(**page, resource_id=row_id("ord", 9)),
    "audit by action": lambda page: audit.listed(**page, action="key.revoked"),
    "audit by user": lambda page: audit.listed(**page, user_id="key_3"),
    "audit until": lambda page: audit.listed(**page, to_ms=9),
    "audit since": lambda page: audit.listed(**page, from_ms=ORDERS - 9),
    "audit by action since": lambda page: audit.listed(**page, action="key.revoked", from_ms=9),
    "audit by user until": lambda page: audit.listed(**page, user_id="key_3", to_ms=ORDERS - 9),
    "audit by resource since": lambda page: audit.listed(
        **page, resource_id=row_id("ord", 9), from_ms=9
    ),
    "audit by kind between": lambda page: audit.listed(
        **page, resource_type="key", from_ms=9, to_ms=ORDERS - 9
    ),
    "deliveries": lambda page: deliveries.listed(ENDPOINT, **page),
    "deliveries by status": lambda page: deliveries.listed(ENDPOINT, **page, status="FAILED"),
    "operations": lambda page: operations.listed(**page, status=None),
    "operations by status": lambda page: operations.listed(**page, status="STUCK"),
    "dead letters": lambda page: dead_letters.listed(**page),
    "api keys": lambda page: api_keys.listed(**page),
}


class Statements(logging.Handler):
    """Collects the statements that Peewee sends."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.sent: list[tuple[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.msg, tuple):
            self.sent.append((record.msg[0], record.msg[1]))


@pytest.fixture
def statements() -> Iterator[Statements]:
    logger, handler = logging.getLogger("peewee"), Statements()
    before = logger.level
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(before)


def test_no_list_reads_or_sorts_a_whole_table(database: str, statements: Statements) -> None:
    postgres = database.startswith("postgres")
    with connection():
        fill(execute, orders=ORDERS, postgres=postgres, shape=SHAPE)
    bad: list[str] = []
    deep_pages = 0
    for name, ask in LISTS.items():
        first = _problems_of(ask, None, statements, postgres=postgres)
        deep = _middle(ask({"limit": 20, "cursor": None}))
        bad += [f"{name}: {problem}" for problem in first]
        if deep is not None:
            deep_pages += 1
            found = _problems_of(ask, deep, statements, postgres=postgres)
            bad += [f"{name}, deep: {problem}" for problem in found]
    assert bad == []
    assert deep_pages >= 25


def _middle(answer: Any) -> str | None:
    """A cursor like the one of this page, for the middle of the table."""
    token = getattr(answer, "next_cursor", None)
    if token is None:
        return None
    _, key = paging.decode(token)
    half = ORDERS // 2
    return paging.encode(half, half if isinstance(key, int) else row_id(key.split("_")[0], half))


def _problems_of(
    ask: Callable[[dict[str, Any]], Any],
    cursor: str | None,
    statements: Statements,
    *,
    postgres: bool,
) -> list[str]:
    statements.sent.clear()
    with connection():
        ask({"limit": 20, "cursor": cursor})
        sent = [one for one in statements.sent if one[0].lstrip().startswith("SELECT")]
        assert sent
        problems = _in_postgres if postgres else _in_sqlite
        return [problem for sql, parameters in sent for problem in problems(sql, parameters)]


def _in_sqlite(sql: str, parameters: Any) -> list[str]:
    """Nothing but searches; a walk along an index only where nothing is filtered."""
    plan = execute(f"EXPLAIN QUERY PLAN {sql}", parameters).fetchall()
    steps = [(int(row[1]), str(row[3])) for row in plan]
    filtered = "WHERE" in sql
    # The first few by one column and the first few by another, which the outermost step sorts.
    few = {f"SCAN {step.removeprefix('CO-ROUTINE ')}" for _, step in steps if step[:3] == "CO-"}
    return [
        f"{step} ({sql})"
        for parent, step in steps
        if (filtered and step.startswith("SCAN") and step not in {"SCAN CONSTANT ROW", *few})
        or ("TEMP B-TREE FOR ORDER BY" in step and not (few and parent == 0))
    ]


def _in_postgres(sql: str, parameters: Any) -> list[str]:
    plan = execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", parameters).fetchone()[0]
    root = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]
    return [f"{problem} ({sql})" for problem in _problems(root)]


def _problems(node: dict[str, Any]) -> list[str]:
    """Whole tables read, many rows read to be dropped, many rows sorted."""
    found = []
    read = node["Actual Rows"] * node["Actual Loops"]
    if node["Node Type"] == "Seq Scan" and read + node.get("Rows Removed by Filter", 0) > FEW_ROWS:
        found.append(f"Seq Scan on {node['Relation Name']}")
    if node.get("Rows Removed by Filter", 0) > FEW_ROWS:
        found.append(f"{node['Node Type']} drops {node['Rows Removed by Filter']} rows")
    for below in node.get("Plans", ()):
        if node["Node Type"] == "Sort" and below["Actual Rows"] > FEW_ROWS:
            found.append(f"sorts {below['Actual Rows']} rows")
        found += _problems(below)
    return found


def test_the_lists_know_of_every_filter_of_the_events(database: str) -> None:
    """Rare events far along the stream are found as they are by a walk, in order, page by page."""
    with connection():
        fill(execute, orders=4_000, postgres=database.startswith("postgres"))
        walked = [e.sequence for e in events.Event.select().where(
            events.Event.type == "dispute.opened").order_by(events.Event.sequence)]  # fmt: skip
        found: list[int] = []
        while True:
            after = found[-1] if found else 0
            page = events.after(after, limit=5, types=["dispute.opened", "order.closed"])
            if not page:
                break
            found += [e.sequence for e in page if e.sequence is not None]
        both = events.after(0, limit=100, types=["dispute.opened"], aggregate_types=["order"])
    assert found == walked
    assert both == []
    assert len(found) == 16

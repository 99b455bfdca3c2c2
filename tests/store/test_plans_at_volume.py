"""Every list and filter finds its page by an index, whatever the size of the table.

Held by the databases' own plans and not by time: no whole table is read, and none is sorted.
"""

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bench.volume import fill
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
    topups,
    users,
    withdrawals,
)  # fmt: skip
from offerhub.store.database import connection, execute

pytestmark = [pytest.mark.full, pytest.mark.timeout(300)]

ORDERS = 30_000
FEW_ROWS = 3_000  # of one user, or of a rare kind: may be sorted
PAGE: dict[str, Any] = {"limit": 20, "cursor": None}
USER = "usr_" + "7".rjust(21, "0")
ENDPOINT = "whe_" + "3".rjust(21, "0")

LISTS: dict[str, Callable[[], Any]] = {
    "users": lambda: users.listed(**PAGE),
    "users by external id": lambda: users.listed(**PAGE, external_user_id="external-5"),
    "users by type": lambda: users.listed(**PAGE, type_="SELLER"),
    "users by status": lambda: users.listed(**PAGE, status="SUSPENDED"),
    "users by type and status": lambda: users.listed(**PAGE, type_="SELLER", status="SUSPENDED"),
    "orders": lambda: orders.listed(**PAGE),
    "orders by status": lambda: orders.listed(**PAGE, status="DISPUTED"),
    "orders by a status that none has": lambda: orders.listed(**PAGE, status="REFUNDED"),
    "orders by buyer": lambda: orders.listed(**PAGE, buyer_id=USER),
    "orders by seller": lambda: orders.listed(**PAGE, seller_id=USER),
    "orders by party": lambda: orders.listed(**PAGE, party_id=USER),
    "orders by reference": lambda: orders.listed(**PAGE, client_order_ref="ref-9"),
    "orders after": lambda: orders.listed(**PAGE, created_after=ORDERS - 9),
    "orders before": lambda: orders.listed(**PAGE, created_before=9),
    "orders by buyer, before": lambda: orders.listed(**PAGE, buyer_id=USER, created_before=999),
    "topups": lambda: topups.listed(**PAGE, user_id=None, status=None),
    "topups by user": lambda: topups.listed(**PAGE, user_id=USER, status=None),
    "topups by status": lambda: topups.listed(**PAGE, user_id=None, status="TOPUP_FAILED"),
    "topups by user and status": lambda: topups.listed(**PAGE, user_id=USER, status="TOPUP_FAILED"),
    "withdrawals": lambda: withdrawals.listed(**PAGE, user_id=None, status=None),
    "withdrawals by user": lambda: withdrawals.listed(**PAGE, user_id=USER, status=None),
    "withdrawals by status": lambda: withdrawals.listed(
        **PAGE, user_id=None, status="WITHDRAWAL_FAILED"
    ),
    "disputes": lambda: disputes.listed(**PAGE),
    "disputes by status": lambda: disputes.listed(**PAGE, status="OPEN"),
    "disputes by order": lambda: disputes.listed(**PAGE, order_id="ord_" + "30".rjust(21, "0")),
    "disputes by assignee": lambda: disputes.listed(**PAGE, assignee="support-7"),
    "statement": lambda: ledger.statement(USER, **PAGE),
    "events": lambda: events.after(0, limit=100),
    "events of a rare type": lambda: events.after(0, limit=100, types=["dispute.opened"]),
    "events of no type there is": lambda: events.after(0, limit=100, types=["key.revoked"]),
    "events of a kind": lambda: events.after(0, limit=100, aggregate_types=["dispute"]),
    "events of a user": lambda: events.after(0, limit=100, user_id=USER),
    "events of an order": lambda: events.of_aggregate("ord_" + "9".rjust(21, "0"), limit=100),
    "audit": lambda: audit.listed(**PAGE),
    "audit by kind": lambda: audit.listed(**PAGE, resource_type="key"),
    "audit by resource": lambda: audit.listed(**PAGE, resource_id="ord_" + "9".rjust(21, "0")),
    "audit by action": lambda: audit.listed(**PAGE, action="key.revoked"),
    "audit by user": lambda: audit.listed(**PAGE, user_id="key_7"),
    "audit until": lambda: audit.listed(**PAGE, to_ms=9),
    "audit since": lambda: audit.listed(**PAGE, from_ms=ORDERS - 9),
    "deliveries": lambda: deliveries.listed(ENDPOINT, **PAGE),
    "deliveries by status": lambda: deliveries.listed(ENDPOINT, **PAGE, status="FAILED"),
    "operations": lambda: operations.listed(**PAGE, status=None),
    "operations by status": lambda: operations.listed(**PAGE, status="STUCK"),
    "dead letters": lambda: dead_letters.listed(**PAGE),
    "api keys": lambda: api_keys.listed(**PAGE),
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
        fill(execute, orders=ORDERS, postgres=postgres)
    bad: list[str] = []
    for name, ask in LISTS.items():
        statements.sent.clear()
        with connection():
            ask()
            sent = [one for one in statements.sent if one[0].lstrip().startswith("SELECT")]
            assert sent, name
            for sql, parameters in sent:
                problems = _in_postgres if postgres else _in_sqlite
                bad += [f"{name}: {problem}" for problem in problems(sql, parameters)]
    assert bad == []


def _in_sqlite(sql: str, parameters: Any) -> list[str]:
    """Nothing but searches; a walk along an index only where nothing is filtered."""
    rows = [str(row[3]) for row in execute(f"EXPLAIN QUERY PLAN {sql}", parameters).fetchall()]
    filtered = "WHERE" in sql
    party = "MULTI-INDEX OR" in rows  # one user's rows, which are few
    return [
        f"{row} ({sql})"
        for row in rows
        if (filtered and row.startswith("SCAN") and row != "SCAN CONSTANT ROW")
        or ("TEMP B-TREE FOR ORDER BY" in row and not party)
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

"""What a reservation costs the database, counted by the database's own driver."""

from itertools import groupby
from types import SimpleNamespace

import pytest

from offerhub.ledger import journal, transfers
from offerhub.services import orders
from offerhub.services.context import Actor, Context
from offerhub.store.database import atomic, connection, is_postgres, proxy
from offerhub.store.orders import Order
from offerhub.store.users import User

NOW_MS = 1_767_614_400_000
USD = 10_000_000
# BEGIN, the order, the buyer's accounts, transfer, entries, audit record, events, COMMIT.
MOST = 8


class Bell:
    """Remembers who was woken."""

    def __init__(self) -> None:
        self.rung: list[str] = []

    def ring(self, name: str) -> None:
        self.rung.append(name)


@pytest.fixture
def ctx(database: str) -> Context:
    """A context for services that ask no provider; a buyer with 10.00 and an order of 4.00."""
    app = SimpleNamespace(
        now_ms=lambda: NOW_MS,
        policy=SimpleNamespace(marketplace_id="mkt_1", platform_fee_bps=250),
        doorbell=Bell(),
    )
    with atomic():
        for user_id in ("usr_b", "usr_s"):
            User.create(
                id=user_id, external_user_id=user_id, type="BOTH", status="ACTIVE", metadata={},
                created_at=NOW_MS, updated_at=NOW_MS,
            )  # fmt: skip
            journal.open_user(user_id)
        journal.post(
            transfers.deposit_credited(
                deposit_key="1", deposit_id="dep_1", user_id="usr_b", amount=10 * USD
            ),
            now_ms=NOW_MS,
        )
        Order.create(
            id="ord_1", buyer_id="usr_b", seller_id="usr_s", amount=4 * USD, currency="USD",
            title="t", platform_fee_bps=250, status="ORDER_CREATED", metadata={},
            created_at=NOW_MS, updated_at=NOW_MS,
        )  # fmt: skip
    return Context(app, Actor("system", "test"))  # type: ignore[arg-type]


def _statements(database, action) -> list[str]:
    """Hooks see all but BEGIN and COMMIT; SQLite's own trace sees those too."""
    seen: list[str] = []
    hook = lambda event: seen.append(event.sql)  # noqa: E731
    with connection():
        if not is_postgres():
            proxy.connection().set_trace_callback(seen.append)
            action()
            proxy.connection().set_trace_callback(None)
            return [statement for statement, _ in groupby(seen)]  # a trigger repeats its cause
        database.query_hooks.append(hook)
        action()
        database.query_hooks.remove(hook)
    return ["BEGIN", *seen, "COMMIT"]


def test_a_reservation_takes_eight_statements_and_reads_nothing_first(ctx: Context) -> None:
    ran = _statements(proxy.obj, lambda: orders.reserve(ctx, "ord_1"))
    kinds = [statement.split()[0] for statement in ran]
    assert len(ran) <= MOST, "\n".join(ran)
    assert kinds[0] == "BEGIN"
    assert kinds[-1] == "COMMIT"
    assert kinds.count("BEGIN") == kinds.count("COMMIT") == 1
    assert "SELECT" not in kinds
    assert ctx.app.doorbell.rung == ["relay"]  # type: ignore[attr-defined]
    with connection():
        assert Order.get_by_id("ord_1").status == "FUNDS_RESERVED"
        assert journal.balance("user:usr_b:reserved") == 4 * USD


def test_the_hooks_see_as_many_statements_as_sqlite_runs(ctx: Context) -> None:
    """So that the count on Postgres, which has no trace, can be believed."""
    seen: list[str] = []
    proxy.obj.query_hooks.append(lambda event: seen.append(event.sql))
    orders.reserve(ctx, "ord_1")
    proxy.obj.query_hooks.clear()
    assert len(seen) == MOST - 2

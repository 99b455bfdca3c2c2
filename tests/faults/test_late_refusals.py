"""A provider that takes back what it said: a refusal after the acceptance, a failure after success.

A terminal state stays; what the money did afterwards is a transfer of its own, never an edit.
"""

from dataclasses import replace
from typing import Any

import pytest

from offerhub.domain.money import parse_exact
from offerhub.ports.payments import PayoutStatus
from offerhub.services import balances, inbox, operations, withdrawal_returns, withdrawals
from offerhub.store.database import connection, execute
from tests.faults.test_webhooks_in import receive
from tests.fixtures.proof import Figure
from tests.services.world import BUYER_EMAIL, USD, World

pytestmark = pytest.mark.proves("F6")


@pytest.fixture
def user_id(world: World) -> str:
    made = str(world.user("ana", email=BUYER_EMAIL)["id"])
    world.topped_up(made, "100.00")
    return made


def _ask(world: World, user_id: str, amount: str) -> dict[str, Any]:
    return withdrawals.create_withdrawal(
        world.ctx, user_id=user_id, amount_stroops=parse_exact(amount), commit=True,
        destination_type="AIRTM_BALANCE", destination_ref=BUYER_EMAIL,
    )  # fmt: skip


def _entries() -> list[tuple[Any, ...]]:
    with connection():
        return list(
            execute("SELECT id, transfer_id, account, amount FROM entries ORDER BY id").fetchall()
        )


class _Reports:
    """Airtm, telling of a pay-out what is not so any more, or never was."""

    def __init__(self, payments: Any, status: str) -> None:
        self._payments, self._status = payments, status
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._payments, name)

    def find_payout(self, code: str) -> Any:
        self.asked += 1
        return replace(self._payments.find_payout(code), status=PayoutStatus(self._status))


@pytest.mark.parametrize(
    "reported",
    [
        "FAILED",
        *(
            pytest.param(s, marks=pytest.mark.full)
            for s in ("CANCELED", "PENDING", "CREATED", "COMMITTED")
        ),
    ],
)
def test_a_completed_pay_out_stays_completed_whatever_is_reported_later(
    world: World, user_id: str, reported: str
) -> None:
    made = _ask(world, user_id, "20.00")
    world.drain()
    world.finish_withdrawal(made["id"])
    before, available = _entries(), world.available(user_id)
    odd = _Reports(world.app.payments, reported)
    ctx = replace(world.ctx, app=replace(world.app, payments=odd))
    for name in ("payout.failed", "payout.canceled", "payout.created"):
        _receive_payout(world, ctx, name, made["id"])
    inbox.process_due(ctx)
    assert odd.asked == 3
    shown = withdrawals.get_withdrawal(world.ctx, made["id"])
    assert shown["status"] == "WITHDRAWAL_COMPLETED"
    assert (_entries(), world.available(user_id)) == (before, available), "the books were touched"
    with connection():
        rows = execute(
            "SELECT status, reason FROM inbox_events WHERE code = ? AND event_type = ?",
            (made["id"], "payout.failed"),
        ).fetchall()
    assert [status for status, _ in rows] == ["IGNORED"]
    assert rows[0][1]
    world.check()


def _receive_payout(world: World, ctx: Any, name: str, code: str) -> None:
    receive(world, ctx, hash((name, code)) & 0xFFFFFF, code, name=name)


def test_a_pay_out_refused_after_it_was_accepted_gives_the_hold_back_once_by_its_own_transfer(
    world: World, user_id: str, figure: Figure
) -> None:
    """Airtm takes the commit and fails the pay-out afterwards; then it says so again and again."""
    before_all, before = _entries(), world.available(user_id)
    made = _ask(world, user_id, "20.00")
    world.drain()
    held = _entries()
    assert world.available(user_id) == before - 20 * USD
    world.control("POST", f"/payouts/{made['id']}/fail")
    for _ in range(3):
        found = world.app.payments.find_payout(made["id"])
        assert found is not None
        withdrawals.apply_payout_result(world.ctx, made["id"], found)
    shown = withdrawals.get_withdrawal(world.ctx, made["id"])
    assert shown["status"] == "WITHDRAWAL_FAILED"
    assert world.available(user_id) == before
    after = _entries()
    assert after[: len(held)] == held, "an entry was edited"
    assert held[: len(before_all)] == before_all
    added = after[len(held) :]
    assert len({one[1] for one in added}) == 1, "one compensating transfer"
    assert sum(one[3] for one in added) == 0
    late = _Reports(world.app.payments, "COMPLETED")
    ctx = replace(world.ctx, app=replace(world.app, payments=late))
    _receive_payout(world, ctx, "payout.completed", made["id"])
    inbox.process_due(ctx)
    assert withdrawals.get_withdrawal(world.ctx, made["id"])["status"] == "WITHDRAWAL_FAILED"
    assert world.available(user_id) == before, "what was given back was taken again"
    figure("compensating_transfers", 1)


def test_a_bounce_after_completion_is_a_credit_of_its_own(
    world: World, user_id: str, figure: Figure
) -> None:
    made = _ask(world, user_id, "30.00")
    world.drain()
    paid = world.finish_withdrawal(made["id"])
    kept = _entries()
    world.control("POST", f"/payouts/{paid['airtm_payout_id']}/bounce")
    assert withdrawal_returns.read(world.ctx) == 1
    after = _entries()
    assert after[: len(kept)] == kept
    line = balances.statement(world.ctx, user_id, limit=1).items[0]
    assert (line["kind"], line["subject_id"]) == ("withdrawal_came_back", made["id"])
    shown = withdrawals.get_withdrawal(world.ctx, made["id"])
    assert shown["status"] == "WITHDRAWAL_COMPLETED"
    assert operations.list_operations(world.ctx, status="STUCK").items == []
    world.check()
    figure("bounces", 1)

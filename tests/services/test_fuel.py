"""Wallets that run out of XLM are refilled by themselves; whoever needs them waits, and no more."""

from dataclasses import replace

import pytest

from offerhub.ledger import checks
from offerhub.services import (
    chain_health,
    deposits,
    escrows,
    fuel,
    operations,
    orders,
    reconciliation,
    releases,
)
from offerhub.store import operations as operations_store
from offerhub.store.database import atomic, connection
from tests.services.world import World

pytestmark = pytest.mark.parametrize(
    "database_url",
    ["sqlite", pytest.param("postgres", marks=pytest.mark.full)],
    indirect=True,
)


def _of_kind(kind: str) -> list[operations_store.Operation]:
    with connection():
        rows = operations_store.listed(status=None, limit=100, cursor=None).rows
    return [row for row in rows if row.kind == kind]


def _sheet() -> object:
    with atomic():
        return checks.sheet()


def _drain_treasury(world: World, *, left_stroops: int) -> None:
    treasury = world.app.platform_keys.treasury
    account = world.app.chain.account(treasury.address)
    assert account is not None
    outside = world.control("POST", "/stellar/outside-account")["address"]
    spent = world.app.chain.build_xlm_payment(
        source=treasury,
        destination=outside,
        amount_stroops=account.xlm_stroops - left_stroops - 100,
    )
    world.app.chain.submit(spent)
    world.until(lambda: world.app.chain.transaction(spent.hash))


def test_a_wallet_drained_to_dust_funds_three_more_orders_by_itself(world: World) -> None:
    buyer = world.funded_user("buyer", "100.00")
    seller = world.user("seller")
    world.drain_xlm(buyer["id"])
    for _ in range(3):
        world.in_progress(buyer["id"], seller["id"], "10.00")
    refills = _of_kind("wallet.fuel")
    assert [row.status for row in refills] == ["SUCCEEDED"]
    assert {row.failures for row in _of_kind("escrow.fund")} == {0}
    world.check()


def test_refilling_moves_nothing_in_the_books(world: World) -> None:
    buyer = world.user("buyer")
    before = _sheet()
    world.drain_xlm(buyer["id"])
    fuel.ask(world.ctx, buyer["id"])
    world.drain()
    assert [row.status for row in _of_kind("wallet.fuel")] == ["SUCCEEDED"]
    assert _sheet() == before
    world.check()


def test_a_reconciliation_has_wallets_refilled_before_anybody_waits(world: World) -> None:
    buyer = world.user("buyer")
    world.drain_xlm(buyer["id"])
    deposits.read_due(world.ctx)
    found = reconciliation.run(world.ctx)
    low = [one for one in found["differences"] if one["kind"] == "xlm_low"]
    assert [(one["subject_id"], one["status"]) for one in low] == [
        (buyer["wallet"]["id"], "REPAIRED")
    ]
    world.drain()
    assert [row.status for row in _of_kind("wallet.fuel")] == ["SUCCEEDED"]
    assert reconciliation.run(world.ctx)["status"] == "MATCHED"


def test_one_refill_at_a_time(world: World) -> None:
    buyer = world.user("buyer")
    assert fuel.ask(world.ctx, buyer["id"]) == fuel.ask(world.ctx, buyer["id"])


def test_without_xlm_in_the_treasury_everybody_waits_and_says_why(world: World) -> None:
    buyer = world.funded_user("buyer", "100.00")
    seller = world.user("seller")
    order_id = world.order(buyer["id"], seller["id"], "10.00")
    orders.reserve(world.ctx, order_id)
    escrows.create_escrow(world.ctx, order_id)
    world.drain()
    world.drain_xlm(buyer["id"])
    _drain_treasury(world, left_stroops=1_000)
    escrows.fund_escrow(world.ctx, order_id)
    world.perform_for(seconds=60)
    waiting = {row.kind: row for row in _of_kind("wallet.fuel") + _of_kind("escrow.fund")}
    for row in waiting.values():
        assert (row.status, row.failures, row.step) == ("PENDING", 0, "waiting for XLM")
        assert "can spend" in str(row.last_error)
    treasury = world.app.platform_keys.treasury.address
    assert treasury in str(waiting["wallet.fuel"].last_error)
    with connection():
        assert not operations_store.steps_of(waiting["wallet.fuel"].id)
    wrong, numbers = chain_health.look(world.app)
    assert f"send some to {treasury}" in str(wrong)
    assert numbers["waiting_for_xlm"] == 2
    world.control("POST", "/stellar/xlm", to=treasury, amount="100.0000000")
    world.drain()
    assert world.order_status(order_id) == "IN_PROGRESS"
    assert chain_health.look(world.app)[0] is None
    world.check()


@pytest.mark.proves("F24")
def test_a_transaction_that_could_not_pay_its_fee_applies_once_the_wallet_is_refilled(
    world: World,
) -> None:
    """The look before signing finds enough, as when fees rise in between: the network refuses."""
    world.app = replace(world.app, policy=replace(world.app.policy, wallet_xlm_low_stroops=0))
    buyer = world.funded_user("buyer", "100.00")
    seller = world.user("seller")
    order_id = world.order(buyer["id"], seller["id"], "10.00")
    orders.reserve(world.ctx, order_id)
    escrows.create_escrow(world.ctx, order_id)
    world.drain()
    world.drain_xlm(buyer["id"])
    escrows.fund_escrow(world.ctx, order_id)
    world.drain()
    assert world.order_status(order_id) == "IN_PROGRESS"
    fund = _of_kind("escrow.fund")[0]
    with connection():
        tried = [row for row in operations_store.steps_of(fund.id) if row.name == "fund"]
    # The same bytes, sent again: nothing was built anew.
    assert [row.status for row in tried] == ["SUCCEEDED"]
    assert tried[0].outcome["fee_refusal"] == "tx_insufficient_balance"
    assert [row.status for row in _of_kind("wallet.fuel")] == ["SUCCEEDED"]
    world.check()


@pytest.mark.full
@pytest.mark.proves("F24")
@pytest.mark.timeout(180)
def test_a_fee_that_the_network_refuses_is_not_built_anew_for_ever(world: World) -> None:
    buyer = world.funded_user("buyer", "100.00")
    seller = world.user("seller")
    order_id = world.order(buyer["id"], seller["id"], "10.00")
    orders.reserve(world.ctx, order_id)
    escrows.create_escrow(world.ctx, order_id)
    world.drain()
    # Far above what anything of ours bids.
    world.chain_fault(surge_base_fee_stroops=10_000_000)
    escrows.fund_escrow(world.ctx, order_id)
    world.drain(limit_s=150)
    fund = _of_kind("escrow.fund")[0]
    assert fund.status == "STUCK"
    assert "tx_insufficient_fee" in str(fund.last_error)
    assert "fee" in str(fund.last_error)
    with connection():
        tried = [row for row in operations_store.steps_of(fund.id) if row.name == "fund"]
    assert len(tried) == 3
    world.healthy()
    operations.retry(world.ctx, fund.id, reason="the network is calm again")
    world.drain()
    assert world.order_status(order_id) == "IN_PROGRESS"
    world.check()


@pytest.mark.full
def test_a_release_waits_while_the_platform_cannot_pay_its_fee(world: World) -> None:
    buyer = world.funded_user("buyer", "100.00")
    seller = world.user("seller")
    order_id = world.in_progress(buyer["id"], seller["id"], "10.00")
    release = world.app.platform_keys.release
    account = world.app.chain.account(release.address)
    assert account is not None
    spent = world.app.chain.build_xlm_payment(
        source=release,
        destination=world.app.platform_keys.treasury.address,
        amount_stroops=account.xlm_stroops - 1_100,
    )
    world.app.chain.submit(spent)
    world.until(lambda: world.app.chain.transaction(spent.hash))
    releases.release(world.ctx, order_id)
    world.perform_for(seconds=900)
    row = _of_kind("order.release")[0]
    assert (row.status, row.step) == ("PENDING", "waiting for XLM")
    assert release.address in str(row.last_error)
    world.control("POST", "/stellar/xlm", to=release.address, amount="20.0000000")
    world.drain()
    assert world.order_status(order_id) == "CLOSED"
    world.check()

"""Reconciliation finds every seeded difference and nothing else; nothing is overwritten."""

from offerhub.ledger import accounts, journal, transfers
from offerhub.services import orders, reconciliation
from offerhub.store.database import atomic
from tests.services.world import BUYER_EMAIL, USD, World


def test_books_that_agree_give_no_alarm(world: World) -> None:
    buyer = world.user("buyer", email=BUYER_EMAIL)
    seller = world.user("seller")
    world.topped_up(buyer["id"], "100.00")
    world.deposit(seller["wallet"]["address"], "3.0000001")
    order_id = world.in_progress(buyer["id"], seller["id"], "50.00")
    found = reconciliation.run(world.ctx)
    assert (found["status"], found["differing"], found["unreachable"]) == ("MATCHED", 0, 0)
    assert found["checked"] == 5
    assert world.available(seller["id"]) == 3 * USD + 1  # the run read the deposit on
    world.release(order_id)
    assert reconciliation.run(world.ctx)["status"] == "MATCHED"


def test_each_seeded_difference_is_found_recorded_and_left_alone(world: World) -> None:
    buyer = world.funded_user("buyer", "100.00")
    seller = world.user("seller")
    order_id = world.in_progress(buyer["id"], seller["id"], "50.00")
    contract = _contract(world, order_id)
    world.control("POST", "/airtm/balance/credit", amount="1.00")
    world.control("POST", "/stellar/dust", contract=contract, amount="0.0000002")
    with atomic():
        journal.post(
            transfers.deposit_credited(
                deposit_key="never.0", deposit_id="dep_never", user_id=seller["id"], amount=7
            ),
            now_ms=world.app.now_ms(),
        )
    found = reconciliation.run(world.ctx)
    assert found["status"] == "DIFFERENCES"
    differences = {d["detail"]["account"]: d for d in found["differences"]}
    assert {name: (d["ours_exact"], d["theirs_exact"]) for name, d in differences.items()} == {
        accounts.AIRTM_TREASURY: ("0.0000000", "1.0000000"),
        accounts.contract(order_id): ("50.0000000", "50.0000002"),
        accounts.wallet(seller["id"]): ("0.0000007", "0.0000000"),
    }
    assert world.available(seller["id"]) == 7
    again = reconciliation.run(world.ctx)
    assert again["differing"] == 3


def test_a_provider_that_cannot_be_asked_is_said_and_is_no_difference(world: World) -> None:
    world.control("POST", "/faults", kind="error_503_before", provider="airtm", times=50)
    found = reconciliation.run(world.ctx)
    assert (found["status"], found["differing"], found["unreachable"]) == ("MATCHED", 0, 1)


def test_a_wallet_is_compared_on_request(world: World) -> None:
    user = world.funded_user("someone", "12.50")
    compared = reconciliation.look_at_wallet(world.ctx, user["id"])
    shown = reconciliation.record_wallet(world.ctx, user["id"], compared)
    assert shown["available"] == "12.50"
    assert (shown["wallet"]["same"], shown["wallet"]["theirs_exact"]) == (True, "12.5000000")


def _contract(world: World, order_id: str) -> str:
    return str(orders.get_order(world.ctx, order_id)["escrow"]["trustless_contract_id"])

"""One order from money in to money out, with the books compared to the providers' own."""

from offerhub.domain.money import parse_exact
from offerhub.services import balances, deposits, orders, withdrawals
from tests.services.world import BUYER_EMAIL, SELLER_EMAIL, USD, World


def test_an_order_goes_from_topup_and_deposit_to_withdrawals(world: World) -> None:
    buyer = world.user("buyer", email=BUYER_EMAIL)
    seller = world.user("seller", email=SELLER_EMAIL)

    topup = world.topped_up(buyer["id"], "100.00")
    assert world.available(buyer["id"]) == 100 * USD - _fee(topup)
    world.deposit(buyer["wallet"]["address"], "25.1234567")
    deposits.read_wallet(world.ctx, buyer["wallet"]["id"])
    assert world.available(buyer["id"]) == 100 * USD - _fee(topup) + 251_234_567

    order_id = world.in_progress(buyer["id"], seller["id"], "80.00", platform_fee_bps=500)
    world.release(order_id)
    order = orders.get_order(world.ctx, order_id)
    assert (order["status"], order["resolution"]) == ("CLOSED", "RELEASED")
    assert balances.get_balance(world.ctx, seller["id"])["available_exact"] == "75.7600000"
    world.check()

    canceled = world.order(buyer["id"], seller["id"], "5.00")
    orders.reserve(world.ctx, canceled)
    orders.cancel(world.ctx, canceled)
    outside = world.control("POST", "/stellar/outside-account")["address"]
    chain = withdrawals.create_withdrawal(
        world.ctx, user_id=seller["id"], amount_stroops=20 * USD,
        destination_type="CRYPTO", destination_ref=outside,
    )  # fmt: skip
    airtm = withdrawals.create_withdrawal(
        world.ctx, user_id=seller["id"], amount_stroops=30 * USD, commit=True,
        destination_type="AIRTM_BALANCE", destination_ref=SELLER_EMAIL,
    )  # fmt: skip
    world.drain()
    assert withdrawals.get_withdrawal(world.ctx, chain["id"])["status"] == "WITHDRAWAL_COMPLETED"
    world.finish_withdrawal(airtm["id"])
    world.check()


def _fee(topup: dict[str, str]) -> int:
    return parse_exact(topup["fee_exact"])

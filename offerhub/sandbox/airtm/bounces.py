"""Payouts that completed and then came back: the money returns as a `refunded` deposit.

The payout itself stays COMPLETED, as at Airtm.
"""

from offerhub.sandbox.airtm import balances, payouts
from offerhub.sandbox.airtm.states import NotPossible
from offerhub.sandbox.airtm.world import AirtmWorld, new_id


def bounce(world: AirtmWorld, payout_id: str) -> str:
    """Return a COMPLETED payout as a `refunded` deposit, and give back the deposit's id.

    Raises: NotPossible when it is not COMPLETED or bounced before.
    """
    with world.store.transaction():
        payout = payouts.get(world, payout_id)
        done = world.store.one(
            "SELECT 1 FROM airtm_deposits WHERE refunded_payout_id = ?", (payout_id,)
        )
        if payout["status"] != "COMPLETED" or done:
            raise NotPossible(status=payout["status"], action="bounce")
        wallet = balances.wallet_of(payout["user_id"])
        for source, stroops in (
            (wallet, payout["net_amount"]),
            (balances.AIRTM_FEES, payout["airtm_fee"]),
        ):
            balances.move(world, source=source, target=balances.AVAILABLE, stroops=stroops)
        deposit_id, now_ms = new_id(), world.clock.now_ms()
        world.store.execute(
            "INSERT INTO airtm_deposits (id, type, amount, available, bridge_transaction_id, name,"
            " refunded_payout_id, created_at, updated_at)"
            " VALUES (?, 'refunded', ?, ?, ?, ?, ?, ?, ?)",
            (
                deposit_id,
                payout["amount"],
                balances.balance_of(world, balances.AVAILABLE),
                new_id(),
                f"Refund of payout {payout['code'] or payout_id}",
                payout_id,
                now_ms,
                now_ms,
            ),
        )
    return deposit_id

"""The enterprise account itself: identity, balance, and deposits into it."""

import sqlite3
from typing import Any

from offerhub.sandbox.airtm import balances
from offerhub.sandbox.airtm.amounts import number
from offerhub.sandbox.airtm.errors import AirtmError
from offerhub.sandbox.airtm.world import AirtmWorld, new_id
from offerhub.sandbox.clock import iso

DEPOSIT_TYPES = ("funding", "refunded", "transfer", "withdrawal")


def me(world: AirtmWorld) -> dict[str, Any]:
    """The body of `GET /me`."""
    knobs = world.knobs
    return {
        "id": world.enterprise_id,
        "cancelPendingPayoutsAfterDays": knobs.cancel_pending_payouts_after_days,
        "payoutRequireIdVerification": knobs.payout_require_id_verification,
    }


def balance(world: AirtmWorld) -> dict[str, Any]:
    """The body of `GET /me/balance`; `pending` is what unfinished payouts hold."""
    return {
        "available": number(balances.balance_of(world, balances.AVAILABLE)),
        "pending": number(balances.balance_of(world, balances.PENDING)),
    }


def deposit(world: AirtmWorld, *, amount_stroops: int, kind: str = "funding") -> str:
    """Bring money from outside into the available balance, and return the deposit's id."""
    if kind not in DEPOSIT_TYPES:
        raise ValueError(f"a deposit is one of {', '.join(DEPOSIT_TYPES)}")
    deposit_id, now_ms = new_id(), world.clock.now_ms()
    with world.store.transaction():
        balances.move(
            world, source=balances.OUTSIDE, target=balances.AVAILABLE, stroops=amount_stroops
        )
        world.store.execute(
            "INSERT INTO airtm_deposits (id, type, amount, available, bridge_transaction_id, name,"
            " created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                deposit_id,
                kind,
                amount_stroops,
                balances.balance_of(world, balances.AVAILABLE),
                new_id(),
                "Sandbox deposit",
                now_ms,
                now_ms,
            ),
        )
    return deposit_id


def set_available(world: AirtmWorld, *, amount_stroops: int) -> None:
    """Make the available balance exactly this, with no deposit to show for it."""
    with world.store.transaction():
        change = amount_stroops - balances.balance_of(world, balances.AVAILABLE)
        source, target = balances.OUTSIDE, balances.AVAILABLE
        if change < 0:
            source, target = target, source
        balances.move(world, source=source, target=target, stroops=abs(change))


def get_deposit(world: AirtmWorld, deposit_id: str) -> sqlite3.Row:
    """Raises: AirtmError 415902."""
    row = world.store.one("SELECT * FROM airtm_deposits WHERE id = ?", (deposit_id,))
    if row is None:
        raise AirtmError("415902", "The deposit was not found.")
    return row


def deposit_answer(world: AirtmWorld, row: sqlite3.Row) -> dict[str, Any]:
    """The deposit body; `refundedPayoutId` is there on a payout that bounced."""
    body: dict[str, Any] = {
        "id": row["id"],
        "type": row["type"],
        "amount": number(row["amount"]),
        "currency": "USD",
        "availableBalance": number(row["available"]),
        "bridgeTransactionId": row["bridge_transaction_id"],
        "name": row["name"],
        "metadata": {},
        "enterpriseUserId": world.enterprise_id,
        "createdAt": iso(row["created_at"]),
        "updatedAt": iso(row["updated_at"]),
    }
    if row["refunded_payout_id"]:
        body["refundedPayoutId"] = row["refunded_payout_id"]
    return body

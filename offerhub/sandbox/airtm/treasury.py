"""Withdrawals of the enterprise's own money to a blockchain address.

As at Airtm, a withdrawal carries no reference of the caller's: two equal requests are two
withdrawals.
"""

import re
import sqlite3
from typing import Any

from offerhub.sandbox.airtm import balances
from offerhub.sandbox.airtm.amounts import number
from offerhub.sandbox.airtm.errors import AirtmError
from offerhub.sandbox.airtm.states import NotPossible
from offerhub.sandbox.airtm.validation import Field, amount, one_of, read_body
from offerhub.sandbox.airtm.validation import text as some_text
from offerhub.sandbox.airtm.world import AirtmWorld, TransferRefused, new_id
from offerhub.sandbox.clock import iso

RAIL_OF_TYPE = {"stellar usdc": "stellar", "ethereum usdc": "ethereum"}
_ETHEREUM_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")

CREATE_ACCOUNT = {
    "type": Field(one_of(*RAIL_OF_TYPE)),
    "currency": Field(one_of("USDC")),
    "alias": Field(some_text(longest=255)),
    "address": Field(some_text(longest=255)),
    "memo": Field(some_text(longest=28), required=False),
}
CREATE_WITHDRAWAL = {
    "amount": Field(amount(least_cents=1)),
    "externalAccountId": Field(some_text(longest=64)),
    "paymentRail": Field(
        one_of("wire", "ach", "sepa", "swift", "stellar", "ethereum"), required=False
    ),
}


def create_crypto_account(world: AirtmWorld, raw_body: bytes) -> dict[str, Any]:
    """`POST /crypto-accounts`. Raises: AirtmError 415901 or 415906."""
    body = read_body(raw_body, CREATE_ACCOUNT)
    if not _accepts(world, body["type"], body["address"]):
        raise AirtmError("415906", "body.address is not an address of this type.")
    account_id = new_id()
    with world.store.transaction():
        world.store.execute(
            "INSERT INTO airtm_crypto_accounts (id, type, currency, alias, address, memo,"
            " created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                account_id,
                body["type"],
                body["currency"],
                body["alias"],
                body["address"],
                body["memo"],
                world.clock.now_ms(),
            ),
        )
    return account_answer(_account(world, account_id))


def create_withdrawal(world: AirtmWorld, raw_body: bytes) -> dict[str, Any]:
    """`POST /withdrawals`: takes the money off the balance; the transfer follows.

    Raises: AirtmError 415901, 415906, 415902 for the account, 415047 for the balance.
    """
    body = read_body(raw_body, CREATE_WITHDRAWAL)
    account = _account(world, body["externalAccountId"])
    rail = RAIL_OF_TYPE[account["type"]]
    if body["paymentRail"] not in (None, rail):
        raise AirtmError("415906", f"body.paymentRail must be {rail} for this account.")
    knobs = world.knobs
    withdrawal_id, now_ms = new_id(), world.clock.now_ms()
    with world.store.transaction():
        try:
            balances.move(
                world,
                source=balances.AVAILABLE,
                target=balances.WITHDRAWING,
                stroops=body["amount"],
            )
        except balances.NotEnough as error:
            raise AirtmError("415047", "The balance is not enough to withdraw.") from error
        world.store.execute(
            "INSERT INTO airtm_withdrawals (id, account_id, status, amount, payment_rail, due_at,"
            " created_at, updated_at) VALUES (?, ?, 'CREATED', ?, ?, ?, ?, ?)",
            (
                withdrawal_id,
                account["id"],
                body["amount"],
                rail,
                now_ms + knobs.withdrawal_delay_ms if knobs.withdrawal_auto else None,
                now_ms,
                now_ms,
            ),
        )
    return withdrawal_answer(world, get_withdrawal(world, withdrawal_id))


def get_withdrawal(world: AirtmWorld, withdrawal_id: str) -> sqlite3.Row:
    """Raises: AirtmError 415902."""
    row = world.store.one("SELECT * FROM airtm_withdrawals WHERE id = ?", (withdrawal_id,))
    if row is None:
        raise AirtmError("415902", "The withdrawal was not found.")
    return row


def complete(world: AirtmWorld, withdrawal_id: str) -> dict[str, Any]:
    """Send the money; a Stellar one arrives on the sandbox chain in the same transaction.

    A transfer that the chain refuses ends FAILED with the money back. Raises: NotPossible.
    """
    with world.store.transaction():
        withdrawal = _open(world, withdrawal_id, action="complete")
        account = _account(world, withdrawal["account_id"])
        tx_hash = None
        if withdrawal["payment_rail"] == "stellar":
            try:
                with world.store.transaction():
                    tx_hash = world.stellar.send_usdc(
                        to=account["address"],
                        amount_stroops=withdrawal["amount"],
                        memo=account["memo"],
                    )
            except TransferRefused as error:
                return fail(world, withdrawal_id, reason=str(error))
        _close(world, withdrawal, "COMPLETED", to=balances.OUTSIDE, tx_hash=tx_hash)
        return withdrawal_answer(world, get_withdrawal(world, withdrawal_id))


def fail(world: AirtmWorld, withdrawal_id: str, *, reason: str) -> dict[str, Any]:
    """End FAILED; the money is available again. Raises: NotPossible."""
    with world.store.transaction():
        withdrawal = _open(world, withdrawal_id, action="fail")
        _close(world, withdrawal, "FAILED", to=balances.AVAILABLE, reason=reason)
        return withdrawal_answer(world, get_withdrawal(world, withdrawal_id))


def account_answer(row: sqlite3.Row) -> dict[str, Any]:
    body = {name: row[name] for name in ("id", "type", "currency", "alias", "address")}
    if row["memo"]:
        body["memo"] = row["memo"]
    return {**body, "createdAt": iso(row["created_at"])}


def withdrawal_answer(world: AirtmWorld, row: sqlite3.Row) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": row["id"],
        "status": row["status"],
        "amount": number(row["amount"]),
        "paymentRail": row["payment_rail"],
        "accountDetail": account_answer(_account(world, row["account_id"])),
        "createdAt": iso(row["created_at"]),
        "updatedAt": iso(row["updated_at"]),
    }
    if row["failure_reason"]:
        body["failureReason"] = row["failure_reason"]
    return body


def _open(world: AirtmWorld, withdrawal_id: str, *, action: str) -> sqlite3.Row:
    withdrawal = get_withdrawal(world, withdrawal_id)
    if withdrawal["status"] != "CREATED":
        raise NotPossible(status=withdrawal["status"], action=action)
    return withdrawal


def _close(
    world: AirtmWorld,
    withdrawal: sqlite3.Row,
    status: str,
    *,
    to: str,
    tx_hash: str | None = None,
    reason: str | None = None,
) -> None:
    balances.move(world, source=balances.WITHDRAWING, target=to, stroops=withdrawal["amount"])
    world.store.execute(
        "UPDATE airtm_withdrawals SET status = ?, failure_reason = ?, stellar_tx_hash = ?,"
        " due_at = NULL, updated_at = ? WHERE id = ?",
        (status, reason, tx_hash, world.clock.now_ms(), withdrawal["id"]),
    )


def _accepts(world: AirtmWorld, account_type: str, address: str) -> bool:
    if account_type == "stellar usdc":
        return world.stellar.accepts_address(address)
    return _ETHEREUM_ADDRESS.fullmatch(address) is not None


def _account(world: AirtmWorld, account_id: str) -> sqlite3.Row:
    row = world.store.one("SELECT * FROM airtm_crypto_accounts WHERE id = ?", (account_id,))
    if row is None:
        raise AirtmError("415902", "The external account was not found.")
    return row

"""Payouts: money from the enterprise balance to an Airtm user named by e-mail.

`create`, `commit` and `cancel` are calls of the API; `advance` is Airtm's own progress; the
other verbs are for control. Each holds one store transaction and queues its webhook in it.
"""

import sqlite3
from typing import Any

from offerhub.sandbox.airtm import balances, events, users
from offerhub.sandbox.airtm.amounts import STROOPS_PER_USD, fee_of, number
from offerhub.sandbox.airtm.errors import AirtmError
from offerhub.sandbox.airtm.states import next_payout_status
from offerhub.sandbox.airtm.validation import Field, amount, boolean, read_body
from offerhub.sandbox.airtm.validation import email as some_email
from offerhub.sandbox.airtm.validation import text as some_text
from offerhub.sandbox.airtm.world import AirtmWorld, new_id
from offerhub.sandbox.clock import iso

LEAST_IN_UNITED_STATES = 1 * STROOPS_PER_USD
MOST_RECEIVED_UNVERIFIED = 1000 * STROOPS_PER_USD
DAY_MS = 24 * 3600 * 1000

# Only these four are announced; a payout that is processing or pending has to be asked for.
ANNOUNCED = {
    "CREATED": "payout.created",
    "COMPLETED": "payout.completed",
    "FAILED": "payout.failed",
    "CANCELED": "payout.canceled",
}

CREATE = {
    "airtmUserEmail": Field(some_email),
    "amount": Field(amount(least_cents=1)),
    "notes": Field(some_text(longest=255)),
    "code": Field(some_text(longest=255), required=False),
    "commit": Field(boolean, required=False, default=False),
    "enterpriseFee": Field(amount(least_cents=0), required=False, default=0),
    "internalNote": Field(some_text(longest=255), required=False),
    "requireIdVerified": Field(boolean, required=False, default=False),
}


def create(world: AirtmWorld, raw_body: bytes) -> dict[str, Any]:
    """`POST /payouts`: reserves the money, and commits at once when asked to.

    Raises: AirtmError 415901, 415906, 415056, 415058, 415016, or what `users.recipient` raises.
    """
    body = read_body(raw_body, CREATE)
    knobs = world.knobs
    if body["requireIdVerified"] and not knobs.payout_require_id_verification:
        raise AirtmError("415906", "body.requireIdVerified is not enabled for this account.")
    if body["enterpriseFee"] >= body["amount"]:
        raise AirtmError("415906", "body.enterpriseFee must be below the amount.")
    deducted = body["amount"] - body["enterpriseFee"]
    fee = fee_of(deducted, rate_bps=knobs.payout_fee_bps)
    if fee >= deducted:
        raise AirtmError("415035", "The amount is too small for its fee.")
    with world.store.transaction():
        if body["code"] is not None and _by_code(world, body["code"]) is not None:
            raise AirtmError("415056", "A payout with this code already exists.")
        user = users.recipient(world, body["airtmUserEmail"])
        if user["country"] in users.UNITED_STATES and body["amount"] < LEAST_IN_UNITED_STATES:
            raise AirtmError("415058", "The amount is below the minimum for this recipient.")
        payout_id = _insert(world, body, user, deducted=deducted, fee=fee)
        _reserve(world, deducted)
        _note(world, get(world, payout_id), previous=None)
        if body["commit"]:
            commit(world, payout_id)
        return answer(world, get(world, payout_id))


def get(world: AirtmWorld, payout_id: str) -> sqlite3.Row:
    """Raises: AirtmError 415005."""
    return _found(world.store.one("SELECT * FROM airtm_payouts WHERE id = ?", (payout_id,)))


def get_by_code(world: AirtmWorld, code: str) -> sqlite3.Row:
    """Raises: AirtmError 415005."""
    return _found(_by_code(world, code))


def commit(world: AirtmWorld, payout_id: str) -> None:
    """CREATED to COMMITTED. Raises: AirtmError 415005, or 415027 when it was processed already."""
    with world.store.transaction():
        payout = get(world, payout_id)
        if payout["status"] != "CREATED":
            raise AirtmError("415027", "The payout was already processed.")
        step(world, payout, "commit")


def cancel(world: AirtmWorld, payout_id: str) -> dict[str, Any]:
    """`DELETE /payouts/{id}`. Raises: AirtmError 415005, or 415055 unless CREATED or PENDING."""
    with world.store.transaction():
        payout = get(world, payout_id)
        if payout["status"] not in ("CREATED", "PENDING"):
            raise AirtmError("415055", "The payout cannot be canceled: it is not pending.")
        return step(world, payout, "cancel")


def advance(world: AirtmWorld, payout_id: str) -> None:
    """Airtm's own next step of a payout whose time has come; safe to repeat."""
    with world.store.transaction():
        payout = get(world, payout_id)
        status = payout["status"]
        if status == "COMMITTED":
            step(world, payout, "process")
        elif status == "PENDING":
            step(world, payout, "cancel", reason="The recipient did not act in time.")
        elif status == "PROCESSING":
            reason = _waits_for(world, payout)
            if reason is None:
                step(world, payout, "complete")
            else:
                step(world, payout, "wait", reason_code=reason[0], reason=reason[1])


def step(
    world: AirtmWorld,
    payout: sqlite3.Row,
    action: str,
    *,
    reason_code: str | None = None,
    reason: str | None = None,
) -> dict[str, Any]:
    """Take one step of the status table, move the money it means, and record it.

    Joins the caller's transaction. Raises: NotPossible when the table has no such step.
    """
    status = next_payout_status(payout["status"], action)
    with world.store.transaction():
        if status == "COMPLETED":
            _pay_out(world, payout)
        elif status in ("FAILED", "CANCELED"):
            balances.move(
                world,
                source=balances.PENDING,
                target=balances.AVAILABLE,
                stroops=payout["amount"],
            )
        now_ms = max(world.clock.now_ms(), payout["updated_at"] + 1)
        wait_ms = _wait_ms(world, status)
        world.store.execute(
            "UPDATE airtm_payouts SET status = ?, shown_status = NULL, reason_code = ?,"
            " reason_description = ?, due_at = ?, updated_at = ? WHERE id = ?",
            (
                status,
                reason_code,
                reason,
                None if wait_ms is None else now_ms + wait_ms,
                now_ms,
                payout["id"],
            ),
        )
        changed = get(world, payout["id"])
        _note(world, changed, previous=payout["status"])
        return answer(world, changed)


def answer(world: AirtmWorld, payout: sqlite3.Row) -> dict[str, Any]:
    """The PayoutResponse body."""
    body: dict[str, Any] = {
        "id": payout["id"],
        "hash": payout["hash"],
        "airtmUserId": payout["user_id"],
        "airtmUserEmail": payout["user_email"],
        "status": payout["shown_status"] or payout["status"],
        "grossAmount": number(payout["gross_amount"]),
        "amount": number(payout["amount"]),
        "netAmount": number(payout["net_amount"]),
        "airtmFee": number(payout["airtm_fee"]),
        "enterpriseFee": number(payout["enterprise_fee"]),
        "notes": payout["notes"],
        "requireIdVerified": bool(payout["require_id_verified"]),
        "createdAt": iso(payout["created_at"]),
        "updatedAt": iso(payout["updated_at"]),
    }
    optional = {
        "code": "code",
        "internalNote": "internal_note",
        "reasonDescription": "reason_description",
    }
    body.update({name: payout[column] for name, column in optional.items() if payout[column]})
    code = payout["reason_code"]
    if code is not None:
        # The schema says string and its example shows a number: a client has to take both.
        as_number = world.knobs.reason_code_as_number and str(code).isdecimal()
        body["reasonCode"] = int(code) if as_number else code
    return body


def _insert(
    world: AirtmWorld, body: dict[str, Any], user: sqlite3.Row, *, deducted: int, fee: int
) -> str:
    payout_id, now_ms = new_id(), world.clock.now_ms()
    world.store.execute(
        "INSERT INTO airtm_payouts (id, code, hash, status, gross_amount, amount, net_amount,"
        " airtm_fee, enterprise_fee, user_id, user_email, notes, internal_note,"
        " require_id_verified, created_at, updated_at)"
        " VALUES (?, ?, ?, 'CREATED', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            payout_id,
            body["code"],
            new_id().replace("-", ""),
            body["amount"],
            deducted,
            deducted - fee,
            fee,
            body["enterpriseFee"],
            user["id"],
            user["email"],
            body["notes"],
            body["internalNote"],
            body["requireIdVerified"],
            now_ms,
            now_ms,
        ),
    )
    return payout_id


def _reserve(world: AirtmWorld, stroops: int) -> None:
    try:
        balances.move(world, source=balances.AVAILABLE, target=balances.PENDING, stroops=stroops)
    except balances.NotEnough as error:
        raise AirtmError("415016", "The enterprise balance is not enough.") from error


def _pay_out(world: AirtmWorld, payout: sqlite3.Row) -> None:
    for target, stroops in (
        (balances.wallet_of(payout["user_id"]), payout["net_amount"]),
        (balances.AIRTM_FEES, payout["airtm_fee"]),
    ):
        balances.move(world, source=balances.PENDING, target=target, stroops=stroops)


def _waits_for(world: AirtmWorld, payout: sqlite3.Row) -> tuple[str | None, str] | None:
    """Reason code and text when the recipient has to act first, else None."""
    user = users.find_by_id(world, payout["user_id"])
    if user["status"] == "unregistered":
        return "415912", "Waiting for the recipient to open an account."
    must_verify = payout["require_id_verified"] or payout["net_amount"] > MOST_RECEIVED_UNVERIFIED
    if must_verify and not user["is_verified"]:
        return None, "Waiting for the recipient to verify their identity."
    return None


def _wait_ms(world: AirtmWorld, status: str) -> int | None:
    """How long a status lasts when nobody intervenes; None for ever."""
    knobs = world.knobs
    if status in ("COMMITTED", "PROCESSING"):
        return knobs.payout_step_delay_ms if knobs.payout_auto else None
    if status == "PENDING":
        return knobs.cancel_pending_payouts_after_days * DAY_MS
    return None


def _note(world: AirtmWorld, payout: sqlite3.Row, *, previous: str | None) -> None:
    status = payout["status"]
    events.append(
        world,
        operation_id=payout["id"],
        operation_type="PAYOUT",
        event_type=ANNOUNCED.get(status, f"payout.{status.lower()}"),
        previous_status=previous,
        new_status=status,
        reason_code=payout["reason_code"],
        reason=payout["reason_description"],
    )
    silent = status == "CANCELED" and not world.knobs.announce_cancellations
    if status in ANNOUNCED and not silent:
        world.announce(ANNOUNCED[status], answer(world, payout))


def _by_code(world: AirtmWorld, code: str) -> sqlite3.Row | None:
    return world.store.one("SELECT * FROM airtm_payouts WHERE code = ?", (code,))


def _found(row: sqlite3.Row | None) -> sqlite3.Row:
    if row is None:
        raise AirtmError("415005", "The payout was not found.")
    return row

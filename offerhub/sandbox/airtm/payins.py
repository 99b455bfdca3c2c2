"""Pay-ins: money from an Airtm user's wallet into the enterprise balance.

`create` and `cancel` are calls of the API; the checkout page and control call the rest. Each holds
one store transaction and queues its webhook in it.
"""

import sqlite3
from typing import Any

from offerhub.sandbox import wire
from offerhub.sandbox.airtm import balances, events, users
from offerhub.sandbox.airtm.amounts import fee_of, number
from offerhub.sandbox.airtm.errors import AirtmError
from offerhub.sandbox.airtm.states import NotPossible, next_payin_status
from offerhub.sandbox.airtm.validation import Field, amount, quantity, read_body, read_object
from offerhub.sandbox.airtm.validation import text as some_text
from offerhub.sandbox.airtm.validation import url as some_url
from offerhub.sandbox.airtm.world import AirtmWorld, new_id
from offerhub.sandbox.clock import iso

LIFETIME_MS = 15 * 24 * 3600 * 1000
LONGEST_CODE = 255

ITEM = {
    "description": Field(some_text(longest=250)),
    "amount": Field(amount(least_cents=1)),
    "quantity": Field(quantity),
}


def _items(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not value:
        raise ValueError("must be a list with at least one item")
    return [read_object(item, ITEM, where=f"items[{at}]") for at, item in enumerate(value)]


CREATE = {
    "code": Field(some_text(longest=LONGEST_CODE)),
    "amount": Field(amount(least_cents=1)),
    "description": Field(some_text(longest=250)),
    "items": Field(_items),
    "confirmationUri": Field(some_url),
    "cancelUri": Field(some_url),
}


def create(world: AirtmWorld, raw_body: bytes) -> dict[str, Any]:
    """`POST /payins`. Raises: AirtmError 415901, 415906 or 415029."""
    body = read_body(raw_body, CREATE)
    total = sum(item["amount"] * item["quantity"] for item in body["items"])
    if total != body["amount"]:
        raise AirtmError("415906", "body.amount is not the sum of the items.")
    payin_id, now_ms = new_id(), world.clock.now_ms()
    fee = fee_of(body["amount"], rate_bps=world.knobs.payin_fee_bps)
    items = [
        {
            "id": new_id(),
            "payinId": payin_id,
            "description": item["description"],
            "amount": number(item["amount"]),
            "quantity": item["quantity"],
        }
        for item in body["items"]
    ]
    with world.store.transaction():
        if world.store.one("SELECT 1 FROM airtm_payins WHERE code = ?", (body["code"],)):
            raise AirtmError("415029", "A payin with this code already exists.")
        world.store.execute(
            "INSERT INTO airtm_payins (id, code, hash, status, amount, net_amount, airtm_fee,"
            " description, items, confirmation_uri, cancel_uri, due_at, created_at, updated_at)"
            " VALUES (?, ?, ?, 'CREATED', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                payin_id,
                body["code"],
                new_id().replace("-", ""),
                body["amount"],
                body["amount"] - fee,
                fee,
                body["description"],
                wire.dumps(items),
                body["confirmationUri"],
                body["cancelUri"],
                now_ms + LIFETIME_MS,
                now_ms,
                now_ms,
            ),
        )
        return _after_step(world, payin_id, event_type="payin.created", previous=None)


def get(world: AirtmWorld, payin_id: str) -> sqlite3.Row:
    """Raises: AirtmError 415031."""
    return _found(world.store.one("SELECT * FROM airtm_payins WHERE id = ?", (payin_id,)))


def get_by_code(world: AirtmWorld, code: str) -> sqlite3.Row:
    """Raises: AirtmError 415031."""
    return _found(world.store.one("SELECT * FROM airtm_payins WHERE code = ?", (code,)))


def pay(world: AirtmWorld, payin_id: str, *, email: str, late: bool = False) -> dict[str, Any]:
    """The user with `email` confirms at checkout; the money leaves the wallet at once.

    late: allow it on a CANCELED pay-in, as when the payer was faster than the cancellation.
    Without enough money in the wallet the pay-in ends FAILED.
    Raises: AirtmError 415059, 415009 or 415053 about the payer, 415032 or 415030 about the pay-in.
    """
    with world.store.transaction():
        payin = get(world, payin_id)
        payer = _payer(world, email)
        action = "pay_late" if late and payin["status"] == "CANCELED" else "pay"
        status = _next(payin, action)
        world.store.execute(
            "UPDATE airtm_payins SET user_id = ?, user_email = ? WHERE id = ?",
            (payer["id"], payer["email"], payin_id),
        )
        try:
            balances.move(
                world,
                source=balances.wallet_of(payer["id"]),
                target=_held(payin_id),
                stroops=payin["amount"],
            )
        except balances.NotEnough:
            return fail(world, payin_id, reason="The payer's balance is not enough.")
        _set(world, payin, status, due_in_ms=world.knobs.payin_settle_delay_ms)
        if world.knobs.payin_settle_delay_ms:
            return answer(get(world, payin_id))
        return confirm(world, payin_id)


def confirm(world: AirtmWorld, payin_id: str) -> dict[str, Any]:
    """PROCESSING to CONFIRMED: the net amount is ours, the fee is Airtm's."""
    with world.store.transaction():
        payin = get(world, payin_id)
        status = _next(payin, "confirm")
        for target, stroops in (
            (balances.AVAILABLE, payin["net_amount"]),
            (balances.AIRTM_FEES, payin["airtm_fee"]),
        ):
            balances.move(world, source=_held(payin_id), target=target, stroops=stroops)
        _set(world, payin, status)
        return _after_step(world, payin_id, event_type="payin.confirmed", previous=payin["status"])


def fail(world: AirtmWorld, payin_id: str, *, reason: str) -> dict[str, Any]:
    """To FAILED; a payer who had paid gets the money back."""
    with world.store.transaction():
        payin = get(world, payin_id)
        status = _next(payin, "fail")
        _give_back(world, payin)
        _set(world, payin, status, failure_reason=reason)
        return _after_step(world, payin_id, event_type="payin.failed", previous=payin["status"])


def cancel(world: AirtmWorld, payin_id: str, *, processing_too: bool = False) -> dict[str, Any]:
    """To CANCELED. processing_too: also after the payer confirmed, which only Airtm itself can do.

    Raises: AirtmError 415032 when it is final, 415030 when it can no longer be cancelled.
    """
    with world.store.transaction():
        payin = get(world, payin_id)
        status = _next(payin, "cancel")
        if payin["status"] == "PROCESSING" and not processing_too:
            raise AirtmError("415030", "The payin can no longer be canceled.")
        _give_back(world, payin)
        _set(world, payin, status)
        kind = "payin.canceled" if world.knobs.announce_cancellations else None
        return _after_step(world, payin_id, event_type=kind, previous=payin["status"])


def answer(payin: sqlite3.Row) -> dict[str, Any]:
    """The PayinResponse body."""
    body: dict[str, Any] = {
        "id": payin["id"],
        "code": payin["code"],
        "hash": payin["hash"],
        "status": payin["shown_status"] or payin["status"],
        "amount": number(payin["amount"]),
        "netAmount": number(payin["net_amount"]),
        "airtmFee": number(payin["airtm_fee"]),
        "description": payin["description"],
        "items": wire.loads(payin["items"]),
        "confirmationUri": payin["confirmation_uri"],
        "cancelUri": payin["cancel_uri"],
        "createdAt": iso(payin["created_at"]),
        "updatedAt": iso(payin["updated_at"]),
    }
    optional = {
        "airtmUserId": "user_id",
        "airtmUserEmail": "user_email",
        "failureReason": "failure_reason",
    }
    body.update({name: payin[column] for name, column in optional.items() if payin[column]})
    return body


def _payer(world: AirtmWorld, email: str) -> sqlite3.Row:
    payer = users.find(world, email)
    if payer is None or payer["status"] == "unregistered":
        raise AirtmError("415059", "The payer was not found.")
    if payer["status"] != "active":
        raise AirtmError("415009", "The payer's account is inactive.")
    if payer["country"] in users.UNITED_STATES:
        raise AirtmError("415053", "Users in the United States cannot make payins.")
    return payer


def _next(payin: sqlite3.Row, action: str) -> str:
    try:
        return next_payin_status(payin["status"], action)
    except NotPossible as error:
        code = "415032" if payin["status"] == "CONFIRMED" else "415030"
        raise AirtmError(code, f"The payin {error}.") from error


def _set(
    world: AirtmWorld,
    payin: sqlite3.Row,
    status: str,
    *,
    due_in_ms: int = 0,
    failure_reason: str | None = None,
) -> None:
    now_ms = max(world.clock.now_ms(), payin["updated_at"] + 1)
    world.store.execute(
        "UPDATE airtm_payins SET status = ?, shown_status = NULL, due_at = ?, failure_reason = ?,"
        " updated_at = ? WHERE id = ?",
        (status, now_ms + due_in_ms if due_in_ms else None, failure_reason, now_ms, payin["id"]),
    )


def _after_step(
    world: AirtmWorld, payin_id: str, *, event_type: str | None, previous: str | None
) -> dict[str, Any]:
    payin = get(world, payin_id)
    events.append(
        world,
        operation_id=payin_id,
        operation_type="PAYIN",
        event_type=event_type or "payin.canceled",
        previous_status=previous,
        new_status=payin["status"],
        reason=payin["failure_reason"],
    )
    body = answer(payin)
    if event_type is not None:
        world.announce(event_type, body)
    return body


def _give_back(world: AirtmWorld, payin: sqlite3.Row) -> None:
    held = balances.balance_of(world, _held(payin["id"]))
    if held:
        balances.move(
            world,
            source=_held(payin["id"]),
            target=balances.wallet_of(payin["user_id"]),
            stroops=held,
        )


def _held(payin_id: str) -> str:
    return f"payin:{payin_id}"


def _found(row: sqlite3.Row | None) -> sqlite3.Row:
    if row is None:
        raise AirtmError("415031", "The payin was not found.")
    return row

"""Movements of the platform's own money, by the operator: recorded, or started where we can pay.

- Money that came to or left a rail by other hands is recorded.
- Money that is to leave the chain is paid by us (`treasury.payment`), once, like any payment.
- From one rail to the other it is under way for hours or days: it leaves the one (OUT with
  `toward`), is in transit, and arrives at the other (IN with `transit`). The sheet balances
  throughout. Airtm's own withdrawal to the chain has no idempotency key, so an operator asks for it
  in Airtm's dashboard and records it here; we never repeat it.
"""

from dataclasses import dataclass
from typing import Any

from offerhub.domain.errors import ValidationFailed
from offerhub.ledger import accounts, adjustments, journal
from offerhub.ledger.transfers import NewTransfer
from offerhub.services import audit, operations
from offerhub.services.context import Context
from offerhub.services.destinations import check_chain
from offerhub.services.treasury import balance_sheet
from offerhub.store import leases
from offerhub.store import operations as operations_store
from offerhub.store.database import atomic

LAST = "treasury.last_movement"
RAILS = {"AIRTM": accounts.AIRTM_TREASURY, "STELLAR": accounts.STELLAR_TREASURY}


@dataclass(frozen=True, slots=True)
class Movement:
    """As the operator asks for it. rail: AIRTM or STELLAR; direction: IN or OUT.

    reference: the operator's own, once for ever. destination, memo: a chain address that is to be
    paid. toward: the other rail. transit: the id under which it is on its way.
    """

    rail: str
    direction: str
    amount_stroops: int
    reason: str
    reference: str
    destination: str | None = None
    memo: str | None = None
    toward: str | None = None
    transit: str | None = None


def check(ctx: Context, movement: Movement) -> None:
    """What can be known before: shape, and whether the address can be paid.

    Not inside a transaction. Raises: INVALID_AMOUNT, VALIDATION_ERROR,
    WITHDRAWAL_DESTINATION_INVALID; provider failures.
    """
    adjustments.check_by_hand(movement.amount_stroops)
    out = movement.direction == "OUT"
    if movement.transit is not None and out:
        raise ValidationFailed("transit", "Only what comes IN can have been in transit.")
    if movement.toward is not None and (not out or movement.toward == movement.rail):
        raise ValidationFailed("toward", "Only what goes OUT can go toward the other rail.")
    if movement.rail == "STELLAR" and not out and movement.transit is None:
        raise ValidationFailed("direction", "What arrives on chain is booked from the chain.")
    if movement.destination is None:
        if movement.memo is not None:
            raise ValidationFailed("memo", "A memo goes with a destination.")
        return
    if movement.rail != "STELLAR" or not out:
        raise ValidationFailed("destination", "Only what goes OUT of STELLAR can be paid by us.")
    check_chain(
        ctx, movement.destination, memo=movement.memo, amount_stroops=movement.amount_stroops
    )


def move(ctx: Context, movement: Movement) -> dict[str, Any]:
    """Record it, or start the payment, after `check`; the sheet with what was made. Commits.

    Raises: VALIDATION_ERROR for a used reference or nothing in transit.
    """
    with atomic():
        # Written first, so that movements wait for each other: what is in transit, and which
        # references were used, is read below, and must not change before the commit.
        leases.set_flag(LAST, movement.reference, now=ctx.now_ms())
        _require_new(movement)
        made: dict[str, Any] = {"transfer_id": None, "operation_id": None, "transit": None}
        if movement.destination is not None:
            made |= _start(ctx, movement)
        else:
            made |= _post(ctx, movement)
        audit.record(
            ctx, action="treasury.start" if made["operation_id"] else "treasury.record",
            resource_type="treasury", resource_id=RAILS[movement.rail],
            after={
                "direction": movement.direction, "amount_stroops": movement.amount_stroops,
                "reason": movement.reason, "reference": movement.reference,
                "destination": movement.destination, "toward": movement.toward, **made,
            },
        )  # fmt: skip
        return {**balance_sheet(ctx), "movement": {"reference": movement.reference, **made}}


def _require_new(movement: Movement) -> None:
    kinds = ("treasury_recorded", "treasury_sent", "treasury_arrived")
    used = any(journal.was_posted(f"{kind}:{movement.reference}") for kind in kinds)
    if used or operations_store.is_live(operations.TREASURY_PAYMENT, movement.reference):
        raise ValidationFailed("reference", "This reference was used before.")


def _start(ctx: Context, movement: Movement) -> dict[str, Any]:
    row = operations.start(
        ctx, kind=operations.TREASURY_PAYMENT, subject_type="treasury",
        subject_id=movement.reference,
        params={
            "destination": movement.destination, "memo": movement.memo,
            "amount_stroops": movement.amount_stroops, "reference": movement.reference,
            "toward": movement.toward,
        },
    )  # fmt: skip
    return {"operation_id": row.id, "transit": row.id if movement.toward else None}


def _post(ctx: Context, movement: Movement) -> dict[str, Any]:
    transit = movement.transit
    if movement.toward is not None:
        transit = movement.reference
    posted = journal.post(_transfer(movement), now_ms=ctx.now_ms())
    return {"transfer_id": posted.transfer_id, "transit": transit}


def _transfer(movement: Movement) -> NewTransfer:
    account, amount = RAILS[movement.rail], movement.amount_stroops
    if movement.toward is not None:
        return adjustments.treasury_sent(
            reference=movement.reference, account=account, transit=movement.reference,
            amount=amount,
        )  # fmt: skip
    if movement.transit is None:
        amount_in = amount if movement.direction == "IN" else 0
        return adjustments.treasury_recorded(
            reference=movement.reference, account=account, amount_in=amount_in,
            amount_out=amount - amount_in,
        )  # fmt: skip
    sent = journal.balance(accounts.in_transit(movement.transit))
    if sent <= 0:
        raise ValidationFailed("transit", "Nothing is in transit under this id.")
    if amount > sent:
        raise ValidationFailed("amount", "More than is in transit cannot arrive.")
    return adjustments.treasury_arrived(
        reference=movement.reference, account=account, transit=movement.transit, sent=sent,
        arrived=amount if movement.rail == "AIRTM" else 0,
    )  # fmt: skip

"""What an escrow contract paid out: posted as it moved; the order closed when all is settled."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from offerhub.domain.fees import BPS, PROTOCOL_FEE_BPS
from offerhub.domain.orders import MILESTONE
from offerhub.ledger import journal, payouts
from offerhub.services import audit
from offerhub.services.announcements import NewEvent, announce
from offerhub.services.context import Context
from offerhub.services.escrows import change_escrow, escrow_event, require_escrow_for_update
from offerhub.services.orders import (
    balance_event,
    change,
    order_event,
    require_order_for_update,
    shown_now,
)
from offerhub.services.representations import escrow as show_escrow
from offerhub.services.representations import milestone as show_milestone
from offerhub.services.steps import Contradiction
from offerhub.store import orders as store

PROTOCOL_FEE_TOLERANCE_STROOPS = 10  # floors taken part by part may differ by a few
SETTLED = ("RELEASED", "REFUNDED")
# Ending a whole order ends its milestones wherever they are: the buyer's approval of all stands for
# each completion, and a refund is on chain the buyer's dispute and the platform's decision.
_ON_THE_WAY = {"RELEASED": "COMPLETED", "REFUNDED": "DISPUTED"}
_KIND = {"RELEASED": payouts.RELEASED, "REFUNDED": payouts.REFUNDED, "SPLIT": payouts.SPLIT}


@dataclass(frozen=True, slots=True)
class Paid:
    """Stroops that left a contract in one transaction, by recipient."""

    to_buyer: int
    to_seller: int
    to_platform: int
    to_protocol: int


def apply_payout(
    ctx: Context,
    order_id: str,
    *,
    position: int | None,
    outcome: str,
    transfers: Sequence[dict[str, Any]],
    tx_hash: str,
) -> None:
    """Post one payout of an order's contract. Inside the caller's transaction.

    position: of the milestone that was paid; None for a single-release escrow. outcome: RELEASED,
    REFUNDED or SPLIT. transfers: the transaction's USDC movements (from, to, amount in stroops).
    Raises: Contradiction when they are no such payout; nothing is then posted.
    """
    order = require_order_for_update(order_id)
    escrow = require_escrow_for_update(order_id)
    milestone = _milestone(order_id, position)
    owed = milestone.amount if milestone else escrow.amount
    paid = _paid(escrow, transfers, owed=owed, outcome=outcome, tx_hash=tx_hash)
    posted = journal.post(
        payouts.escrow_paid_out(
            kind=_KIND[outcome],
            reference=milestone.id if milestone else order.id,
            order_id=order.id,
            buyer_id=order.buyer_id,
            seller_id=order.seller_id,
            owed=owed,
            to_buyer=paid.to_buyer,
            to_seller=paid.to_seller,
            to_platform=paid.to_platform,
            to_protocol=paid.to_protocol,
        ),
        now_ms=ctx.now_ms(),
    )
    escrow.release_tx_hash = tx_hash
    escrow.updated_at = ctx.now_ms()
    escrow.save(only=["release_tx_hash", "updated_at"])
    events: list[NewEvent] = []
    if milestone is not None:
        events += _settle_milestone(ctx, order, milestone, outcome)
    for user_id, amount in ((order.buyer_id, paid.to_buyer), (order.seller_id, paid.to_seller)):
        if amount > 0:
            events.append(
                balance_event(
                    "balance.credited", user_id, amount, posted.transfer_id, "order", order.id
                )
            )
    audit.record(
        ctx, action="escrow.paid_out", resource_type="order", resource_id=order.id,
        after={"outcome": outcome, "milestone": milestone and milestone.milestone_ref,
               "tx_hash": tx_hash, "escrow": show_escrow(escrow)},
    )  # fmt: skip
    announce(ctx, *events)


def finish_if_settled(ctx: Context, order_id: str) -> None:
    """Close the order once nothing is left in its escrow, else let it go on.

    Inside the caller's transaction, after the last step of whatever paid out.
    """
    order = require_order_for_update(order_id)
    escrow = require_escrow_for_update(order_id)
    outcomes = _outcomes(order, escrow)
    if None in outcomes:
        _go_on(ctx, order, escrow)
        return
    resolution = "SPLIT" if "SPLIT" in outcomes or len(set(outcomes)) > 1 else str(outcomes[0])
    escrow.resolution = resolution
    if escrow.status == "FUNDED":
        change_escrow(ctx, escrow, "RELEASING")
    refunded = escrow.status == "REFUNDING" or resolution == "REFUNDED"
    change_escrow(ctx, escrow, "REFUNDED" if refunded else "RELEASED")
    before = order.status
    events = [
        escrow_event("escrow.refunded" if refunded else "escrow.released", order, escrow),
        *_close(ctx, order, resolution),
    ]
    audit.record(
        ctx, action="order.settled", resource_type="order", resource_id=order.id,
        before={"status": before}, after=shown_now(order),
    )  # fmt: skip
    announce(ctx, *events)


def milestones_left(order_id: str) -> list[store.Milestone]:
    """Milestones that are neither released nor refunded, by position."""
    return [m for m in store.milestones_of([order_id]) if m.status not in SETTLED]


def _close(ctx: Context, order: store.Order, resolution: str) -> list[NewEvent]:
    events = []
    if order.status == "IN_PROGRESS":
        change(ctx, order, "RELEASE_REQUESTED")
    if order.status == "RELEASE_REQUESTED" or (
        order.status == "DISPUTED" and resolution == "RELEASED"
    ):
        change(ctx, order, "RELEASED")
        events.append(order_event("order.released", order))
    elif order.status == "REFUND_REQUESTED" or (
        order.status == "DISPUTED" and resolution == "REFUNDED"
    ):
        change(ctx, order, "REFUNDED")
        events.append(order_event("order.refunded", order))
    change(ctx, order, "CLOSED", resolution=resolution)
    events.append(order_event("order.closed", order))
    return events


def _go_on(ctx: Context, order: store.Order, escrow: store.Escrow) -> None:
    """Milestones are left: what was disputed is in progress again."""
    if order.status != "DISPUTED":
        return
    change_escrow(ctx, escrow, "FUNDED")
    change(ctx, order, "IN_PROGRESS")
    announce(ctx, order_event("order.in_progress", order))


def _outcomes(order: store.Order, escrow: store.Escrow) -> list[str | None]:
    """How each part of the escrow was settled: one per milestone, or one for the whole."""
    paid = {
        kind: set(journal.references(order.id, kind=builder)) for kind, builder in _KIND.items()
    }

    def outcome(reference: str) -> str | None:
        return next((kind for kind, references in paid.items() if reference in references), None)

    if escrow.kind == "SINGLE_RELEASE":
        return [outcome(order.id)]
    return [outcome(milestone.id) for milestone in store.milestones_of([order.id])]


def _settle_milestone(
    ctx: Context, order: store.Order, milestone: store.Milestone, outcome: str
) -> list[NewEvent]:
    target = "REFUNDED" if outcome == "REFUNDED" else "RELEASED"
    if target not in MILESTONE.allowed(milestone.status):
        milestone.status = MILESTONE.check(
            milestone.status, _ON_THE_WAY[target], resource_id=milestone.id
        )
    milestone.status = MILESTONE.check(milestone.status, target, resource_id=milestone.id)
    milestone.updated_at = ctx.now_ms()
    milestone.save(only=["status", "updated_at"])
    if target != "RELEASED":
        return []
    escrow = store.escrow_of(order.id)
    payload = {"order_id": order.id, "milestone": show_milestone(milestone)}
    return [
        NewEvent(
            "escrow.milestone_released",
            escrow.id if escrow else order.id,
            payload,
            (order.buyer_id, order.seller_id),
        )
    ]


def _milestone(order_id: str, position: int | None) -> store.Milestone | None:
    if position is None:
        return None
    return next(m for m in store.milestones_of([order_id]) if m.position == position)


def _paid(
    escrow: store.Escrow,
    transfers: Sequence[dict[str, Any]],
    *,
    owed: int,
    outcome: str,
    tx_hash: str,
) -> Paid:
    """Who got what. Raises: Contradiction when this is no such payout."""
    if any(t["from"] != escrow.trustless_contract_id for t in transfers):
        raise Contradiction(f"transaction {tx_hash} moved money that is not the contract's")
    by_address: dict[str, int] = {}
    for transfer in transfers:
        by_address[transfer["to"]] = by_address.get(transfer["to"], 0) + transfer["amount"]
    paid = Paid(
        to_buyer=by_address.pop(escrow.buyer_address, 0),
        to_seller=by_address.pop(escrow.seller_address, 0),
        to_platform=by_address.pop(escrow.platform_address, 0),
        to_protocol=sum(by_address.values()),
    )
    total = paid.to_buyer + paid.to_seller + paid.to_platform + paid.to_protocol
    _check_protocol_share(paid.to_protocol, of=total, tx_hash=tx_hash)
    expected = {
        "RELEASED": paid.to_seller > 0 and paid.to_buyer == 0,
        "REFUNDED": paid.to_buyer > 0 and paid.to_seller == 0,
        "SPLIT": paid.to_buyer > 0 and paid.to_seller > 0,
    }
    if total < owed or not expected[outcome]:
        raise Contradiction(
            f"transaction {tx_hash} paid {total} of {owed} stroops, and is no {outcome}"
        )
    return paid


def _check_protocol_share(taken: int, *, of: int, tx_hash: str) -> None:
    """Whatever goes to nobody that we know counts as the protocol's, so it has a bound.

    Less is fine: a network may charge none. More would be borne by the users, or, on a refund made
    whole, by the platform, without anybody having decided so. Raises: Contradiction.
    """
    most = -(-of * PROTOCOL_FEE_BPS // BPS) + PROTOCOL_FEE_TOLERANCE_STROOPS
    if taken > most:
        raise Contradiction(
            f"transaction {tx_hash} took {taken} of {of} stroops for the protocol or somebody"
            f" unknown; its {PROTOCOL_FEE_BPS / 100} % are at most {most}: nothing is booked,"
            " see where the money went"
        )

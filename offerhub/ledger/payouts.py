"""Builders of transfers for what an escrow contract pays out. Pure.

Posted is what moved on chain, recipient by recipient, never what was asked for.
"""

from offerhub.ledger import accounts as a
from offerhub.ledger.transfers import NewTransfer, Unbalanced, forward, transfer_of

RELEASED = "escrow_released"
REFUNDED = "escrow_refunded"
SPLIT = "escrow_split"
KINDS = (RELEASED, REFUNDED, SPLIT)


@forward
def escrow_paid_out(
    *,
    kind: str,
    reference: str,
    order_id: str,
    buyer_id: str,
    seller_id: str,
    owed: int,
    to_buyer: int,
    to_seller: int,
    to_platform: int,
    to_protocol: int,
) -> NewTransfer:
    """A contract pays `owed` of an order's escrow to buyer and seller, less both fees.

    The protocol's fee passes through: it is collected from the payout and leaves at once. What
    moved beyond `owed` (somebody sent dust to the contract) belongs to whom the chain gave it.
    Raises: Unbalanced when less than `owed` moved, or for an unknown kind.
    """
    if kind not in KINDS:
        raise Unbalanced(f"unknown payout {kind!r}")
    if to_buyer + to_seller + to_platform + to_protocol < owed:
        raise Unbalanced(f"payout of {order_id}: less than {owed} stroops moved")
    return transfer_of(
        kind,
        reference,
        ("order", order_id),
        (a.order_escrow(order_id), -owed),
        (a.user(buyer_id, a.AVAILABLE), to_buyer),
        (a.user(seller_id, a.AVAILABLE), to_seller),
        (a.FEES_PLATFORM, to_platform),
        (a.FEES_PROTOCOL, to_protocol),
        (a.FEES_PROTOCOL, -to_protocol),
        (a.contract(order_id), -owed),
        (a.wallet(buyer_id), to_buyer),
        (a.wallet(seller_id), to_seller),
        (a.STELLAR_TREASURY, to_platform),
    )


@forward
def dust_evened(*, tx_hash: str, order_id: str, amount: int) -> NewTransfer:
    """The platform fills a contract up to whole cents, so that it can divide what it holds.

    Spent, not moved: whom the contract gives it is credited when it pays, with the dust.
    """
    return transfer_of(
        "dust_evened",
        tx_hash,
        ("order", order_id),
        (a.ADJUSTMENTS, -amount),
        (a.STELLAR_TREASURY, -amount),
    )


@forward
def refund_made_whole(
    *, tx_hash: str, order_id: str, buyer_id: str, platform_fee: int, protocol_fee: int
) -> NewTransfer:
    """The platform gives its own fee back and bears the protocol's, by a payment to the buyer."""
    amount = platform_fee + protocol_fee
    return transfer_of(
        "refund_made_whole",
        tx_hash,
        ("order", order_id),
        (a.user(buyer_id, a.AVAILABLE), amount),
        (a.FEES_PLATFORM, -platform_fee),
        (a.FEES_PROTOCOL, -protocol_fee),
        (a.STELLAR_TREASURY, -amount),
        (a.wallet(buyer_id), amount),
    )

"""Escrow contracts: deploying and funding them. What the chain says enters by `apply_…`."""

from typing import Any

from offerhub.domain import ids
from offerhub.domain.errors import NotFound, OfferHubError
from offerhub.domain.escrows import ESCROW
from offerhub.ledger import journal, transfers
from offerhub.ports.escrow import EscrowTerms, MilestoneTerms
from offerhub.services import audit, operations
from offerhub.services.announcements import NewEvent, announce
from offerhub.services.context import Context
from offerhub.services.orders import (
    change,
    order_event,
    require_order_for_update,
    shown_now,
)
from offerhub.services.representations import escrow as show_escrow
from offerhub.services.reserves import require_reserve
from offerhub.services.users import require_active
from offerhub.services.wallets import wallet_of
from offerhub.store import orders as store
from offerhub.store.database import atomic


def create_escrow(ctx: Context, order_id: str) -> dict[str, Any]:
    """Ask for the order's contract to be deployed; the order is ESCROW_CREATING. Commits.

    Raises: ORDER_NOT_FOUND, ESCROW_ALREADY_EXISTS, INVALID_STATE, RESERVE_NOT_FOUND when the
    books hold none, USER_SUSPENDED, ESCROW_NOT_READY while a party's wallet is being made.
    """
    now = ctx.now_ms()
    with atomic():
        order = require_order_for_update(order_id)
        if store.escrow_of(order_id) is not None:
            raise OfferHubError(code="ESCROW_ALREADY_EXISTS", order_id=order_id)
        before = order.status
        change(ctx, order, "ESCROW_CREATING")
        require_reserve(order_id)
        require_active(order.buyer_id)
        keys = ctx.app.platform_keys
        escrow = store.Escrow.create(
            id=ids.new_id(ids.ESCROW),
            order_id=order.id,
            kind="MULTI_RELEASE" if order.milestone_count else "SINGLE_RELEASE",
            status=ESCROW.initial,
            amount=order.amount,
            platform_fee_bps=order.platform_fee_bps,
            buyer_address=_ready_address(order.buyer_id),
            seller_address=_ready_address(order.seller_id),
            platform_address=keys.treasury.address,
            release_address=keys.release.address,
            resolver_address=keys.resolver.address,
            created_at=now,
            updated_at=now,
        )
        operations.start(
            ctx, kind=operations.ESCROW_DEPLOY, subject_type="order", subject_id=order.id,
            params={"escrow_id": escrow.id},
        )  # fmt: skip
        shown = shown_now(order)
        audit.record(
            ctx, action="order.escrow", resource_type="order", resource_id=order.id,
            before={"status": before}, after=shown,
        )  # fmt: skip
        announce(ctx, order_event("order.escrow_creating", order))
        return shown


def fund_escrow(ctx: Context, order_id: str) -> dict[str, Any]:
    """Ask for the contract to be funded from the buyer's reserved money. Commits.

    Raises: ORDER_NOT_FOUND, ESCROW_NOT_FOUND, ESCROW_NOT_READY, ESCROW_ALREADY_FUNDED,
    USER_SUSPENDED.
    """
    with atomic():
        order = require_order_for_update(order_id)
        escrow = require_escrow_for_update(order_id)
        if escrow.status == "CREATING":
            raise OfferHubError(code="ESCROW_NOT_READY", current_state=escrow.status)
        if escrow.status != "CREATED":
            raise OfferHubError(code="ESCROW_ALREADY_FUNDED", current_state=escrow.status)
        require_active(order.buyer_id)
        change_escrow(ctx, escrow, "FUNDING")
        operations.start(
            ctx, kind=operations.ESCROW_FUND, subject_type="order", subject_id=order.id,
            params={"escrow_id": escrow.id, "buyer_id": order.buyer_id},
        )  # fmt: skip
        shown = shown_now(order)
        audit.record(
            ctx, action="order.fund", resource_type="order", resource_id=order.id,
            before={"escrow_status": "CREATED"}, after=shown,
        )  # fmt: skip
        announce(ctx, escrow_event("escrow.funding_started", order, escrow))
        return shown


def apply_deployed(ctx: Context, order_id: str, *, contract_id: str, tx_hash: str) -> None:
    """The contract is on chain. Inside the caller's transaction."""
    order = require_order_for_update(order_id)
    escrow = require_escrow_for_update(order_id)
    escrow.trustless_contract_id = contract_id
    escrow.deploy_tx_hash = tx_hash
    change_escrow(ctx, escrow, "CREATED")
    change(ctx, order, "ESCROW_FUNDING")
    audit.record(
        ctx, action="escrow.created", resource_type="order", resource_id=order_id,
        after=show_escrow(escrow),
    )  # fmt: skip
    announce(
        ctx,
        escrow_event("escrow.created", order, escrow),
        order_event("order.escrow_funding", order),
    )


def apply_deploy_refused(ctx: Context, order_id: str, *, reason: str) -> None:
    """Definitely not deployed: the order is reserved again. Inside the caller's transaction."""
    order = require_order_for_update(order_id)
    escrow = require_escrow_for_update(order_id)
    change_escrow(ctx, escrow, "FAILED")
    change(ctx, order, "FUNDS_RESERVED")
    audit.record(
        ctx, action="escrow.deploy_refused", resource_type="order", resource_id=order_id,
        after={"reason": reason}, result="failure", error_code="PROVIDER_ERROR",
    )  # fmt: skip
    announce(ctx, order_event("order.funds_reserved", order))


def apply_funded(ctx: Context, order_id: str, *, moved_stroops: int, tx_hash: str) -> None:
    """The contract holds the money: books, states, events. Inside the caller's transaction.

    Raises: ValueError when something else than the order's amount moved; nothing is then posted.
    """
    order = require_order_for_update(order_id)
    escrow = require_escrow_for_update(order_id)
    if moved_stroops != order.amount:
        raise ValueError(f"funding {order_id} moved {moved_stroops}, not {order.amount} stroops")
    escrow.fund_tx_hash = tx_hash
    change_escrow(ctx, escrow, "FUNDED")
    change(ctx, order, "ESCROW_FUNDED")
    funded = order_event("order.escrow_funded", order)
    change(ctx, order, "IN_PROGRESS")
    journal.post(
        transfers.escrow_funded(order_id=order.id, buyer_id=order.buyer_id, amount=order.amount),
        now_ms=ctx.now_ms(),
    )
    audit.record(
        ctx, action="escrow.funded", resource_type="order", resource_id=order_id,
        after=show_escrow(escrow),
    )  # fmt: skip
    announce(
        ctx,
        escrow_event("escrow.funded", order, escrow),
        funded,
        order_event("order.in_progress", order),
    )


def change_escrow(ctx: Context, row: store.Escrow, target: str) -> None:
    """Move a locked escrow along its state table and save it. Raises: ESCROW_INVALID_STATE."""
    require_may_become(row, target)
    row.status = target
    row.updated_at = ctx.now_ms()
    row.version += 1
    row.save()


def require_may_become(row: store.Escrow, target: str) -> None:
    """The second lock, behind the order's own state. Raises: ESCROW_INVALID_STATE."""
    allowed = ESCROW.allowed(row.status)
    if target not in allowed:
        raise OfferHubError(
            code="ESCROW_INVALID_STATE", current_state=row.status, allowed_states=list(allowed)
        )


def escrow_event(event_type: str, order: store.Order, escrow: store.Escrow) -> NewEvent:
    """An event about an escrow, for both parties."""
    payload = {"order_id": order.id, "escrow": show_escrow(escrow)}
    return NewEvent(event_type, escrow.id, payload, (order.buyer_id, order.seller_id))


def require_escrow_for_update(order_id: str) -> store.Escrow:
    """Locks the live escrow; lock the order first. Raises: ESCROW_NOT_FOUND."""
    row = store.escrow_for_update(order_id)
    if row is None:
        raise NotFound(code="ESCROW_NOT_FOUND", order_id=order_id)
    return row


def terms_of(order: store.Order, escrow: store.Escrow) -> EscrowTerms:
    """What the contract is deployed with, and verified against."""
    milestones = store.milestones_of([order.id])
    return EscrowTerms(
        order_id=order.id,
        multi_release=escrow.kind == "MULTI_RELEASE",
        title=order.title,
        description=order.description or order.title,
        buyer=escrow.buyer_address,
        seller=escrow.seller_address,
        platform=escrow.platform_address,
        release_signer=escrow.release_address,
        dispute_resolver=escrow.resolver_address,
        amount_stroops=escrow.amount,
        platform_fee_bps=escrow.platform_fee_bps,
        milestones=tuple(MilestoneTerms(m.title, m.amount) for m in milestones)
        or (MilestoneTerms(order.title, order.amount),),
    )


def _ready_address(user_id: str) -> str:
    wallet = wallet_of(user_id)
    if wallet.status != "ACTIVE":
        raise OfferHubError(
            "A party's wallet is still being made; try again in a moment.",
            code="ESCROW_NOT_READY",
            user_id=user_id,
        )
    return str(wallet.address)

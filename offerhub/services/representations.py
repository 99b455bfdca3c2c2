"""What clients see of each resource: the one home of these shapes.

The API answers with them, events carry them, audit records keep them. Every field is always
present. Nothing here reads the database or holds a secret.
"""

from datetime import UTC, datetime
from typing import Any

from offerhub.domain.money import format_amount, format_exact
from offerhub.services import failure_words

Json = dict[str, Any]


def timestamp(ms: int | None) -> str | None:
    """ISO 8601 in UTC with milliseconds and Z."""
    if ms is None:
        return None
    moment = datetime.fromtimestamp(ms // 1000, tz=UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def money(name: str, stroops: int | None) -> Json:
    """`name` in cents and `name_exact` in full; both null when unknown."""
    if stroops is None:
        return {name: None, f"{name}_exact": None}
    return {name: format_amount(stroops), f"{name}_exact": format_exact(stroops)}


def _times(row: Any) -> Json:
    return {"created_at": timestamp(row.created_at), "updated_at": timestamp(row.updated_at)}


def user(row: Any, wallet_row: Any | None) -> Json:
    linked = row.airtm_user_id is not None
    return {
        "id": row.id,
        "external_user_id": row.external_user_id,
        "type": row.type,
        "status": row.status,
        "email": row.email,
        "metadata": row.metadata,
        "airtm": {
            "airtm_user_id": row.airtm_user_id,
            "email": row.airtm_email,
            "verified": row.airtm_verified,
            "country": row.airtm_country,
            "linked_at": timestamp(row.airtm_linked_at),
        }
        if linked
        else None,
        "wallet": {"id": wallet_row.id, "address": wallet_row.address, "status": wallet_row.status}
        if wallet_row is not None
        else None,
        **_times(row),
    }


def wallet(row: Any, *, network: str, issuer: str) -> Json:
    return {
        "id": row.id,
        "user_id": row.user_id,
        "address": row.address,
        "network": network,
        "asset": {"code": "USDC", "issuer": issuer},
        "status": row.status,
        **_times(row),
    }


def deposit_instructions(row: Any, *, network: str, issuer: str) -> Json:
    return {
        "address": row.address,
        "network": network,
        "asset": {"code": "USDC", "issuer": issuer},
        "memo": None,
        # Source: SEP-7, "pay".
        "uri": f"web+stellar:pay?destination={row.address}&asset_code=USDC&asset_issuer={issuer}",
        "status": row.status,
    }


def balance(
    user_id: str, *, available: int, reserved: int, withdrawing: int, as_of_ms: int
) -> Json:
    return {
        "user_id": user_id,
        "currency": "USD",
        **money("available", available),
        **money("reserved", reserved),
        **money("withdrawing", withdrawing),
        "as_of": timestamp(as_of_ms),
    }


def ledger_line(entry: Any, *, account: str, amount: int) -> Json:
    """One line of a statement. `amount` is in the account's natural sign, in stroops."""
    return {
        "id": f"{entry.transfer_id}.{entry.id}",
        "transfer_id": entry.transfer_id,
        "kind": entry.transfer.kind,
        "account": account,
        **money("amount", amount),
        **money("balance_after", entry.balance_after),
        "subject_type": entry.transfer.subject_type,
        "subject_id": entry.transfer.subject_id,
        "description": entry.transfer.description,
        "created_at": timestamp(entry.created_at),
    }


def topup(row: Any) -> Json:
    return {
        "id": row.id,
        "user_id": row.user_id,
        **money("amount", row.amount),
        "currency": row.currency,
        "status": row.status,
        "confirmation_url": row.confirmation_url,
        "return_url": row.return_url,
        "cancel_url": row.cancel_url,
        **money("fee", row.fee),
        **money("net_amount", row.net_amount),
        "airtm_payin_id": row.airtm_payin_id,
        "description": row.description,
        "metadata": row.metadata,
        "failure_reason": failure_words.shown(row.failure_reason),
        "late_success": row.late_success,
        "expires_at": timestamp(row.expires_at),
        **_times(row),
    }


def escrow(row: Any) -> Json:
    return {
        "id": row.id,
        "kind": row.kind,
        "status": row.status,
        "resolution": row.resolution,
        **money("amount", row.amount),
        "platform_fee_bps": row.platform_fee_bps,
        "trustless_contract_id": row.trustless_contract_id,
        "deploy_tx_hash": row.deploy_tx_hash,
        "fund_tx_hash": row.fund_tx_hash,
        "release_tx_hash": row.release_tx_hash,
        "buyer_address": row.buyer_address,
        "seller_address": row.seller_address,
        **_times(row),
    }


def milestone(row: Any) -> Json:
    return {
        "id": row.id,
        "milestone_ref": row.milestone_ref,
        "title": row.title,
        **money("amount", row.amount),
        "status": row.status,
        "position": row.position,
        "evidence_url": row.evidence_url,
        "note": row.note,
    }


def dispute(row: Any) -> Json:
    return {
        "id": row.id,
        "order_id": row.order_id,
        "milestone_ref": row.milestone_ref,
        "opened_by": row.opened_by,
        "reason": row.reason,
        "status": row.status,
        "assignee": row.assignee,
        "evidence": row.evidence,
        "note": row.note,
        "decision": row.decision,
        **money("release_amount", row.release_amount),
        **money("refund_amount", row.refund_amount),
        **_times(row),
    }


def operation(row: Any | None) -> Json | None:
    """Long work on a resource, while it is not finished well.

    Its turn is filled in where one resource is read (`turns.shown`); lists and events leave it.
    """
    if row is None or row.status == "SUCCEEDED":
        return None
    return {
        "id": row.id,
        "kind": row.kind,
        "status": row.status,
        "step": row.step,
        "last_error": row.last_error_code,
        "waits_for": None,
        "expected_at": None,
    }


def order(
    row: Any,
    *,
    escrow_row: Any | None = None,
    milestone_rows: Any = (),
    dispute_row: Any | None = None,
    operation_row: Any | None = None,
) -> Json:
    return {
        "id": row.id,
        "buyer_id": row.buyer_id,
        "seller_id": row.seller_id,
        **money("amount", row.amount),
        "currency": row.currency,
        "title": row.title,
        "description": row.description,
        "client_order_ref": row.client_order_ref,
        "platform_fee_bps": row.platform_fee_bps,
        "status": row.status,
        "resolution": row.resolution,
        "metadata": row.metadata,
        "escrow": escrow(escrow_row) if escrow_row is not None else None,
        "milestones": [milestone(m) for m in milestone_rows],
        "dispute": dispute(dispute_row) if dispute_row is not None else None,
        "operation": operation(operation_row),
        **_times(row),
    }


def timeline_entry(event: Any) -> Json:
    return {
        "sequence": event.sequence,
        "event_id": event.id,
        "event_type": event.type,
        "occurred_at": timestamp(event.occurred_at),
    }


def event(row: Any) -> Json:
    return {
        "event_id": row.id,
        "event_type": row.type,
        "occurred_at": timestamp(row.occurred_at),
        "aggregate_id": row.aggregate_id,
        "aggregate_type": row.aggregate_type,
        "sequence": row.sequence,
        "payload": row.payload,
        "metadata": row.metadata,
    }


def withdrawal(row: Any, *, operation_row: Any | None = None) -> Json:
    return {
        "id": row.id,
        "user_id": row.user_id,
        **money("amount", row.amount),
        "currency": row.currency,
        **money("fee", row.fee),
        **money("net_amount", row.net_amount),
        "destination_type": row.destination_type,
        "destination_ref": row.destination_ref,
        "destination_memo": row.destination_memo,
        "status": row.status,
        "airtm_payout_id": row.airtm_payout_id,
        "stellar_tx_hash": row.stellar_tx_hash,
        "failure_reason": failure_words.shown(row.failure_reason),
        "operation": operation(operation_row),
        "description": row.description,
        "metadata": row.metadata,
        **_times(row),
    }

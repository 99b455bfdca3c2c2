"""What moved in and out of a user's wallet on chain, by the books, with transaction hashes."""

from typing import Any

from offerhub.ledger import accounts
from offerhub.services.context import Context, Page
from offerhub.services.representations import money, timestamp
from offerhub.services.wallets import wallet_of
from offerhub.store import deposits as deposits_store
from offerhub.store import ledger as store
from offerhub.store import orders as orders_store
from offerhub.store import withdrawals as withdrawals_store
from offerhub.store.database import connection

_BY_REFERENCE = ("bridged", "swept", "refund_made_whole")


def transactions(ctx: Context, user_id: str, *, limit: int = 20, cursor: str | None = None) -> Page:
    """Newest first. Raises: USER_NOT_FOUND, WALLET_NOT_FOUND, VALIDATION_ERROR."""
    with connection():
        wallet_of(user_id)
        rows = store.account_entries(accounts.wallet(user_id), limit=limit, cursor=cursor)
        return Page([_line(entry) for entry in rows.rows], rows.next_cursor)


def _line(entry: Any) -> dict[str, Any]:
    transfer = entry.transfer
    return {
        "id": f"{transfer.id}.{entry.id}",
        "kind": transfer.kind,
        "direction": "IN" if entry.amount > 0 else "OUT",
        **money("amount", abs(entry.amount)),
        "transfer_id": transfer.id,
        "subject_type": transfer.subject_type,
        "subject_id": transfer.subject_id,
        "transaction_hash": _hash(transfer),
        "created_at": timestamp(entry.created_at),
    }


def _hash(transfer: Any) -> str | None:
    if transfer.kind in _BY_REFERENCE:
        return str(transfer.reference.split(":", 1)[1])
    if transfer.subject_type == "deposit":
        deposit = deposits_store.get(transfer.subject_id)
        return deposit.transaction_hash if deposit else None
    if transfer.subject_type == "withdrawal":
        withdrawal = withdrawals_store.get(transfer.subject_id)
        return withdrawal.stellar_tx_hash if withdrawal else None
    if transfer.subject_type == "order":
        escrow = orders_store.escrow_of(transfer.subject_id)
        if escrow is None:
            return None
        return escrow.fund_tx_hash if transfer.kind == "escrow_funded" else escrow.release_tx_hash
    return None

"""Horizon's records, without their links: accounts, transactions, operations, ledgers.

Pure translation; the HTTP side adds `_links` because only it knows its own address.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from stellar_sdk import IdMemo, MuxedAccount, NoneMemo, ReturnHashMemo, TextMemo
from stellar_sdk.memo import HashMemo, Memo
from stellar_sdk.operation import (
    AccountMerge,
    CreateAccount,
    Operation,
    PathPaymentStrictReceive,
    PathPaymentStrictSend,
    Payment,
)

from offerhub.sandbox.chain.amounts import (
    asset_fields,
    asset_key,
    iso_time,
    to_stroops,
    to_text,
)
from offerhub.sandbox.chain.effects import Effect, muxed_fields
from offerhub.sandbox.chain.envelope import Submission
from offerhub.sandbox.chain.results import protocol_name
from offerhub.sandbox.chain.state import BASE_RESERVE_STROOPS, Account, State, Trustline

PAYMENT_TYPES = (
    CreateAccount,
    Payment,
    PathPaymentStrictReceive,
    PathPaymentStrictSend,
    AccountMerge,
)
PROTOCOL_VERSION = 23
NO_CHANGES_XDR = "AAAAAA=="
"""LedgerEntryChanges of length 0: the sandbox keeps no entry-level metadata."""


def account_record(state: State, account: Account) -> dict[str, Any]:
    """The record of `GET /accounts/{id}`."""
    record: dict[str, Any] = {
        "id": account.address,
        "account_id": account.address,
        "sequence": str(account.sequence),
        "sequence_ledger": account.sequence_ledger,
        "sequence_time": str(account.sequence_time_ms // 1000),
        "subentry_count": account.subentries,
        "last_modified_ledger": account.last_modified_ledger,
        "last_modified_time": iso_time(state.closed_at_ms),
        "thresholds": {"low_threshold": 0, "med_threshold": 0, "high_threshold": 0},
        "flags": {
            "auth_required": False,
            "auth_revocable": False,
            "auth_immutable": False,
            "auth_clawback_enabled": False,
        },
        "balances": [_trustline_balance(t) for t in state.trustlines(account.address)],
        "signers": [{"weight": 1, "key": account.address, "type": "ed25519_public_key"}],
        "data": {
            key: base64.b64encode(value).decode()
            for key, value in state.data(account.address).items()
        },
        "num_sponsoring": account.sponsoring,
        "num_sponsored": account.sponsored,
        "paging_token": account.address,
    }
    record["balances"].append(
        {
            "balance": to_text(account.balance),
            "buying_liabilities": "0.0000000",
            "selling_liabilities": "0.0000000",
            "asset_type": "native",
        }
    )
    if account.sponsor:
        record["sponsor"] = account.sponsor
    return record


def _trustline_balance(line: Trustline) -> dict[str, Any]:
    balance = {
        "balance": to_text(line.balance),
        "limit": to_text(line.limit_amount),
        "buying_liabilities": "0.0000000",
        "selling_liabilities": "0.0000000",
        "last_modified_ledger": line.last_modified_ledger,
        "is_authorized": bool(line.authorized),
        "is_authorized_to_maintain_liabilities": bool(line.authorized),
        "is_clawback_enabled": False,
        **asset_fields(line.asset),
    }
    if line.sponsor:
        balance["sponsor"] = line.sponsor
    return balance


def transaction_record(
    submission: Submission,
    *,
    transaction_id: int,
    ledger: int,
    closed_at_ms: int,
    successful: bool,
    fee_charged: int,
    result_xdr: str,
) -> dict[str, Any]:
    """The record of `GET /transactions/{hash}`."""
    transaction = submission.transaction
    signatures = [base64.b64encode(s.signature).decode() for s in submission.signatures]
    record: dict[str, Any] = {
        "id": submission.hash,
        "paging_token": str(transaction_id),
        "successful": successful,
        "hash": submission.hash,
        "ledger": ledger,
        "created_at": iso_time(closed_at_ms),
        **muxed_fields("source_account", transaction.source),
        "source_account_sequence": str(transaction.sequence),
        "fee_account": submission.fee_source,
        "fee_charged": str(fee_charged),
        "max_fee": str(submission.max_fee),
        "operation_count": len(transaction.operations),
        "envelope_xdr": submission.envelope_xdr,
        "result_xdr": result_xdr,
        "fee_meta_xdr": NO_CHANGES_XDR,
        **_memo_fields(transaction.memo),
        "signatures": signatures,
    }
    min_time, max_time = submission.time_bounds
    if min_time or max_time:
        bounds = {"min_time": str(min_time)}
        if max_time:
            bounds["max_time"] = str(max_time)
        record["preconditions"] = {"timebounds": bounds}
    if submission.inner_hash is not None:
        inner = [base64.b64encode(s.signature).decode() for s in submission.inner_signatures]
        record["fee_bump_transaction"] = {"hash": submission.hash, "signatures": signatures}
        record["inner_transaction"] = {
            "hash": submission.inner_hash,
            "signatures": inner,
            "max_fee": str(submission.inner_max_fee),
        }
    return record


def _memo_fields(memo: Memo | None) -> dict[str, str]:
    if memo is None or isinstance(memo, NoneMemo):
        return {"memo_type": "none"}
    if isinstance(memo, TextMemo):
        return {
            "memo_type": "text",
            "memo": memo.memo_text.decode("utf-8", errors="replace"),
            "memo_bytes": base64.b64encode(memo.memo_text).decode(),
        }
    if isinstance(memo, IdMemo):
        return {"memo_type": "id", "memo": str(memo.memo_id)}
    if isinstance(memo, ReturnHashMemo):
        return {"memo_type": "return", "memo": base64.b64encode(memo.memo_return).decode()}
    assert isinstance(memo, HashMemo)
    return {"memo_type": "hash", "memo": base64.b64encode(memo.memo_hash).decode()}


def operation_record(
    operation: Operation,
    effect: Effect | None,
    *,
    operation_id: int,
    source: MuxedAccount,
    closed_at_ms: int,
    transaction_hash: str,
    successful: bool,
) -> dict[str, Any]:
    """A record of the operations and payments lists."""
    type_name = protocol_name(type(operation).__name__).lower()
    return {
        "id": str(operation_id),
        "paging_token": str(operation_id),
        "transaction_successful": successful,
        **muxed_fields("source_account", source),
        "type": type_name,
        "type_i": int(operation._XDR_OPERATION_TYPE),
        "created_at": iso_time(closed_at_ms),
        "transaction_hash": transaction_hash,
        **(effect.details if effect else _failed_details(operation, source)),
    }


def _failed_details(operation: Operation, source: MuxedAccount) -> dict[str, Any]:
    """What a failed payment wanted to do; other failed operations show their common fields."""
    if not isinstance(operation, Payment):
        return {}
    return {
        **asset_fields(asset_key(operation.asset)),
        **muxed_fields("from", source),
        **muxed_fields("to", operation.destination),
        "amount": to_text(to_stroops(operation.amount)),
    }


def ledger_record(row: dict[str, Any], *, passphrase: str) -> dict[str, Any]:
    """A record of the ledgers list, from a row of chain_ledgers."""
    sequence = row["sequence"]
    return {
        "id": ledger_hash(sequence, passphrase=passphrase),
        "paging_token": str(sequence << 32),
        "hash": ledger_hash(sequence, passphrase=passphrase),
        "prev_hash": ledger_hash(sequence - 1, passphrase=passphrase),
        "sequence": sequence,
        "successful_transaction_count": row["successful_count"],
        "failed_transaction_count": row["failed_count"],
        "operation_count": row["operation_count"],
        "tx_set_operation_count": row["operation_count"],
        "closed_at": iso_time(row["closed_at_ms"]),
        "total_coins": "50001806812.0000000",
        "fee_pool": "0.0000000",
        "base_fee_in_stroops": 100,
        "base_reserve_in_stroops": BASE_RESERVE_STROOPS,
        "max_tx_set_size": 1000,
        "protocol_version": PROTOCOL_VERSION,
    }


def ledger_hash(sequence: int, *, passphrase: str) -> str:
    """A ledger's name; nothing chains to it here, it only has to be stable and unique."""
    return hashlib.sha256(f"{passphrase}|ledger|{sequence}".encode()).hexdigest()

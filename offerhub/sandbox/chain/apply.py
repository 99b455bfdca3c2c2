"""Applying one included transaction: fee and sequence, then its operations, all or none.

Writes the transaction, its operations and its transfers into history. Runs inside the store
transaction of a closing ledger.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stellar_sdk import xdr
from stellar_sdk.operation import (
    AccountMerge,
    BeginSponsoringFutureReserves,
    ChangeTrust,
    CreateAccount,
    EndSponsoringFutureReserves,
    InvokeHostFunction,
    ManageData,
    PathPaymentStrictReceive,
    PathPaymentStrictSend,
    Payment,
)

from offerhub.sandbox.chain import contract_calls, operations, payments, records
from offerhub.sandbox.chain.contract_calls import ContractHost
from offerhub.sandbox.chain.effects import Context, Effect
from offerhub.sandbox.chain.envelope import Submission
from offerhub.sandbox.chain.results import (
    OpCode,
    OperationFailed,
    OperationResult,
    TxCode,
    transaction_result,
)
from offerhub.sandbox.chain.state import State

_HANDLERS: dict[type, Callable[[Context, Any], Effect]] = {
    CreateAccount: operations.create_account,
    ChangeTrust: operations.change_trust,
    AccountMerge: operations.account_merge,
    BeginSponsoringFutureReserves: operations.begin_sponsoring,
    EndSponsoringFutureReserves: operations.end_sponsoring,
    ManageData: operations.manage_data,
    Payment: payments.payment,
    PathPaymentStrictReceive: payments.path_payment_receive,
    PathPaymentStrictSend: payments.path_payment_send,
    InvokeHostFunction: contract_calls.invoke,
}


@dataclass(frozen=True)
class Rules:
    """What a network is, apart from its state."""

    contracts: ContractHost
    market_asset: str


class _Reverted(Exception):
    """Rolls the operations of a failed transaction back while their results are kept."""


@dataclass
class _Outcome:
    code: TxCode
    results: list[OperationResult]
    effects: list[Effect | None]


def apply_transaction(
    submission: Submission, state: State, rules: Rules, *, order: int, fee_charged: int
) -> bool:
    """Include a valid submission as transaction `order` of the ledger; True when it succeeded.

    fee_charged: stroops taken from the fee source whether or not the operations succeed.
    """
    state.change(submission.fee_source, balance=-fee_charged)
    state.use_sequence(submission.source, submission.transaction.sequence)
    outcome = _run(submission, state, rules)
    result = transaction_result(
        outcome.code,
        fee_charged_stroops=fee_charged,
        operations=outcome.results,
        inner_hash=bytes.fromhex(submission.inner_hash) if submission.inner_hash else None,
    )
    _record(submission, state, outcome, result, order=order, fee_charged=fee_charged)
    return outcome.code is TxCode.txSUCCESS


def _run(submission: Submission, state: State, rules: Rules) -> _Outcome:
    outcome = _Outcome(TxCode.txSUCCESS, [], [])
    sponsorships: dict[str, str] = {}
    try:
        with state.store.transaction():
            for operation, source in zip(
                submission.operations, submission.operation_sources, strict=True
            ):
                context = Context(
                    state,
                    source,
                    submission.inner_hash or submission.hash,
                    sponsorships,
                    rules.market_asset,
                    rules.contracts,
                )
                result, effect = _run_one(context, operation)
                outcome.results.append(result)
                outcome.effects.append(effect)
            if not all(r.succeeded for r in outcome.results):
                raise _Reverted
            if sponsorships:
                outcome.code = TxCode.txBAD_SPONSORSHIP
                raise _Reverted
    except _Reverted:
        if outcome.code is TxCode.txSUCCESS:
            outcome.code = TxCode.txFAILED
    return outcome


def _run_one(context: Context, operation: Any) -> tuple[OperationResult, Effect | None]:
    name = type(operation).__name__
    handler = _HANDLERS.get(type(operation))
    if handler is None:
        return OperationResult(name, OpCode.opNOT_SUPPORTED), None
    if context.state.account(context.source) is None:
        return OperationResult(name, OpCode.opNO_ACCOUNT), None
    try:
        # A failed operation leaves nothing behind, also not for the ones after it.
        with context.state.store.transaction():
            effect = handler(context, operation)
    except OperationFailed as failure:
        return OperationResult(name, failure.code, diagnostic=failure.diagnostic), None
    codes = getattr(xdr, name + "ResultCode")
    return OperationResult(name, codes(0), effect.value), effect


def _record(
    submission: Submission,
    state: State,
    outcome: _Outcome,
    result: xdr.TransactionResult,
    *,
    order: int,
    fee_charged: int,
) -> None:
    store = state.store
    transaction_id = state.ledger << 32 | order << 12
    successful = outcome.code is TxCode.txSUCCESS
    record = records.transaction_record(
        submission,
        transaction_id=transaction_id,
        ledger=state.ledger,
        closed_at_ms=state.closed_at_ms,
        successful=successful,
        fee_charged=fee_charged,
        result_xdr=result.to_xdr(),
    )
    store.execute(
        "INSERT INTO chain_transactions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            transaction_id,
            submission.hash,
            submission.inner_hash,
            state.ledger,
            submission.source,
            successful,
            len(submission.operations),
            fee_charged,
            result.to_xdr(),
            next((r.diagnostic for r in outcome.results if r.diagnostic), None),
            json.dumps(record),
        ),
    )
    concerned = {submission.source, submission.fee_source}
    for index, operation in enumerate(submission.operations):
        effect = outcome.effects[index] if index < len(outcome.effects) else None
        concerned |= _record_operation(
            submission, state, operation, effect, transaction_id, index, successful
        )
    for address in concerned:
        store.execute(
            "INSERT INTO chain_transaction_accounts VALUES (?, ?)", (address, transaction_id)
        )


def _record_operation(
    submission: Submission,
    state: State,
    operation: Any,
    effect: Effect | None,
    transaction_id: int,
    index: int,
    successful: bool,
) -> set[str]:
    """Write one operation's history and return the addresses it concerns."""
    store = state.store
    operation_id = transaction_id | (index + 1)
    source = submission.operation_sources[index]
    record = records.operation_record(
        operation,
        effect,
        operation_id=operation_id,
        source=operation.source or submission.transaction.source,
        closed_at_ms=state.closed_at_ms,
        transaction_hash=submission.hash,
        successful=successful,
    )
    is_payment = effect.is_payment if effect else isinstance(operation, records.PAYMENT_TYPES)
    store.execute(
        "INSERT INTO chain_operations VALUES (?, ?, ?, ?, ?, ?)",
        (operation_id, transaction_id, state.ledger, is_payment, successful, json.dumps(record)),
    )
    concerned = {source} | (effect.participants if effect else set())
    for address in concerned:
        store.execute("INSERT INTO chain_operation_accounts VALUES (?, ?)", (address, operation_id))
    for change_index, transfer in enumerate(effect.transfers if effect and successful else []):
        store.execute(
            "INSERT INTO chain_transfers VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                operation_id,
                change_index,
                submission.hash,
                state.ledger,
                transfer.asset,
                transfer.sender,
                transfer.recipient,
                transfer.amount,
            ),
        )
    return concerned

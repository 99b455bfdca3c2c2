"""Whether the network accepts a submission into its queue, and again when a ledger closes.

A submission that is refused here is not included: it costs nothing and uses no sequence number.
The order of the checks is that of the protocol's implementation.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from stellar_sdk.operation import Payment
from stellar_sdk.xdr import PaymentResultCode as PaymentCode

from offerhub.sandbox.chain.amounts import to_stroops
from offerhub.sandbox.chain.envelope import Submission, signed_by
from offerhub.sandbox.chain.results import OpCode, OperationResult, TxCode, transaction_result
from offerhub.sandbox.chain.state import State

BASE_FEE_STROOPS = 100
MAX_OPERATIONS = 100


@dataclass(frozen=True)
class Refusal:
    """Why a submission is not included, as the XDR that the network answers with."""

    code: TxCode
    result_xdr: str


def check(submission: Submission, state: State, *, base_fee: int) -> Refusal | None:
    """None when the submission may be included in `state`'s ledger.

    base_fee: the inclusion fee per operation that this ledger asks for, in stroops.
    """
    code = _preconditions(submission, state, base_fee=base_fee)
    if code is not None:
        return _refuse(submission, code, base_fee=base_fee)
    outer_hash = bytes.fromhex(submission.hash)
    inner_hash = bytes.fromhex(submission.inner_hash or submission.hash)
    if submission.is_fee_bump:
        signers, extra = signed_by(outer_hash, submission.signatures, [submission.fee_source])
        if not signers or extra:
            return _refuse(
                submission, TxCode.txBAD_AUTH_EXTRA if signers else TxCode.txBAD_AUTH, outer=True
            )
    needed = list(dict.fromkeys([submission.source, *submission.operation_sources]))
    signatures = submission.inner_signatures if submission.is_fee_bump else submission.signatures
    signers, extra = signed_by(inner_hash, signatures, needed)
    if submission.source not in signers:
        return _refuse(submission, TxCode.txBAD_AUTH)
    missing = [source not in signers for source in submission.operation_sources]
    if any(missing):
        codes: list[IntEnum] = [OpCode.opBAD_AUTH if m else OpCode.opINNER for m in missing]
        return _refuse_operations(submission, codes)
    if extra:
        return _refuse(submission, TxCode.txBAD_AUTH_EXTRA)
    if any(_is_empty_payment(o) for o in submission.operations):
        payments: list[IntEnum] = [
            PaymentCode.PAYMENT_MALFORMED if _is_empty_payment(o) else OpCode.opINNER
            for o in submission.operations
        ]
        return _refuse_operations(submission, payments)
    payer = state.account(submission.fee_source)
    assert payer is not None
    if payer.spendable_stroops < charge(submission, base_fee=base_fee):
        return _refuse(submission, TxCode.txINSUFFICIENT_BALANCE)
    return None


def charge(submission: Submission, *, base_fee: int) -> int:
    """The fee that inclusion costs: the market's price for each operation, not the bid."""
    slots = len(submission.operations) + (1 if submission.is_fee_bump else 0)
    return base_fee * slots + submission.resource_fee


def _preconditions(submission: Submission, state: State, *, base_fee: int) -> TxCode | None:
    operations = submission.operations
    if not operations:
        return TxCode.txMISSING_OPERATION
    if len(operations) > MAX_OPERATIONS:
        return TxCode.txMALFORMED
    if submission.is_contract_call and (
        len(operations) != 1 or submission.transaction.soroban_data is None
    ):
        return TxCode.txSOROBAN_INVALID
    min_time, max_time = submission.time_bounds
    now_s = state.closed_at_ms // 1000
    if now_s < min_time:
        return TxCode.txTOO_EARLY
    if max_time and now_s > max_time:
        return TxCode.txTOO_LATE
    if submission.max_fee < charge(submission, base_fee=base_fee):
        return TxCode.txINSUFFICIENT_FEE
    if submission.is_fee_bump and _bids_below_inner(submission):
        return TxCode.txINSUFFICIENT_FEE
    account = state.account(submission.source)
    if account is None or state.account(submission.fee_source) is None:
        return TxCode.txNO_ACCOUNT
    if submission.transaction.sequence != account.sequence + 1:
        return TxCode.txBAD_SEQ
    return None


def _is_empty_payment(operation: object) -> bool:
    return isinstance(operation, Payment) and to_stroops(operation.amount) <= 0


def _bids_below_inner(submission: Submission) -> bool:
    """CAP-15: the bump's rate per operation must not be below the inner transaction's."""
    count = len(submission.operations)
    inner = submission.inner_max_fee - submission.resource_fee
    outer = submission.max_fee - submission.resource_fee
    return outer * count < inner * (count + 1)


_OUTER = (TxCode.txINSUFFICIENT_FEE, TxCode.txINSUFFICIENT_BALANCE)


def _refuse(
    submission: Submission, code: TxCode, *, base_fee: int = 0, outer: bool = False
) -> Refusal:
    # A refused bid is answered with the fee that would have been enough.
    wanted = code is TxCode.txINSUFFICIENT_FEE
    fee = charge(submission, base_fee=base_fee) if wanted else 0
    as_inner = submission.inner_hash is not None and not outer and code not in _OUTER
    inner = bytes.fromhex(str(submission.inner_hash)) if as_inner else None
    result = transaction_result(code, fee_charged_stroops=fee, inner_hash=inner)
    return Refusal(code, result.to_xdr())


def _refuse_operations(submission: Submission, codes: list[IntEnum]) -> Refusal:
    listed = [
        OperationResult(type(o).__name__, c)
        for o, c in zip(submission.operations, codes, strict=True)
        if c is not OpCode.opINNER
    ]
    inner = bytes.fromhex(submission.inner_hash) if submission.inner_hash else None
    result = transaction_result(
        TxCode.txFAILED, fee_charged_stroops=0, operations=listed, inner_hash=inner
    )
    return Refusal(TxCode.txFAILED, result.to_xdr())

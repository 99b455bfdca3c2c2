"""Transaction and operation results: the XDR that the network stores and Horizon's words for it.

Source of the words: the result-code pages of the Horizon reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from stellar_sdk import xdr

_OPERATION_WORDS = {
    "CREATE_ACCOUNT_ALREADY_EXIST": "op_already_exists",
    "PATH_PAYMENT_STRICT_RECEIVE_OVER_SENDMAX": "op_over_source_max",
    "PATH_PAYMENT_STRICT_SEND_UNDER_DESTMIN": "op_under_dest_min",
    "INVOKE_HOST_FUNCTION_TRAPPED": "function_trapped",
    "INVOKE_HOST_FUNCTION_ENTRY_ARCHIVED": "invoke_host_function_entry_archived",
    "opNO_ACCOUNT": "op_no_source_account",
}
_TRANSACTION_WORDS = {
    "txNO_ACCOUNT": "tx_no_source_account",
    "txBAD_MIN_SEQ_AGE_OR_GAP": "tx_bad_minseq_age_or_gap",
}

TxCode = xdr.TransactionResultCode
OpCode = xdr.OperationResultCode


class OperationFailed(Exception):
    """An operation that may not be applied. `code` is the XDR enumeration's member.

    `diagnostic` is what a contract said about it; it is not part of the stored result.
    """

    def __init__(self, code: IntEnum, diagnostic: str | None = None) -> None:
        super().__init__(diagnostic or operation_word(code))
        self.code = code
        self.diagnostic = diagnostic


@dataclass(frozen=True)
class OperationResult:
    """What became of one operation: its code, and the value that some successes carry."""

    operation: str
    code: IntEnum
    value: Any = None
    diagnostic: str | None = None

    @property
    def succeeded(self) -> bool:
        return not isinstance(self.code, OpCode) and int(self.code) == 0


def operation_word(code: IntEnum) -> str:
    """Horizon's word, e.g. `op_underfunded` for PAYMENT_UNDERFUNDED."""
    if code.name in _OPERATION_WORDS:
        return _OPERATION_WORDS[code.name]
    if isinstance(code, OpCode):
        return "op_" + code.name.removeprefix("op").lower()
    if int(code) == 0:
        return "op_success"
    prefix = protocol_name(type(code).__name__.removesuffix("ResultCode"))
    return "op_" + code.name.removeprefix(prefix + "_").lower()


def transaction_word(code: TxCode) -> str:
    """Horizon's word, e.g. `tx_bad_seq`."""
    return _TRANSACTION_WORDS.get(code.name) or "tx_" + code.name.removeprefix("tx").lower()


def protocol_name(camel: str) -> str:
    """`CREATE_ACCOUNT` for the SDK's `CreateAccount`."""
    return "".join(f"_{c}" if c.isupper() else c.upper() for c in camel).removeprefix("_")


def _operation_xdr(result: OperationResult) -> xdr.OperationResult:
    if isinstance(result.code, OpCode):
        return xdr.OperationResult(result.code)
    result_class = getattr(xdr, result.operation + "Result")
    type_name = protocol_name(result.operation)
    value = () if result.value is None else (result.value,)
    field = "bump_seq" if type_name == "BUMP_SEQUENCE" else type_name.lower()
    inner = xdr.OperationResultTr(
        xdr.OperationType[type_name], **{f"{field}_result": result_class(result.code, *value)}
    )
    return xdr.OperationResult(OpCode.opINNER, inner)


_WITH_OPERATIONS = (TxCode.txSUCCESS, TxCode.txFAILED)


def transaction_result(
    code: TxCode,
    *,
    fee_charged_stroops: int,
    operations: Sequence[OperationResult] = (),
    inner_hash: bytes | None = None,
) -> xdr.TransactionResult:
    """The stored result. With `inner_hash` the code and operations are a fee bump's inner ones."""
    listed = [_operation_xdr(o) for o in operations] if code in _WITH_OPERATIONS else None
    fee = xdr.Int64(fee_charged_stroops)
    ext = xdr.TransactionResultExt(0)
    if inner_hash is None:
        return xdr.TransactionResult(fee, xdr.TransactionResultResult(code, None, listed), ext)
    inner = xdr.InnerTransactionResult(
        xdr.Int64(0),
        xdr.InnerTransactionResultResult(code, listed),
        xdr.InnerTransactionResultExt(0),
    )
    good = code is TxCode.txSUCCESS
    outer = TxCode.txFEE_BUMP_INNER_SUCCESS if good else TxCode.txFEE_BUMP_INNER_FAILED
    pair = xdr.InnerTransactionResultPair(xdr.Hash(inner_hash), inner)
    return xdr.TransactionResult(fee, xdr.TransactionResultResult(outer, pair), ext)


def result_codes(result_xdr: str) -> dict[str, Any]:
    """Horizon's `extras.result_codes` of a stored result."""
    result = xdr.TransactionResult.from_xdr(result_xdr).result
    codes: dict[str, Any] = {"transaction": transaction_word(result.code)}
    listed = result.results
    if result.inner_result_pair is not None:
        inner = result.inner_result_pair.result.result
        codes["inner_transaction"] = transaction_word(inner.code)
        listed = inner.results
    if listed:
        codes["operations"] = [operation_word(_code_of(one)) for one in listed]
    return codes


def _code_of(result: xdr.OperationResult) -> IntEnum:
    if result.tr is None:
        return result.code
    filled = [v for k, v in vars(result.tr).items() if k != "type" and v is not None]
    code: IntEnum = filled[0].code
    return code

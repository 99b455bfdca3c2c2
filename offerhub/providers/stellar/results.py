"""Result codes: what became of a transaction, in Horizon's words.

Horizon gives words for a refused submission but only XDR for a recorded one, so both are read here.
Source: Stellar Docs, Horizon reference, "Result codes"; XDR enumerations of the network.
"""

import re
from enum import IntEnum
from typing import Any, Final

from stellar_sdk import xdr

from offerhub.providers.transactions import UNDECODABLE

_TRANSACTION_WORDS: Final = {
    "txNO_ACCOUNT": "tx_no_source_account",
    "txBAD_MIN_SEQ_AGE_OR_GAP": "tx_bad_minseq_age_or_gap",
}
_OPERATION_WORDS: Final = {
    "CREATE_ACCOUNT_ALREADY_EXIST": "op_already_exists",
    "PATH_PAYMENT_STRICT_RECEIVE_OVER_SENDMAX": "op_over_source_max",
    "PATH_PAYMENT_STRICT_SEND_UNDER_DESTMIN": "op_under_dest_min",
    "INVOKE_HOST_FUNCTION_TRAPPED": "function_trapped",
    "INVOKE_HOST_FUNCTION_RESOURCE_LIMIT_EXCEEDED": (
        "invoke_host_function_resource_limit_exceeded"
    ),
    "INVOKE_HOST_FUNCTION_ENTRY_ARCHIVED": "invoke_host_function_entry_archived",
    "INVOKE_HOST_FUNCTION_INSUFFICIENT_REFUNDABLE_FEE": (
        "invoke_host_function_insufficient_refundable_fee"
    ),
    "opNO_ACCOUNT": "op_no_source_account",
}
_CODE_OF_TYPE: Final = re.compile(r"(?<!^)(?=[A-Z])")


def codes_of_xdr(result_xdr: object) -> tuple[str, ...]:
    """The transaction's word, an inner transaction's if any, then one per operation.

    Raises: ValueError when it is not a transaction result.
    """
    if not isinstance(result_xdr, str) or not result_xdr:
        raise ValueError("there is no result")
    try:
        result = xdr.TransactionResult.from_xdr(result_xdr).result
    except UNDECODABLE as exc:
        raise ValueError(f"the result cannot be decoded ({type(exc).__name__})") from exc
    codes = [_transaction_word(result.code)]
    operations = result.results
    if result.inner_result_pair is not None:
        inner = result.inner_result_pair.result.result
        codes.append(_transaction_word(inner.code))
        operations = inner.results
    codes.extend(_operation_word(_code_of(operation)) for operation in operations or ())
    return tuple(codes)


def codes_as_stored(result_xdr: object) -> tuple[str, ...]:
    """As `codes_of_xdr`, for where the words only explain what is known already."""
    try:
        return codes_of_xdr(result_xdr)
    except ValueError:
        return ("unreadable_result",)


def codes_of_extras(extras: object) -> tuple[str, ...]:
    """The same from a problem document's `extras.result_codes`; () when there are none."""
    listed = extras.get("result_codes") if isinstance(extras, dict) else None
    if not isinstance(listed, dict):
        return ()
    words = [listed.get("transaction"), listed.get("inner_transaction")]
    operations = listed.get("operations")
    words.extend(operations if isinstance(operations, list) else ())
    return tuple(word for word in words if isinstance(word, str))


def _transaction_word(code: IntEnum) -> str:
    return _TRANSACTION_WORDS.get(code.name) or "tx_" + code.name.removeprefix("tx").lower()


def _operation_word(code: IntEnum) -> str:
    if code.name in _OPERATION_WORDS:
        return _OPERATION_WORDS[code.name]
    if isinstance(code, xdr.OperationResultCode):
        return "op_" + code.name.removeprefix("op").lower()
    if int(code) == 0:
        return "op_success"
    # PaymentResultCode.PAYMENT_UNDERFUNDED -> op_underfunded
    kind = _CODE_OF_TYPE.sub("_", type(code).__name__.removesuffix("ResultCode")).upper()
    return "op_" + code.name.removeprefix(f"{kind}_").lower()


def _code_of(result: xdr.OperationResult) -> IntEnum:
    if result.tr is None:
        return result.code
    arms: dict[str, Any] = vars(result.tr)
    filled = next(arm for name, arm in arms.items() if name != "type" and arm is not None)
    code: IntEnum = filled.code
    return code

"""Proof, before anything is signed, that a transaction is the one that was asked for. Pure.

We hold users' keys and another party builds the transactions. Nothing it sends is trusted: whoever
controls that service, or the way to it, could otherwise have any wallet sign anything. What the
signature would authorise is checked as a whole: the operation, and the tree of calls made in the
signer's name.
"""

from collections.abc import Sequence

from stellar_sdk import TransactionEnvelope, scval, xdr
from stellar_sdk.exceptions import SdkError
from stellar_sdk.operation import InvokeHostFunction
from stellar_sdk.transaction import Transaction

from offerhub.providers.trustlesswork.arguments import Mismatch, check_all, contract_of
from offerhub.providers.trustlesswork.expected import ExpectedCall, Payment

_Host = xdr.HostFunctionType
_Authorized = xdr.SorobanAuthorizedFunctionType
_Credentials = xdr.SorobanCredentialsType


def verify(
    envelope: TransactionEnvelope, *, source: str, call: ExpectedCall, max_fee_stroops: int
) -> None:
    """Raises: Mismatch unless `source` would sign exactly `call`, for at most that fee."""
    transaction = envelope.transaction
    if envelope.signatures:
        raise Mismatch("somebody has signed it already")
    if transaction.source.universal_account_id != source:
        raise Mismatch(f"its source is {transaction.source.universal_account_id}, not {source}")
    if not 0 < transaction.fee <= max_fee_stroops:
        raise Mismatch(f"its fee is {transaction.fee} stroops; the ceiling is {max_fee_stroops}")
    _check_preconditions(transaction)
    operation = _only_operation(transaction, source)
    invoked = _invocation(operation)
    try:
        _check_call(invoked, call)
        _check_authorizations(operation.auth, invoked, call)
    except (ValueError, TypeError, AttributeError, SdkError) as exc:
        if isinstance(exc, Mismatch):
            raise
        raise Mismatch(f"a value cannot be read ({type(exc).__name__})") from exc


def function_of(envelope: TransactionEnvelope) -> str:
    """The contract function that it calls; "" when it calls none."""
    for operation in envelope.transaction.operations:
        if isinstance(operation, InvokeHostFunction) and operation.host_function.invoke_contract:
            name = operation.host_function.invoke_contract.function_name.sc_symbol
            return name.decode("ascii", errors="replace")
    return ""


def _check_preconditions(transaction: Transaction) -> None:
    # Anything beside a time bound loosens or moves when it may apply, unseen by our bookkeeping.
    found = transaction.preconditions
    if found is None:
        return
    others = (
        found.ledger_bounds,
        found.min_sequence_number,
        found.min_sequence_age,
        found.min_sequence_ledger_gap,
        found.extra_signers,
    )
    if any(others):
        raise Mismatch("it has preconditions other than a time bound")


def _only_operation(transaction: Transaction, source: str) -> InvokeHostFunction:
    if len(transaction.operations) != 1:
        raise Mismatch(f"it has {len(transaction.operations)} operations, not one")
    operation = transaction.operations[0]
    if not isinstance(operation, InvokeHostFunction):
        raise Mismatch(f"it is a {type(operation).__name__}, not a contract call")
    if operation.source is not None and operation.source.universal_account_id != source:
        raise Mismatch(f"its operation acts for {operation.source.universal_account_id}")
    return operation


def _invocation(operation: InvokeHostFunction) -> xdr.InvokeContractArgs:
    function = operation.host_function
    if function.type is not _Host.HOST_FUNCTION_TYPE_INVOKE_CONTRACT:
        raise Mismatch(f"it is {function.type.name}, not the call of a contract")
    if function.invoke_contract is None:
        raise Mismatch("it calls nothing")
    return function.invoke_contract


def _check_call(invoked: xdr.InvokeContractArgs, call: ExpectedCall) -> None:
    contract = contract_of(invoked.contract_address)
    if call.contracts and contract not in call.contracts:
        raise Mismatch(f"it calls {contract}, not {', '.join(sorted(call.contracts))}")
    name = invoked.function_name.sc_symbol.decode("ascii", errors="replace")
    if name not in call.functions:
        raise Mismatch(f"it calls {name}, not {' or '.join(sorted(call.functions))}")
    problems = []
    for layout in call.layouts:
        try:
            check_all(layout, invoked.args)
        except Mismatch as exc:
            problems.append(str(exc))
        else:
            return
    raise Mismatch(f"{name}: {problems[0]}")


def _check_authorizations(
    entries: Sequence[xdr.SorobanAuthorizationEntry],
    invoked: xdr.InvokeContractArgs,
    call: ExpectedCall,
) -> None:
    if len(entries) > 1:
        raise Mismatch(f"it has {len(entries)} authorisations, not one")
    for entry in entries:
        if entry.credentials.type is not _Credentials.SOROBAN_CREDENTIALS_SOURCE_ACCOUNT:
            raise Mismatch("it authorises somebody else than its source")
        root = entry.root_invocation
        if root.function.contract_fn != invoked:
            raise Mismatch("it authorises another call than the one it makes")
        if len(root.sub_invocations) > 1:
            raise Mismatch("it authorises several further calls")
        for inner in root.sub_invocations:
            if inner.sub_invocations:
                raise Mismatch("it authorises calls within calls")
            _check_inner(inner.function, invoked, call)


def _check_inner(
    function: xdr.SorobanAuthorizedFunction, invoked: xdr.InvokeContractArgs, call: ExpectedCall
) -> None:
    if function.type is _Authorized.SOROBAN_AUTHORIZED_FUNCTION_TYPE_CONTRACT_FN:
        if call.payment is None or not _is_payment(function.contract_fn, call.payment):
            raise Mismatch("it authorises a call that was not asked for")
        return
    if not (call.creates_contract and _creates_as_told(function, invoked)):
        raise Mismatch("it authorises the creation of a contract that was not asked for")


def _is_payment(called: xdr.InvokeContractArgs | None, payment: Payment) -> bool:
    if called is None or contract_of(called.contract_address) != payment.token:
        return False
    expected = [
        scval.to_address(payment.sender),
        scval.to_address(payment.recipient),
        scval.to_int128(payment.amount_stroops),
    ]
    return called.function_name.sc_symbol == b"transfer" and called.args == expected


def _creates_as_told(
    function: xdr.SorobanAuthorizedFunction, invoked: xdr.InvokeContractArgs
) -> bool:
    """Whether the contract that is created is the deployment's own: its deployer, code and salt."""
    created = function.create_contract_v2_host_fn or function.create_contract_host_fn
    preimage = created.contract_id_preimage.from_address if created else None
    if created is None or preimage is None or created.executable.wasm_hash is None:
        return False
    if function.create_contract_v2_host_fn and function.create_contract_v2_host_fn.constructor_args:
        return False
    deployer, wasm_hash, salt = invoked.args[:3]
    return (
        contract_of(preimage.address) == scval.from_address(deployer).address
        and created.executable.wasm_hash.hash == scval.from_bytes(wasm_hash)
        and preimage.salt.uint256 == scval.from_bytes(salt)
    )

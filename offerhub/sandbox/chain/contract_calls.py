"""Contract invocations: the host that runs them and the token contracts of classic assets.

The escrow contracts live elsewhere and register themselves with `ContractHost.register`.
Source of the token's error numbers: the Stellar Asset Contract's `ContractError` enumeration.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from stellar_sdk import Address, scval, xdr
from stellar_sdk.operation import InvokeHostFunction

from offerhub.sandbox.chain.amounts import MAX_AMOUNT_STROOPS, NATIVE, asset_of, issuer_of
from offerhub.sandbox.chain.effects import Context, Effect, Transfer
from offerhub.sandbox.chain.results import OperationFailed
from offerhub.sandbox.chain.state import HoldingProblem, State

_Invoke = xdr.InvokeHostFunctionResultCode

_TOKEN_ERRORS = {
    "no_account": (6, "AccountMissingError"),
    "underfunded": (10, "BalanceError"),
    "not_authorized": (11, "BalanceDeauthorizedError"),
    "line_full": (12, "OverflowError"),
    "no_trust": (13, "TrustlineMissingError"),
}


class ContractFailure(Exception):
    """A call that trapped. `number` is the contract's error number, None for a host error."""

    def __init__(self, name: str, *, number: int | None = None) -> None:
        text = f"Error(Contract, #{number}): {name}" if number is not None else name
        super().__init__(text)
        self.name = name
        self.number = number


class ContractArchived(Exception):
    """The contract's entry expired; it has to be restored before it can be called."""


@dataclass
class ContractEnv:
    """What a running contract sees of the network."""

    state: State
    invoker: str
    transaction_hash: str
    host: ContractHost
    transfers: list[Transfer] = field(default_factory=list)

    def require_auth(self, address: str) -> None:
        """Only the source account's own authorisation exists here."""
        if address != self.invoker:
            raise ContractFailure(f"HostError: Error(Auth, InvalidAction): {address} did not sign")

    def transfer(
        self, token: str, sender: str, recipient: str, amount: int, *, kind: str = "transfer"
    ) -> None:
        """Move `amount` stroops of a token; nothing happens for 0. Raises ContractFailure."""
        asset = self.host.token_asset(token)
        if asset is None:
            raise ContractFailure("HostError: Error(Storage, MissingValue): no such token")
        if amount < 0:
            raise ContractFailure("NegativeAmountError", number=8)
        if amount > MAX_AMOUNT_STROOPS:
            raise ContractFailure("OverflowError", number=12)
        if amount == 0:
            return
        try:
            self.state.debit(sender, asset, amount)
            self.state.credit(recipient, asset, amount)
        except HoldingProblem as problem:
            number, name = _TOKEN_ERRORS[problem.kind]
            raise ContractFailure(name, number=number) from problem
        self.transfers.append(Transfer(asset, sender, recipient, amount, kind))

    def balance(self, token: str, holder: str) -> int:
        """A holder's balance of a token in stroops; 0 when it holds none."""
        asset = self.host.token_asset(token)
        if asset is None:
            return 0
        if holder.startswith("C"):
            return self.state.contract_balance(holder, asset)
        line = self.state.trustline(holder, asset)
        return line.balance if line else 0


class Contract(Protocol):
    """Code behind one contract address."""

    def call(self, env: ContractEnv, function: str, args: Sequence[xdr.SCVal]) -> xdr.SCVal:
        """Run a function; raise ContractFailure to revert."""
        ...


Resolver = Callable[[State, str], Contract | None]


class ContractHost:
    """Finds the contract behind an address and runs it."""

    def __init__(self, *, passphrase: str, assets: Sequence[str]) -> None:
        """assets: keys of the classic assets whose token contracts exist."""
        self._tokens = {asset_of(key).contract_id(passphrase): key for key in assets}
        self._resolvers: list[Resolver] = []

    def register(self, resolver: Resolver) -> None:
        """Add a source of contracts; asked in order of registration."""
        self._resolvers.append(resolver)

    def token_asset(self, contract: str) -> str | None:
        """The asset key behind a token contract's address."""
        return self._tokens.get(contract)

    def run(self, env: ContractEnv, call: xdr.InvokeContractArgs) -> xdr.SCVal:
        """Run one invocation. Raises ContractFailure or ContractArchived."""
        try:
            address = Address.from_xdr_sc_address(call.contract_address).address
            function = call.function_name.sc_symbol.decode()
            return self._contract(env.state, address).call(env, function, call.args)
        except (ValueError, KeyError, IndexError) as problem:
            # Arguments of a wrong type or shape: the host traps before the contract sees them.
            raise ContractFailure(
                f"HostError: Error(Value, UnexpectedType): {problem}"
            ) from problem

    def _contract(self, state: State, address: str) -> Contract:
        if address in self._tokens:
            return TokenContract(address)
        for resolver in self._resolvers:
            contract = resolver(state, address)
            if contract is not None:
                return contract
        raise ContractFailure(f"HostError: Error(Storage, MissingValue): no contract {address}")


@dataclass(frozen=True)
class TokenContract:
    """The token interface of a classic asset: the three functions that anybody here calls."""

    address: str

    def call(self, env: ContractEnv, function: str, args: Sequence[xdr.SCVal]) -> xdr.SCVal:
        if function == "transfer":
            sender, recipient = (scval.from_address(a).address for a in args[:2])
            env.require_auth(sender)
            env.transfer(self.address, sender, recipient, scval.from_int128(args[2]))
            return scval.to_void()
        if function == "clawback":
            asset = env.host.token_asset(self.address)
            issuer = issuer_of(asset or NATIVE)
            if issuer is None:
                raise ContractFailure("HostError: Error(Auth, InvalidAction): nobody issues it")
            env.require_auth(issuer)
            holder, amount = scval.from_address(args[0]).address, scval.from_int128(args[1])
            env.transfer(self.address, holder, issuer, amount, kind="clawback")
            return scval.to_void()
        if function == "balance":
            holder = scval.from_address(args[0]).address
            return scval.to_int128(env.balance(self.address, holder))
        raise ContractFailure(f"HostError: Error(WasmVm, MissingValue): no function {function}")


def invoke(context: Context, operation: InvokeHostFunction) -> Effect:
    """Apply an InvokeHostFunction operation; only contract invocations are supported."""
    call = operation.host_function.invoke_contract
    if call is None:
        raise OperationFailed(_Invoke.INVOKE_HOST_FUNCTION_MALFORMED)
    env = ContractEnv(context.state, context.source, context.transaction_hash, context.contracts)
    try:
        returned = context.contracts.run(env, call)
    except ContractFailure as failure:
        raise OperationFailed(_Invoke.INVOKE_HOST_FUNCTION_TRAPPED, str(failure)) from failure
    except ContractArchived as archived:
        code = _Invoke.INVOKE_HOST_FUNCTION_ENTRY_ARCHIVED
        raise OperationFailed(code, f"entry archived: {archived}") from archived
    return Effect(
        {
            "function": "HostFunctionTypeHostFunctionTypeInvokeContract",
            "parameters": _parameters(call),
            "address": "",
            "salt": "",
            "asset_balance_changes": [t.balance_change() for t in env.transfers],
        },
        transfers=list(env.transfers),
        participants={holder for t in env.transfers for holder in (t.sender, t.recipient)},
        is_payment=bool(env.transfers),
        value=xdr.Hash(hashlib.sha256(returned.to_xdr_bytes()).digest()),
    )


def _parameters(call: xdr.InvokeContractArgs) -> list[dict[str, Any]]:
    """The call as Horizon lists it: contract, function, arguments, each with its type."""
    values = [
        xdr.SCVal(xdr.SCValType.SCV_ADDRESS, address=call.contract_address),
        xdr.SCVal(xdr.SCValType.SCV_SYMBOL, sym=call.function_name),
        *call.args,
    ]
    return [{"value": v.to_xdr(), "type": _type_name(v.type)} for v in values]


def _type_name(kind: xdr.SCValType) -> str:
    return kind.name.removeprefix("SCV_").title().replace("Symbol", "Sym").replace("_", "")

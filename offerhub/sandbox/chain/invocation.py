"""Building contract invocations as an operation that the source account alone authorises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stellar_sdk import Address, SorobanDataBuilder, TransactionBuilder, scval, xdr


@dataclass(frozen=True)
class Call:
    """A contract function with its arguments; `inner` are the calls it makes in turn."""

    contract: str
    function: str
    args: Sequence[xdr.SCVal]
    inner: Sequence[Call] = ()

    def arguments_xdr(self) -> xdr.InvokeContractArgs:
        return xdr.InvokeContractArgs(
            Address(self.contract).to_xdr_sc_address(),
            xdr.SCSymbol(self.function.encode()),
            list(self.args),
        )

    def authorized_xdr(self) -> xdr.SorobanAuthorizedInvocation:
        """The tree of calls that the signer agrees to."""
        kind = xdr.SorobanAuthorizedFunctionType
        return xdr.SorobanAuthorizedInvocation(
            xdr.SorobanAuthorizedFunction(
                kind.SOROBAN_AUTHORIZED_FUNCTION_TYPE_CONTRACT_FN,
                contract_fn=self.arguments_xdr(),
            ),
            [call.authorized_xdr() for call in self.inner],
        )


def token_transfer(token: str, *, sender: str, to: str, amount_stroops: int) -> Call:
    """The token contract's `transfer(from, to, amount)`."""
    args = [scval.to_address(sender), scval.to_address(to), scval.to_int128(amount_stroops)]
    return Call(token, "transfer", args)


def token_clawback(token: str, *, holder: str, amount_stroops: int) -> Call:
    """The token contract's `clawback(from, amount)`, which its asset's issuer may call."""
    return Call(token, "clawback", [scval.to_address(holder), scval.to_int128(amount_stroops)])


def add_call(builder: TransactionBuilder, call: Call, *, resource_fee_stroops: int) -> None:
    """Append the call, authorised by the transaction's source account, with its resource fee."""
    credentials = xdr.SorobanCredentials(
        xdr.SorobanCredentialsType.SOROBAN_CREDENTIALS_SOURCE_ACCOUNT
    )
    entry = xdr.SorobanAuthorizationEntry(credentials, call.authorized_xdr())
    builder.append_invoke_contract_function_op(
        call.contract, call.function, list(call.args), auth=[entry]
    )
    data = SorobanDataBuilder()  # type: ignore[no-untyped-call]
    data.set_resource_fee(resource_fee_stroops)
    builder.set_soroban_data(data.build())  # type: ignore[no-untyped-call]

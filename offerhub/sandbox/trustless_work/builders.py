"""Unsigned transactions: simulated first, then built for the signer's next sequence number."""

from __future__ import annotations

from stellar_sdk import Account, TransactionBuilder

from offerhub.sandbox.chain.contract_calls import ContractArchived, ContractFailure
from offerhub.sandbox.chain.invocation import Call, add_call
from offerhub.sandbox.trustless_work.engine import TrustlessWork
from offerhub.sandbox.trustless_work.wire import ApiError

VALID_FOR_S = 300
BASE_FEE_STROOPS = 100
CALL_RESOURCE_FEE_STROOPS = 250_000
DEPLOY_RESOURCE_FEE_STROOPS = 750_000


def build(engine: TrustlessWork, call: Call, *, signer: str) -> dict[str, str]:
    """The answer of every builder endpoint. Raises ApiError 400 when the call would fail.

    Has no effect, so it may be repeated freely.
    """
    chain = engine.chain
    account = chain.ledgers.state().account(signer)
    if account is None:
        raise ApiError(400, f"Account not found: {signer}")
    try:
        engine.simulate(call, invoker=signer)
    except ContractFailure as failure:
        raise ApiError(400, str(failure)) from failure
    except ContractArchived as archived:
        raise ApiError(400, f"The entry of contract {archived} is archived") from archived
    builder = TransactionBuilder(
        Account(signer, account.sequence), chain.passphrase, base_fee=BASE_FEE_STROOPS
    )
    builder.add_time_bounds(0, chain.ledgers.now_ms() // 1000 + VALID_FOR_S)
    deploys = call.function == "deploy"
    add_call(
        builder,
        call,
        resource_fee_stroops=DEPLOY_RESOURCE_FEE_STROOPS if deploys else CALL_RESOURCE_FEE_STROOPS,
    )
    return {"status": "SUCCESS", "unsignedTransaction": builder.build().to_xdr()}

"""`send-transaction` and `update-from-txHash`: signed transactions in, proof by the chain."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response
from stellar_sdk import xdr

from offerhub.sandbox.chain.contract_calls import ContractArchived, ContractFailure
from offerhub.sandbox.chain.envelope import MalformedEnvelope, Submission
from offerhub.sandbox.chain.submission import Outcome
from offerhub.sandbox.trustless_work.bodies import Body
from offerhub.sandbox.trustless_work.definitions import show_escrow
from offerhub.sandbox.trustless_work.engine import Simulated, TrustlessWork
from offerhub.sandbox.trustless_work.storage import Stored
from offerhub.sandbox.trustless_work.wire import ApiError, answer, dump, read_body

TOO_EARLY = "Cannot read properties of undefined (reading 'resultMetaXdr')"
NOT_YET = "The transaction may not be complete yet"
_ANSWERED_WITH_ESCROW = ("deploy", "update_escrow")


def add_send_routes(blueprint: Blueprint, engine: TrustlessWork, *, timeout_s: float) -> None:
    """timeout_s: how long a submission is waited for before the answer is "not yet"."""

    @blueprint.post("/helper/send-transaction")
    def send_transaction() -> Response:
        submission = _read(engine)
        if engine.chain.faults.spend("success_without_effect"):
            return answer(_pretended(engine, submission))
        known = engine.storage.answer(submission.hash)
        if known is None and engine.chain.submissions.outcome(submission.hash) is None:
            _submit(engine, submission)
        if not engine.chain.submissions.wait_until_included(submission.hash, timeout_s=timeout_s):
            return answer({"status": "FAILED", "message": NOT_YET}, 500)
        if engine.chain.faults.spend("read_too_early"):
            return answer({"status": "FAILED", "message": TOO_EARLY}, 500)
        return answer(_settled(engine, submission))

    @blueprint.route("/indexer/update-from-txHash", methods=["POST"])
    def update_from_hash() -> Response:
        body = Body(read_body())
        transaction_hash = body.text("txHash")
        body.check()
        engine.chain.ledgers.tick()
        if engine.follow(transaction_hash) is None:
            raise ApiError(404, f"No escrow was changed by transaction {transaction_hash}")
        return answer({"status": "SUCCESS", "message": "The escrow has been updated"}, 201)


def _read(engine: TrustlessWork) -> Submission:
    body = Body(read_body())
    signed_xdr = body.text("signedXdr")
    body.check()
    try:
        return engine.chain.submissions.decode(signed_xdr)
    except MalformedEnvelope as problem:
        raise ApiError(400, "signedXdr is not a transaction envelope") from problem


def _submit(engine: TrustlessWork, submission: Submission) -> None:
    """Hand the envelope to the network. Raises ApiError when it does not take it."""
    receipt = engine.chain.submissions.submit(submission.envelope_xdr)
    if receipt.status == "ERROR":
        result = xdr.TransactionResult.from_xdr(str(receipt.result_xdr)).result
        inner = result.inner_result_pair
        code = inner.result.result.code if inner else result.code
        raise ApiError(400, f"Transaction was rejected by the network: {code.name}")
    if receipt.status == "TRY_AGAIN_LATER":
        raise ApiError(500, "Transaction was not queued: TRY_AGAIN_LATER")


def _settled(engine: TrustlessWork, submission: Submission) -> dict[str, Any]:
    """The answer for an included transaction; the same one every time it is asked for."""
    with engine.chain.store.transaction():
        known = engine.storage.answer(submission.hash)
        if known is not None:
            return known
        outcome = engine.chain.submissions.outcome(submission.hash)
        assert outcome is not None
        body = _failed(outcome) if not outcome.successful else _applied(engine, submission)
        engine.storage.keep_answer(submission.hash, dump(body))
        return body


def _failed(outcome: Outcome) -> dict[str, Any]:
    return {"status": "FAILED", "message": outcome.diagnostic or "Transaction failed: txFailed"}


def _applied(engine: TrustlessWork, submission: Submission) -> dict[str, Any]:
    transaction_hash = submission.inner_hash or submission.hash
    stored = engine.follow(transaction_hash)
    called = engine.storage.called(transaction_hash)
    return _success(engine, stored, called[1] if called else None)


def _pretended(engine: TrustlessWork, submission: Submission) -> dict[str, Any]:
    """SUCCESS as it would look, for a transaction that never reaches the network."""
    nothing = Simulated(None, None)
    operation = submission.operations[0] if submission.is_contract_call else None
    call = operation.host_function.invoke_contract if operation else None
    if call is None:
        return _success(engine, None, None)
    try:
        simulated = engine.simulate(call, invoker=submission.source)
    except (ContractFailure, ContractArchived):
        simulated = nothing
    return _success(engine, simulated.stored, simulated.function)


def _success(engine: TrustlessWork, stored: Stored | None, function: str | None) -> dict[str, Any]:
    body: dict[str, Any] = {
        "status": "SUCCESS",
        "message": "The transaction has been successfully sent to the Stellar network.",
    }
    if stored is not None and function in _ANSWERED_WITH_ESCROW:
        body["contractId"] = stored.contract
        issuer = engine.chain.issuer_address
        body["escrow"] = show_escrow(engine.as_indexed(stored), issuer=issuer)
    return body

"""Horizon's two submission endpoints: the one that waits and the one that does not."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from offerhub.sandbox.chain.envelope import MalformedEnvelope, Submission
from offerhub.sandbox.chain.network import Chain
from offerhub.sandbox.chain.results import result_codes
from offerhub.sandbox.horizon_wire import Problem, hal, link_record

_ASYNC_STATUS = {"PENDING": 201, "ERROR": 400, "DUPLICATE": 409, "TRY_AGAIN_LATER": 503}


def add_submission_routes(blueprint: Blueprint, chain: Chain, *, timeout_s: float) -> None:
    """Add `POST /transactions` and `POST /transactions_async`."""

    @blueprint.post("/transactions")
    def submit() -> Response:
        submission = _read(chain)
        # An included transaction is answered with its stored result, however often it comes.
        record = chain.history.transaction(submission.hash)
        if record is None:
            receipt = chain.submissions.submit(submission.envelope_xdr)
            if receipt.status == "ERROR":
                raise _failed(submission, str(receipt.result_xdr))
            if receipt.status == "TRY_AGAIN_LATER":
                detail = "The network did not queue the transaction. Try again in a few seconds."
                raise Problem(503, "service_unavailable", "Service Unavailable", detail)
            chain.submissions.wait_until_ingested(submission.hash, timeout_s=timeout_s)
            record = chain.history.transaction(submission.hash)
        if record is None:
            raise Problem.submission_timeout(submission.hash, submission.envelope_xdr)
        if not record["successful"]:
            raise _failed(submission, record["result_xdr"])
        return hal(link_record(record, f"/transactions/{submission.hash}"))

    @blueprint.post("/transactions_async")
    def submit_async() -> Response:
        submission = _read(chain)
        receipt = chain.submissions.submit(submission.envelope_xdr)
        answer: dict[str, Any] = {"tx_status": receipt.status, "hash": receipt.hash}
        if receipt.result_xdr is not None:
            answer["error_result_xdr"] = receipt.result_xdr
        return hal(answer, _ASYNC_STATUS[receipt.status])


def _read(chain: Chain) -> Submission:
    """The `tx` field of the form. Raises Problem 415 or 400."""
    if request.mimetype != "application/x-www-form-urlencoded":
        detail = "The request has an unsupported content type."
        raise Problem(415, "unsupported_media_type", "Unsupported Media Type", detail)
    envelope_xdr = request.form.get("tx", "")
    try:
        return chain.submissions.decode(envelope_xdr)
    except MalformedEnvelope as problem:
        raise Problem.transaction_malformed(envelope_xdr) from problem


def _failed(submission: Submission, result_xdr: str) -> Problem:
    return Problem.transaction_failed(
        result_codes(result_xdr),
        envelope_xdr=submission.envelope_xdr,
        result_xdr=result_xdr,
        hash=submission.hash,
    )

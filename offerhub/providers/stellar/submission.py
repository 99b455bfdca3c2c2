"""What Horizon's answer to a submission means. Pure.

Accepted is not applied: only the transaction's record, found by its hash, says that.
Source: Stellar Docs, Horizon, "Submit a transaction" and "Submit a transaction asynchronously".
"""

from typing import Any, Final

from offerhub.ports.chain import Submission, SubmissionStatus
from offerhub.ports.errors import OutcomeUnknown, Unavailable
from offerhub.providers.answers import Answer
from offerhub.providers.stellar.client import PROVIDER, kind_of
from offerhub.providers.stellar.results import codes_as_stored, codes_of_extras

_STATUSES: Final = {
    "PENDING": SubmissionStatus.ACCEPTED,
    "DUPLICATE": SubmissionStatus.ACCEPTED,
    "ERROR": SubmissionStatus.REJECTED,
    "TRY_AGAIN_LATER": SubmissionStatus.TRY_LATER,
}
_ASYNC_MISSING: Final = frozenset({404, 405})


def has_no_async(answer: Answer) -> bool:
    """Whether this Horizon lacks the asynchronous address."""
    return answer.status in _ASYNC_MISSING


def of_async(answer: Answer) -> Submission:
    """Raises: OutcomeUnknown, Unavailable."""
    body: dict[str, Any] = answer.body if isinstance(answer.body, dict) else {}
    status = _STATUSES.get(str(body.get("tx_status")))
    if status is None:
        return _refusal(answer)
    if status is SubmissionStatus.REJECTED:
        return Submission(status, codes_as_stored(body.get("error_result_xdr")))
    return Submission(status)


def of_waiting(answer: Answer) -> Submission:
    """Raises: OutcomeUnknown, Unavailable."""
    if answer.status < 300 and isinstance(answer.body, dict) and "hash" in answer.body:
        return Submission(SubmissionStatus.ACCEPTED)
    return _refusal(answer)


def _refusal(answer: Answer) -> Submission:
    """An answer without a status: a problem document, or something that is not Horizon's."""
    kind = kind_of(answer.body)
    if answer.status == 400 and kind:
        extras = answer.body.get("extras")
        return Submission(SubmissionStatus.REJECTED, codes_of_extras(extras) or (kind,))
    if answer.status == 503 and kind == "stale_history":
        return Submission(SubmissionStatus.TRY_LATER, (kind,))
    if answer.status in (403, 415):
        raise Unavailable(
            f"Horizon takes no transactions (status {answer.status}, {kind or 'no reason'})",
            provider=PROVIDER,
        )
    raise OutcomeUnknown(
        f"Horizon's answer to a submission says nothing (status {answer.status})",
        provider=PROVIDER,
        retry_after_s=answer.retry_after_s,
    )

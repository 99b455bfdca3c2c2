"""Trustless Work over HTTP: one method per kind of call, refusals told apart.

Every call takes one permit of the shared outbound limit first (the service allows 50 a minute).
Builders have no effect and may be repeated; only `send` has one.
"""

from collections.abc import Mapping
from typing import Any, Final

from stellar_sdk import StrKey

from offerhub.ports.errors import OutcomeUnknown, ProviderFailure, Rejected, Unavailable
from offerhub.ports.limits import OutboundLimiter
from offerhub.providers.answers import Answer
from offerhub.providers.http import CallHook, HttpClient
from offerhub.providers.trustlesswork.refusals import Step, is_unsettled, meaning, text_of

PROVIDER: Final = "trustless_work"
# 500 is among them: some versions answer it for a refusal by the contract.
_JUDGED: Final = frozenset({400, 401, 403, 404, 409, 422, 500})
_KEY_REFUSED: Final = frozenset({401, 403})


def connect(base_url: str, *, api_key: str, on_call: CallHook | None = None) -> HttpClient:
    """Connections to the service. Sending waits for a ledger or two, so it has a minute."""
    return HttpClient(
        provider=PROVIDER,
        base_url=base_url,
        headers={"x-api-key": api_key},
        read_timeout_s=60,
        deadline_s=65,
        on_call=on_call,
    )


class TrustlessWorkClient:
    """Calls and their refusals; what an answer means for an escrow is read in `mapping`."""

    def __init__(self, http: HttpClient, limiter: OutboundLimiter) -> None:
        self._http = http
        self._limiter = limiter

    def build(self, path: str, body: dict[str, Any], step: Step) -> str:
        """The unsigned transaction, in base64 XDR. Raises: Rejected, Unavailable."""
        self._limiter.acquire(PROVIDER)
        answer = self._http.call("POST", path, json=body, accept=_JUDGED, changes=False)
        if not _succeeded(answer):
            raise self._refused_build(answer, path, step)
        unsigned = answer.body.get("unsignedTransaction")
        if not isinstance(unsigned, str) or not unsigned:
            raise self._http.unreadable(f"{path} gave no transaction", changes=False)
        return unsigned

    def send(self, signed_xdr: str, step: Step) -> str | None:
        """The new contract's id when one was deployed. Raises: the failures of `ports.errors`."""
        self._limiter.acquire(PROVIDER)
        path = "/helper/send-transaction"
        answer = self._http.call("POST", path, json={"signedXdr": signed_xdr}, accept=_JUDGED)
        if not _succeeded(answer):
            raise self._refused_send(answer, step)
        contract_id = answer.body.get("contractId")
        known = isinstance(contract_id, str) and StrKey.is_valid_contract(contract_id)
        return contract_id if known else None

    def follow(self, transaction_hash: str) -> None:
        """Have the index follow a transaction. Raises: Rejected, Unavailable.

        The service's documents name both methods; PUT is tried where POST is not known.
        """
        path, body = "/indexer/update-from-txHash", {"txHash": transaction_hash}
        for method in ("POST", "PUT"):
            self._limiter.acquire(PROVIDER)
            answer = self._http.call(method, path, json=body, accept=_JUDGED | {405}, changes=False)
            if answer.status not in {404, 405}:
                break
        if not _succeeded(answer):
            raise self._refused_build(answer, path, Step(multi_release=None))

    def get(self, path: str, query: Mapping[str, str | list[str]]) -> Any | None:
        """The JSON of a read; None when the service says 404. Raises: Rejected, Unavailable."""
        self._limiter.acquire(PROVIDER)
        answer = self._http.get(path, query=query, accept=_JUDGED)
        if 200 <= answer.status < 300:
            return answer.body
        if answer.status == 404 and answer.is_json:
            return None
        raise self._refused_build(answer, path, Step(multi_release=None))

    def unreadable(self, what: str) -> ProviderFailure:
        """The failure of a read that did not give what was agreed."""
        return self._http.unreadable(what, changes=False)

    def _refused_build(self, answer: Answer, path: str, step: Step) -> ProviderFailure:
        text = text_of(answer.body)
        if not answer.is_json:
            return self.unreadable(f"{path}: status {answer.status} without JSON")
        if answer.status in _KEY_REFUSED:
            return _key_refused(answer)
        meant = meaning(text, step)
        if answer.status == 500 and meant is None:
            return Unavailable(
                f"Trustless Work failed at {path}: {text or 'no reason'}", provider=PROVIDER
            )
        if answer.status < 300 and not _failed(answer):
            return self.unreadable(f"{path} says neither SUCCESS nor FAILED")
        return Rejected(
            f"Trustless Work refused {path}: {text or 'no reason'}",
            provider=PROVIDER,
            code=meant.code if meant else str(answer.status),
            error_code=meant.error_code if meant else "PROVIDER_ERROR",
        )

    def _refused_send(self, answer: Answer, step: Step) -> ProviderFailure:
        text = text_of(answer.body)
        if answer.is_json and answer.status in _KEY_REFUSED:
            return _key_refused(answer)
        meant = meaning(text, step)
        clear = meant is not None or _failed(answer) or 400 <= answer.status < 500
        if not answer.is_json or is_unsettled(text) or not clear or _vague_500(answer, meant):
            return OutcomeUnknown(
                f"Trustless Work does not say what became of a transaction: {text or 'no reason'}",
                provider=PROVIDER,
                code=str(answer.status),
                retry_after_s=answer.retry_after_s,
            )
        return Rejected(
            f"Trustless Work could not send a transaction: {text or 'no reason'}",
            provider=PROVIDER,
            code=meant.code if meant else str(answer.status),
            error_code=meant.error_code if meant else "PROVIDER_ERROR",
        )


def _succeeded(answer: Answer) -> bool:
    return (
        200 <= answer.status < 300
        and isinstance(answer.body, dict)
        and answer.body.get("status") == "SUCCESS"
    )


def _failed(answer: Answer) -> bool:
    return isinstance(answer.body, dict) and answer.body.get("status") == "FAILED"


def _vague_500(answer: Answer, meant: object) -> bool:
    return answer.status == 500 and meant is None


def _key_refused(answer: Answer) -> Rejected:
    return Rejected(
        f"Trustless Work does not accept our API key (status {answer.status}):"
        " check TRUSTLESS_WORK_API_KEY",
        provider=PROVIDER,
        code="unauthorized",
    )

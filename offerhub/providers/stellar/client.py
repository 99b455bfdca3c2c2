"""Horizon over HTTP: one method per address, answers checked for shape and nothing more.

Every call takes one permit of the shared outbound limit first. Amounts and states are read in
`mapping`; refusals of a submission in `submission`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from offerhub.ports.limits import OutboundLimiter
from offerhub.providers.answers import Answer
from offerhub.providers.http import CallHook, HttpClient

PROVIDER: Final = "stellar"
MAX_PAGE: Final = 200
_ASYNC_ANSWERS: Final = frozenset({400, 403, 404, 405, 409, 415, 503})
_WAITING_ANSWERS: Final = frozenset({400, 403, 415, 503})


def connect(base_url: str, *, on_call: CallHook | None = None) -> HttpClient:
    """Connections to a Horizon. A waiting submission takes it up to 55 seconds to answer."""
    return HttpClient(
        provider=PROVIDER, base_url=base_url, read_timeout_s=60, deadline_s=65, on_call=on_call
    )


class HorizonClient:
    """Reads raise Rejected, Unavailable or RateLimited; posts OutcomeUnknown too."""

    def __init__(self, http: HttpClient, limiter: OutboundLimiter) -> None:
        self._http = http
        self._limiter = limiter

    def root(self) -> dict[str, Any]:
        return self._object("/")

    def account(self, address: str) -> dict[str, Any] | None:
        """None when the account does not exist."""
        return self._find("/accounts/{address}", {"address": address})

    def transaction(self, hash_: str) -> dict[str, Any] | None:
        """None when it has not been ingested; failed transactions have records too."""
        return self._find("/transactions/{hash}", {"hash": hash_})

    def operations(self, hash_: str) -> list[Any]:
        """The operations of one transaction (at most 100 exist)."""
        page = self._object(
            "/transactions/{hash}/operations", {"hash": hash_}, {"limit": str(MAX_PAGE)}
        )
        return self._records(page)

    def payments(self, address: str, *, cursor: str, limit: int) -> list[Any]:
        """Payment-like operations of an account after `cursor`, oldest first, with their memos."""
        query = {"cursor": cursor, "order": "asc", "limit": str(limit), "join": "transactions"}
        return self._records(
            self._object("/accounts/{address}/payments", {"address": address}, query)
        )

    def transactions(self, address: str, *, before: str | None) -> list[Any]:
        """Successful transactions that touched an account, newest first, before a cursor."""
        query = {"order": "desc", "limit": str(MAX_PAGE), **({"cursor": before} if before else {})}
        return self._records(
            self._object("/accounts/{address}/transactions", {"address": address}, query)
        )

    def fee_stats(self) -> dict[str, Any]:
        return self._object("/fee_stats")

    def submit_async(self, xdr: str) -> Answer:
        """Queue a transaction; refusals come back as answers."""
        return self._post("/transactions_async", xdr, _ASYNC_ANSWERS)

    def submit_waiting(self, xdr: str) -> Answer:
        """Submit and wait for inclusion; refusals come back as answers."""
        return self._post("/transactions", xdr, _WAITING_ANSWERS)

    @contextmanager
    def readable(self, what: str, *, changes: bool = False) -> Iterator[None]:
        """Turn what goes wrong while reading an answer into the failure of an unreadable one."""
        try:
            yield
        except (ValueError, TypeError, KeyError, AttributeError) as exc:
            raise self.unreadable(f"{what}: {exc}", changes=changes) from exc

    @property
    def unreadable(self) -> Callable[..., Exception]:
        return self._http.unreadable

    def _post(self, template: str, xdr: str, accept: frozenset[int]) -> Answer:
        self._limiter.acquire(PROVIDER)
        return self._http.call("POST", template, form={"tx": xdr}, accept=accept, changes=True)

    def _object(
        self,
        template: str,
        path: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        self._limiter.acquire(PROVIDER)
        return self._dict(self._http.get(template, path=path, query=query), template)

    def _find(self, template: str, path: dict[str, str]) -> dict[str, Any] | None:
        self._limiter.acquire(PROVIDER)
        answer = self._http.get(template, path=path, accept={404})
        body = self._dict(answer, template)
        if answer.status != 404:
            return body
        # Only Horizon's own "not found" says that the thing is absent; a proxy's 404 does not.
        if kind_of(body) != "not_found":
            raise self._http.unreadable(f"{template}: a 404 that is not Horizon's", changes=False)
        return None

    def _dict(self, answer: Answer, what: str) -> dict[str, Any]:
        if not isinstance(answer.body, dict):
            raise self._http.unreadable(f"{what} is not an object", changes=False)
        return answer.body

    def _records(self, page: dict[str, Any]) -> list[Any]:
        with self.readable("a page"):
            records = page["_embedded"]["records"]
            if not isinstance(records, list):
                raise TypeError("its records are not a list")
            return records


def kind_of(body: object) -> str:
    """The last segment of a problem document's type, e.g. `not_found`; "" when there is none."""
    kind = body.get("type") if isinstance(body, dict) else None
    return kind.rpartition("/")[2] if isinstance(kind, str) else ""

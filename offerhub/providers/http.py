"""The one way out over HTTP: bounded in time and size, and honest about what may have happened.

Every failure leaves here as one of `ports.errors`:

    what happened                                 a change was asked     only a read
    no connection (refused, DNS, TLS, timeout)    Unavailable            Unavailable
    lost after sending (timeout, reset, cut off)  OutcomeUnknown         Unavailable
    429                                           RateLimited            RateLimited
    other 4xx with a JSON body                    Rejected               Rejected
    other 4xx, 3xx, 5xx, a page instead of JSON   OutcomeUnknown         Unavailable
    2xx that is not JSON, or is too large         OutcomeUnknown         Unavailable

Nothing is retried here: whether a change may be repeated is for the caller to know.

    http = HttpClient(
        provider="stellar",
        base_url="https://horizon.example.org",
        judge=my_judge,        # optional: reads a refusal's body before the table above
        on_call=metrics_hook,  # optional: (provider, outcome, seconds) after every call
    )
    answer = http.get("/accounts/{address}", path={"address": address}, accept={404})
    if answer.status == 404: ...
    balance = answer.body["balances"][0]["balance"]        # numbers are int or Decimal
    http.call("POST", "/payins", json={"amount": Decimal("50.00")})
    http.call("POST", "/transactions_async", form={"tx": xdr}, accept={400, 409, 503})
    http.call("POST", "/deployer/single-release", json=terms, changes=False)  # only builds

`path` values are URL-encoded as single segments. A status in `accept` comes back as an `Answer`,
whatever its body; the caller judges it. `changes` says whether the call may have an effect; unless
told, everything but GET and HEAD may. An answer that is JSON but not what was agreed is the
adapter's finding: `raise http.unreadable(what, changes=...)`.
Logs name the path's template only: no bodies, no credentials, no filled-in path, no query.
"""

import logging
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from offerhub.ports.errors import (
    OutcomeUnknown,
    ProviderFailure,
    RateLimited,
    Rejected,
    Unavailable,
)
from offerhub.providers import addresses, jsontext
from offerhub.providers.answers import Answer, read_answer
from offerhub.providers.deadline import DeadlineTransport, call_deadline

_log = logging.getLogger(__name__)
# httpx writes each full URL at INFO, and ours hold e-mail addresses.
logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpcore").setLevel(logging.WARNING)

_MAY_HAVE_BEEN_DONE = frozenset({408, 425})  # timed out or replayed on the way: not a refusal
_NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


Judge = Callable[[Answer, bool], ProviderFailure | None]
CallHook = Callable[[str, str, float], None]


class HttpClient:
    """Calls to one provider. Safe between threads and greenlets, and after a fork.

    judge: asked about every refusal outside `accept`, with (answer, changes); the failure it
    returns is raised, and None leaves the answer to the table above.
    on_call: told (provider, outcome, seconds); the outcomes are ok, rejected, rate_limited,
    unavailable, unknown.
    Raises: ValueError when `base_url` is not plain http(s).
    """

    def __init__(
        self,
        *,
        provider: str,
        base_url: str,
        headers: Mapping[str, str] | None = None,
        basic_auth: tuple[str, str] | None = None,
        connect_timeout_s: float = 5.0,
        read_timeout_s: float = 30.0,
        deadline_s: float = 40.0,
        max_body_bytes: int = 2 * 1024 * 1024,
        max_connections: int = 20,
        judge: Judge | None = None,
        on_call: CallHook | None = None,
    ) -> None:
        self.provider = provider
        self._base_url = addresses.plain_base_url(base_url)
        self._headers = {
            "User-Agent": "OfferHub",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            **(headers or {}),
        }
        self._basic_auth = basic_auth
        self._timeout = httpx.Timeout(
            read_timeout_s, connect=connect_timeout_s, pool=connect_timeout_s
        )
        self._deadline_s = deadline_s
        self._max_body_bytes = max_body_bytes
        self._max_connections = max_connections
        self._judge = judge
        self._on_call = on_call
        self._opened: tuple[int, httpx.Client] | None = None

    def get(
        self,
        template: str,
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, str | list[str]] | None = None,
        accept: Collection[int] = (),
    ) -> Answer:
        """A read. Raises: Rejected, Unavailable (RateLimited); never OutcomeUnknown."""
        return self.call("GET", template, path=path, query=query, accept=accept)

    def call(
        self,
        method: str,
        template: str,
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, str | list[str]] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        accept: Collection[int] = (),
        changes: bool | None = None,
        any_body: bool = False,
    ) -> Answer:
        """One request, one answer: a 2xx, or a status in `accept`. See the module's table.

        any_body: a 2xx need not be JSON.
        Raises: the failures of `ports.errors`; ValueError for a path value that is no segment.
        """
        if changes is None:
            changes = method not in ("GET", "HEAD")
        url = self._base_url + addresses.fill(template, path or {})
        with self._observed(method, template) as seen:
            answer = self._exchange(method, template, url, query, json, form, changes)
            seen["status"] = answer.status
            if answer.status in accept:
                return answer
            if not 200 <= answer.status < 300:
                raise self._refusal(answer, changes)
            if not (answer.is_json or any_body or answer.status == 204):
                raise self.unreadable(f"{method} {template} was not JSON", changes=changes)
            return answer

    def unreadable(self, what: str, *, changes: bool) -> ProviderFailure:
        """The failure of an answer that is not what was agreed: an effect cannot be ruled out."""
        return self._lost(f"{self.provider} gave an unreadable answer: {what}", changes)

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        opened, self._opened = self._opened, None
        if opened is not None and opened[0] == os.getpid():
            opened[1].close()

    def _exchange(
        self,
        method: str,
        template: str,
        url: str,
        query: Mapping[str, str | list[str]] | None,
        json: Any,
        form: Mapping[str, str] | None,
        changes: bool,
    ) -> Answer:
        client = self._connections()
        content, headers = None, {}
        if json is not None:
            content, headers = jsontext.encode(json), {"Content-Type": "application/json"}
        request = client.build_request(
            method, url, params=query, content=content, data=form, headers=headers
        )
        where = f"{self.provider} {method} {template}"
        try:
            with call_deadline(self._deadline_s):
                response = client.send(request, stream=True)
                try:
                    raw = self._bounded_body(response)
                finally:
                    response.close()
        except _NOTHING_SENT as error:
            raise Unavailable(
                f"{where}: no connection ({type(error).__name__})", provider=self.provider
            ) from error
        except httpx.HTTPError as error:
            raise self._lost(f"{where}: no answer ({type(error).__name__})", changes) from error
        if raw is None:
            raise self._lost(f"{where}: the answer is larger than allowed", changes)
        return read_answer(response.status_code, response.headers, raw)

    def _bounded_body(self, response: httpx.Response) -> bytes | None:
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > self._max_body_bytes:
                return None
        return bytes(body)

    def _refusal(self, answer: Answer, changes: bool) -> ProviderFailure:
        judged = self._judge(answer, changes) if self._judge else None
        if judged is not None:
            return judged
        told = f"{self.provider} answered {answer.status}"
        if answer.status == 429:
            return RateLimited(told, provider=self.provider, retry_after_s=answer.retry_after_s)
        if (
            400 <= answer.status < 500
            and answer.is_json
            and answer.status not in _MAY_HAVE_BEEN_DONE
        ):
            return Rejected(told, provider=self.provider)
        return self._lost(told, changes, retry_after_s=answer.retry_after_s)

    def _lost(
        self, message: str, changes: bool, *, retry_after_s: float | None = None
    ) -> ProviderFailure:
        kind = OutcomeUnknown if changes else Unavailable
        return kind(message, provider=self.provider, retry_after_s=retry_after_s)

    def _connections(self) -> httpx.Client:
        """The connection pool of this process: sockets must not be shared across a fork.

        Without a lock, which a fork could copy while it is held: two threads that come first at
        once make two pools, and the one that is not kept closes after its call.
        """
        opened, pid = self._opened, os.getpid()
        if opened is None or opened[0] != pid:
            client = httpx.Client(
                transport=DeadlineTransport(max_connections=self._max_connections),
                headers=self._headers,
                auth=self._basic_auth,
                timeout=self._timeout,
                follow_redirects=False,
                trust_env=False,
            )
            self._opened = opened = (pid, client)
        return opened[1]

    @contextmanager
    def _observed(self, method: str, template: str) -> Iterator[dict[str, int]]:
        seen: dict[str, int] = {}
        started_s = time.monotonic()
        outcome = "error"
        try:
            yield seen
            outcome = "ok"
        except ProviderFailure as failure:
            outcome = _outcome_of(failure)
            raise
        finally:
            taken_s = time.monotonic() - started_s
            _log.log(
                logging.INFO if outcome == "ok" else logging.WARNING,
                "provider.call",
                extra={
                    "provider": self.provider,
                    "method": method,
                    "path": template,
                    "status": seen.get("status"),
                    "outcome": outcome,
                    "ms": round(taken_s * 1000),
                },
            )
            if self._on_call is not None:
                self._on_call(self.provider, outcome, taken_s)


def _outcome_of(failure: ProviderFailure) -> str:
    if isinstance(failure, RateLimited):
        return "rate_limited"
    if isinstance(failure, Unavailable):
        return "unavailable"
    return "rejected" if isinstance(failure, Rejected) else "unknown"

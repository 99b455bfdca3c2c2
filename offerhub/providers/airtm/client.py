"""The Airtm calls that we use, over HTTP: paths and bodies. Meaning is `mapping` and `reasons`.

Source: Airtm Enterprise API v2. Request schemas forbid members they do not know, so bodies hold
exactly what is documented. There is no idempotency header: the `code` is the key.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from offerhub.ports.limits import OutboundLimiter
from offerhub.providers.airtm.mapping import PROVIDER
from offerhub.providers.http import HttpClient

MOST_PAGES: Final = 50


class AirtmClient:
    """One method per call; each takes a permit of the shared limit first.

    Returns parsed bodies. Raises: the failures of `ports.errors`, RateLimited for our own limit.
    """

    def __init__(self, *, http: HttpClient, limiter: OutboundLimiter) -> None:
        self._http = http
        self._limiter = limiter

    def create_payin(
        self,
        *,
        code: str,
        amount: Decimal,
        description: str,
        confirmation_uri: str,
        cancel_uri: str,
    ) -> Any:
        body = {
            "code": code,
            "amount": amount,
            "description": description,
            "items": [{"description": description, "amount": amount, "quantity": 1}],
            "confirmationUri": confirmation_uri,
            "cancelUri": cancel_uri,
        }
        self._limiter.acquire(PROVIDER)
        return self._http.call("POST", "/payins", json=body).body

    def payin(self, payin_id: str) -> Any:
        return self._read("/payins/{id}", id=payin_id)

    def payin_by_code(self, code: str) -> Any:
        return self._read("/payins/by-code/{code}", code=code)

    def cancel_payin(self, payin_id: str) -> Any:
        self._limiter.acquire(PROVIDER)
        return self._http.call("DELETE", "/payins/{id}", path={"id": payin_id}).body

    def create_payout(self, *, code: str, amount: Decimal, email: str, notes: str) -> Any:
        body = {
            "code": code,
            "airtmUserEmail": email,
            "amount": amount,
            "notes": notes,
            "commit": False,
        }
        self._limiter.acquire(PROVIDER)
        return self._http.call("POST", "/payouts", json=body).body

    def commit_payout(self, payout_id: str) -> None:
        """Documented both as 204 and as an empty 201: any 2xx with any body means accepted."""
        self._limiter.acquire(PROVIDER)
        self._http.call("POST", "/payouts/{id}/commit", path={"id": payout_id}, any_body=True)

    def payout(self, payout_id: str) -> Any:
        return self._read("/payouts/{id}", id=payout_id)

    def payout_by_code(self, code: str) -> Any:
        return self._read("/payouts/by-code/{code}", code=code)

    def cancel_payout(self, payout_id: str) -> Any:
        self._limiter.acquire(PROVIDER)
        return self._http.call("DELETE", "/payouts/{id}", path={"id": payout_id}).body

    def user(self, email: str) -> Any:
        return self._read("/users/{email}", email=email)

    def deposit_pages(self) -> Iterator[Any]:
        """Money into our own account, page after page, at most MOST_PAGES."""
        return self.pages("/deposits")

    def pages(self, path: str) -> Iterator[Any]:
        """A list's pages, the largest that Airtm gives, at most MOST_PAGES."""
        query = {"perPage": "1000"}
        for _ in range(MOST_PAGES):
            self._limiter.acquire(PROVIDER)
            page = self._http.get(path, query=query).body
            yield page
            after = page.get("endCursor") if isinstance(page, dict) and page.get("items") else None
            if not isinstance(after, str):
                return
            query = {**query, "after": after}

    def balance(self) -> Any:
        return self._read("/me/balance")

    def me(self) -> Any:
        return self._read("/me")

    def _read(self, template: str, **path: str) -> Any:
        self._limiter.acquire(PROVIDER)
        return self._http.get(template, path=path).body

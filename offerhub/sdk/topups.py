"""Top-ups: money that users pay in through Airtm."""

from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from typing import Any

from offerhub.sdk.models import Topup
from offerhub.sdk.money import CURRENCY, amount_text
from offerhub.sdk.pages import Page, read_page
from offerhub.sdk.resources import Resources, path_of


class Topups(Resources):
    def create(
        self,
        *,
        user_id: str,
        amount: str | Decimal,
        return_url: str,
        cancel_url: str,
        currency: str = CURRENCY,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        wait_s: int | None = None,
    ) -> Topup:
        """Start a top-up. `confirmation_url` is None until Airtm has made the pay-in:
        wait for TOPUP_AWAITING_USER_CONFIRMATION, or pass `wait_s` (1 to 60).

        Raises: AirtmUserNotLinked, InvalidAmountFormat, RateLimited (10 a minute per user).
        """
        body = {
            "user_id": user_id,
            "amount": amount_text(amount),
            "return_url": return_url,
            "cancel_url": cancel_url,
            "currency": currency,
            "description": description,
            "metadata": metadata,
        }
        answer = self._http.change(
            "POST", "/topups", body, idempotency_key=idempotency_key, wait_s=wait_s
        )
        return Topup.from_json(answer.data)

    def get(self, topup_id: str) -> Topup:
        """Raises: TopupNotFound."""
        return Topup.from_json(self._http.get(path_of("topups", topup_id)).data)

    def list(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        user_id: str | None = None,
        status: str | None = None,
        airtm_payin_id: str | None = None,
    ) -> Page[Topup]:
        """One page, newest first; `limit` 1 to 100."""
        filters = {
            "limit": limit,
            "user_id": user_id,
            "status": status,
            "airtm_payin_id": airtm_payin_id,
        }
        return read_page(self._asking("/topups"), Topup.from_json, filters=filters, cursor=cursor)

    def iterate(self, *, user_id: str | None = None, status: str | None = None) -> Iterator[Topup]:
        """Every top-up, newest first, a hundred per request."""
        return self.list(limit=100, user_id=user_id, status=status).every_item()

    def refresh(self, topup_id: str, *, idempotency_key: str | None = None) -> Topup:
        """Have the appliance look at Airtm now. Raises: TopupNotFound."""
        return self._change(topup_id, "refresh", idempotency_key)

    def cancel(self, topup_id: str, *, idempotency_key: str | None = None) -> Topup:
        """Ask for it to be canceled; a payment that is faster wins. Raises: InvalidState."""
        return self._change(topup_id, "cancel", idempotency_key)

    def _change(self, topup_id: str, action: str, idempotency_key: str | None) -> Topup:
        path = path_of("topups", topup_id, action)
        return Topup.from_json(
            self._http.change("POST", path, {}, idempotency_key=idempotency_key).data
        )

    def wait_for(self, topup_id: str, states: Collection[str], *, timeout_s: float = 60.0) -> Topup:
        """The top-up, once its status is one of `states`. Blocks.

        Raises: WaitTimeout, UnexpectedState.
        """
        return self._wait(
            lambda: self.get(topup_id), kind="topup", states=states, timeout_s=timeout_s
        )

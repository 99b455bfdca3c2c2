"""Withdrawals: money that leaves to a chain address or an Airtm account."""

from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from typing import Any

from offerhub.sdk.models import Withdrawal
from offerhub.sdk.money import CURRENCY, amount_text
from offerhub.sdk.pages import Page, read_page
from offerhub.sdk.resources import Resources, path_of


class Withdrawals(Resources):
    def create(
        self,
        *,
        user_id: str,
        amount: str | Decimal,
        destination_type: str,
        destination_ref: str,
        destination_memo: str | None = None,
        commit: bool = False,
        currency: str = CURRENCY,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        wait_s: int | None = None,
    ) -> Withdrawal:
        """Start a withdrawal. `destination_type`: CRYPTO (an address) or AIRTM_BALANCE (an e-mail).

        One to Airtm is held until it is committed, here or later; CRYPTO always commits at once.
        Raises: InsufficientFunds, WithdrawalDestinationInvalid, UserSuspended.
        """
        body = {
            "user_id": user_id,
            "amount": amount_text(amount),
            "destination_type": destination_type,
            "destination_ref": destination_ref,
            "destination_memo": destination_memo,
            "commit": commit,
            "currency": currency,
            "description": description,
            "metadata": metadata,
        }
        answer = self._http.change(
            "POST", "/withdrawals", body, idempotency_key=idempotency_key, wait_s=wait_s
        )
        return Withdrawal.from_json(answer.data)

    def get(self, withdrawal_id: str) -> Withdrawal:
        """Raises: WithdrawalNotFound."""
        return Withdrawal.from_json(self._http.get(path_of("withdrawals", withdrawal_id)).data)

    def list(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        user_id: str | None = None,
        status: str | None = None,
        airtm_payout_id: str | None = None,
        stellar_tx_hash: str | None = None,
    ) -> Page[Withdrawal]:
        """One page, newest first; `limit` 1 to 100."""
        filters = {
            "limit": limit,
            "user_id": user_id,
            "status": status,
            "airtm_payout_id": airtm_payout_id,
            "stellar_tx_hash": stellar_tx_hash,
        }
        return read_page(
            self._asking("/withdrawals"), Withdrawal.from_json, filters=filters, cursor=cursor
        )

    def iterate(
        self, *, user_id: str | None = None, status: str | None = None
    ) -> Iterator[Withdrawal]:
        """Every withdrawal, newest first, a hundred per request."""
        return self.list(limit=100, user_id=user_id, status=status).every_item()

    def commit(
        self, withdrawal_id: str, *, idempotency_key: str | None = None, wait_s: int | None = None
    ) -> Withdrawal:
        """Have a held withdrawal paid out; never pays twice. Raises: WithdrawalNotCommittable."""
        return self._change(withdrawal_id, "commit", idempotency_key, wait_s)

    def refresh(self, withdrawal_id: str, *, idempotency_key: str | None = None) -> Withdrawal:
        """Have the appliance look at Airtm now. Raises: WithdrawalNotFound."""
        return self._change(withdrawal_id, "refresh", idempotency_key)

    def cancel(self, withdrawal_id: str, *, idempotency_key: str | None = None) -> Withdrawal:
        """Cancel it while that is possible. Raises: InvalidState."""
        return self._change(withdrawal_id, "cancel", idempotency_key)

    def _change(
        self,
        withdrawal_id: str,
        action: str,
        idempotency_key: str | None,
        wait_s: int | None = None,
    ) -> Withdrawal:
        path = path_of("withdrawals", withdrawal_id, action)
        answer = self._http.change("POST", path, {}, idempotency_key=idempotency_key, wait_s=wait_s)
        return Withdrawal.from_json(answer.data)

    def wait_for(
        self, withdrawal_id: str, states: Collection[str], *, timeout_s: float = 60.0
    ) -> Withdrawal:
        """The withdrawal, once its status is one of `states`. Blocks.

        Raises: WaitTimeout, UnexpectedState.
        """
        return self._wait(
            lambda: self.get(withdrawal_id),
            kind="withdrawal",
            states=states,
            timeout_s=timeout_s,
        )

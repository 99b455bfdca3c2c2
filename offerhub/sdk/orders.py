"""Orders: from the agreement through the escrow to the payout."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from offerhub.sdk.models import Order
from offerhub.sdk.money import CURRENCY, amount_text
from offerhub.sdk.pages import Page, read_page
from offerhub.sdk.records import time_text
from offerhub.sdk.resources import Resources, path_of


@dataclass(frozen=True, kw_only=True)
class MilestoneSpec:
    """A part of an order that is completed and paid by itself; all parts sum to the amount."""

    milestone_ref: str
    title: str
    amount: str | Decimal

    def as_json(self) -> dict[str, str]:
        return {
            "milestone_ref": self.milestone_ref,
            "title": self.title,
            "amount": amount_text(self.amount),
        }


class Orders(Resources):
    def create(
        self,
        *,
        buyer_id: str,
        seller_id: str,
        amount: str | Decimal,
        title: str,
        currency: str = CURRENCY,
        description: str | None = None,
        client_order_ref: str | None = None,
        milestones: Sequence[MilestoneSpec] = (),
        platform_fee_bps: int | None = None,
        metadata: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> Order:
        """Record an order. No money moves yet. `platform_fee_bps`: basis points of the amount.

        Raises: DuplicateClientOrderRef, UserNotFound, ValidationError.
        """
        body = {
            "buyer_id": buyer_id,
            "seller_id": seller_id,
            "amount": amount_text(amount),
            "title": title,
            "currency": currency,
            "description": description,
            "client_order_ref": client_order_ref,
            "milestones": [milestone.as_json() for milestone in milestones] or None,
            "platform_fee_bps": platform_fee_bps,
            "metadata": metadata,
        }
        answer = self._http.change("POST", "/orders", body, idempotency_key=idempotency_key)
        return Order.from_json(answer.data)

    def get(self, order_id: str) -> Order:
        """The order with its escrow, milestones and timeline. Raises: OrderNotFound."""
        return Order.from_json(self._http.get(path_of("orders", order_id)).data)

    def list(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        status: str | None = None,
        buyer_id: str | None = None,
        seller_id: str | None = None,
        client_order_ref: str | None = None,
        trustless_contract_id: str | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
    ) -> Page[Order]:
        """One page, newest first; `limit` 1 to 100. Times must be aware."""
        filters = {
            "limit": limit,
            "status": status,
            "buyer_id": buyer_id,
            "seller_id": seller_id,
            "client_order_ref": client_order_ref,
            "trustless_contract_id": trustless_contract_id,
            "created_after": time_text(created_after),
            "created_before": time_text(created_before),
        }
        return read_page(self._asking("/orders"), Order.from_json, filters=filters, cursor=cursor)

    def iterate(
        self,
        *,
        status: str | None = None,
        buyer_id: str | None = None,
        seller_id: str | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
    ) -> Iterator[Order]:
        """Every order, newest first, a hundred per request."""
        page = self.list(
            limit=100,
            status=status,
            buyer_id=buyer_id,
            seller_id=seller_id,
            created_after=created_after,
            created_before=created_before,
        )
        return page.every_item()

    def reserve(
        self,
        order_id: str,
        *,
        amount: str | Decimal | None = None,
        idempotency_key: str | None = None,
    ) -> Order:
        """Hold the buyer's funds for the order. Doing it again is the same reserve.

        Raises: InsufficientFunds, InvalidState, ReserveMismatchAmount.
        """
        body = {"amount": None if amount is None else amount_text(amount)}
        return self._act(order_id, "reserve", body, idempotency_key)

    def cancel(
        self,
        order_id: str,
        *,
        reason: str | None = None,
        requested_by: str | None = None,
        idempotency_key: str | None = None,
    ) -> Order:
        """Close the order before it has an escrow, and give the hold back.

        `requested_by`: BUYER, SELLER or PLATFORM. Raises: InvalidState.
        """
        body = {"reason": reason, "requested_by": requested_by}
        return self._act(order_id, "cancel", body, idempotency_key)

    def create_escrow(
        self, order_id: str, *, idempotency_key: str | None = None, wait_s: int | None = None
    ) -> Order:
        """Deploy the escrow contract; answers with ORDER `ESCROW_CREATING` unless waited for.

        Raises: EscrowAlreadyExists, InvalidState.
        """
        return self._act(order_id, "escrow", {}, idempotency_key, wait_s)

    def fund_escrow(
        self, order_id: str, *, idempotency_key: str | None = None, wait_s: int | None = None
    ) -> Order:
        """Move the held funds into the contract; never funds twice.

        Raises: EscrowNotReady, EscrowAlreadyFunded, InvalidState.
        """
        return self._act(order_id, "escrow/fund", {}, idempotency_key, wait_s)

    def release(
        self,
        order_id: str,
        *,
        reason: str | None = None,
        requested_by: str | None = None,
        idempotency_key: str | None = None,
        wait_s: int | None = None,
    ) -> Order:
        """Pay the seller out of the escrow; never pays twice. Raises: InvalidState."""
        body = {"reason": reason, "requested_by": requested_by}
        return self._act(order_id, "release", body, idempotency_key, wait_s)

    def refund(
        self,
        order_id: str,
        *,
        reason: str | None = None,
        requested_by: str | None = None,
        idempotency_key: str | None = None,
        wait_s: int | None = None,
    ) -> Order:
        """Pay what is left in the escrow back to the buyer. Raises: InvalidState."""
        body = {"reason": reason, "requested_by": requested_by}
        return self._act(order_id, "refund", body, idempotency_key, wait_s)

    def wait_for(self, order_id: str, states: Collection[str], *, timeout_s: float = 60.0) -> Order:
        """The order, once its status is one of `states`. Blocks.

        States that pass quickly (ESCROW_FUNDED, RELEASED) may be over before they are seen:
        name the one that follows as well. Raises: WaitTimeout, UnexpectedState.
        """
        return self._wait(
            lambda: self.get(order_id), kind="order", states=states, timeout_s=timeout_s
        )

    def _act(
        self,
        order_id: str,
        action: str,
        body: Mapping[str, Any],
        idempotency_key: str | None,
        wait_s: int | None = None,
    ) -> Order:
        path = path_of("orders", order_id, *action.split("/"))
        answer = self._http.change(
            "POST", path, body, idempotency_key=idempotency_key, wait_s=wait_s
        )
        return Order.from_json(answer.data)

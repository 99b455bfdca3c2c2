"""Disputes: opened by a party, decided by the platform."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from offerhub.sdk.models import Dispute
from offerhub.sdk.money import amount_text
from offerhub.sdk.pages import Page, read_page
from offerhub.sdk.resources import Resources, path_of


class Disputes(Resources):
    def open(
        self,
        order_id: str,
        *,
        opened_by: str,
        reason: str,
        evidence: Sequence[str] = (),
        note: str | None = None,
        milestone_ref: str | None = None,
        idempotency_key: str | None = None,
        wait_s: int | None = None,
    ) -> Dispute:
        """Freeze an order, or one milestone. `opened_by`: BUYER or SELLER; `evidence`: URLs.

        Raises: DisputeAlreadyOpen, InvalidState, MilestoneNotFound.
        """
        body = {
            "opened_by": opened_by,
            "reason": reason,
            "evidence": [*evidence] or None,
            "note": note,
            "milestone_ref": milestone_ref,
        }
        path = path_of("orders", order_id, "disputes")
        return self._post(path, body, idempotency_key, wait_s)

    def get(self, dispute_id: str) -> Dispute:
        """With its comments. Raises: DisputeNotFound."""
        return Dispute.from_json(self._http.get(path_of("disputes", dispute_id)).data)

    def list(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        status: str | None = None,
        order_id: str | None = None,
        assignee: str | None = None,
    ) -> Page[Dispute]:
        """One page, newest first, without comments; `limit` 1 to 100."""
        filters = {"limit": limit, "status": status, "order_id": order_id, "assignee": assignee}
        return read_page(
            self._asking("/disputes"), Dispute.from_json, filters=filters, cursor=cursor
        )

    def iterate(self, *, status: str | None = None) -> Iterator[Dispute]:
        """Every dispute, newest first, a hundred per request."""
        return self.list(limit=100, status=status).every_item()

    def assign(
        self, dispute_id: str, *, assignee: str, idempotency_key: str | None = None
    ) -> Dispute:
        """Put somebody in charge; the dispute is UNDER_REVIEW. Raises: InvalidState."""
        path = path_of("disputes", dispute_id, "assign")
        return self._post(path, {"assignee": assignee}, idempotency_key)

    def comment(self, dispute_id: str, *, body: str, idempotency_key: str | None = None) -> Dispute:
        """Add to the discussion. Raises: InvalidState."""
        path = path_of("disputes", dispute_id, "comments")
        return self._post(path, {"body": body}, idempotency_key)

    def resolve(
        self,
        dispute_id: str,
        *,
        decision: str,
        release_amount: str | Decimal | None = None,
        refund_amount: str | Decimal | None = None,
        note: str | None = None,
        idempotency_key: str | None = None,
        wait_s: int | None = None,
    ) -> Dispute:
        """Decide: FULL_RELEASE, FULL_REFUND or SPLIT (both amounts, before fees).

        RESOLVED once the contract has paid. Raises: InvalidState, EscrowNotReady, ValidationError.
        """
        body = {
            "decision": decision,
            "release_amount": None if release_amount is None else amount_text(release_amount),
            "refund_amount": None if refund_amount is None else amount_text(refund_amount),
            "note": note,
        }
        path = path_of("disputes", dispute_id, "resolve")
        return self._post(path, body, idempotency_key, wait_s)

    def wait_for(
        self, dispute_id: str, states: Collection[str], *, timeout_s: float = 60.0
    ) -> Dispute:
        """The dispute, once its status is one of `states`. Blocks.

        Raises: WaitTimeout, UnexpectedState.
        """
        return self._wait(
            lambda: self.get(dispute_id), kind="dispute", states=states, timeout_s=timeout_s
        )

    def _post(
        self,
        path: str,
        body: Mapping[str, Any],
        idempotency_key: str | None,
        wait_s: int | None = None,
    ) -> Dispute:
        answer = self._http.change(
            "POST", path, body, idempotency_key=idempotency_key, wait_s=wait_s
        )
        return Dispute.from_json(answer.data)

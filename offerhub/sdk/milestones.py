"""Milestones of an order: completed and paid one by one."""

from typing import Any
from urllib.parse import quote

from offerhub.sdk.models import MilestoneWork
from offerhub.sdk.resources import Resources, path_of


class Milestones(Resources):
    def list(self, order_id: str) -> tuple[MilestoneWork, ...]:
        """All of an order's, by position. Raises: OrderNotFound."""
        data = self._http.get(path_of("orders", order_id, "milestones")).data
        return tuple(MilestoneWork.from_json(part) for part in data["milestones"])

    def complete(
        self,
        order_id: str,
        milestone_ref: str,
        *,
        evidence_url: str | None = None,
        note: str | None = None,
        idempotency_key: str | None = None,
        wait_s: int | None = None,
    ) -> MilestoneWork:
        """Say that it is done; COMPLETED once the contract says so.

        Raises: MilestoneNotFound, InvalidState, EscrowNotReady.
        """
        body = {"evidence_url": evidence_url, "note": note}
        return self._act(order_id, milestone_ref, "complete", body, idempotency_key, wait_s)

    def release(
        self,
        order_id: str,
        milestone_ref: str,
        *,
        idempotency_key: str | None = None,
        wait_s: int | None = None,
    ) -> MilestoneWork:
        """Pay one completed milestone; never pays twice.

        Raises: MilestoneNotFound, InvalidState, EscrowNotReady.
        """
        return self._act(order_id, milestone_ref, "release", {}, idempotency_key, wait_s)

    def _act(
        self,
        order_id: str,
        milestone_ref: str,
        action: str,
        body: dict[str, Any],
        idempotency_key: str | None,
        wait_s: int | None,
    ) -> MilestoneWork:
        path = f"{path_of('orders', order_id, 'milestones')}/{quote(milestone_ref, safe='')}"
        answer = self._http.change(
            "POST", f"{path}/{action}", body, idempotency_key=idempotency_key, wait_s=wait_s
        )
        return MilestoneWork.from_json(answer.data)

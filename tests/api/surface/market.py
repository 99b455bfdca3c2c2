"""A buyer, a seller and their orders, driven over HTTP alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import uuid4

from werkzeug.test import TestResponse

from offerhub.events import relay
from tests.api.caller import Caller, code
from tests.services.world import BUYER_EMAIL, SELLER_EMAIL, World

MILESTONES = (("draft", "60.00"), ("final", "40.00"))


@dataclass(frozen=True)
class Market:
    """`buyer` and `seller` are user ids; both have Airtm accounts, and the buyer has money."""

    api: Caller
    buyer: str
    seller: str
    numbers: Any

    @property
    def world(self) -> World:
        return self.api.world

    def user(self, **more: Any) -> str:
        """A new user with a ready wallet."""
        body = {"external_user_id": f"user-{next(self.numbers)}", "type": "BOTH", **more}
        made = self.api.made("/users", body)
        self.world.drain()
        return str(made["id"])

    def credit(self, user_id: str, amount: str) -> None:
        """Money by an adjustment, for what is about the books alone."""
        self.api.made(
            f"/users/{user_id}/balance/adjustments",
            {"amount": amount, "direction": "CREDIT", "reason": "test",
             "reference": f"credit-{next(self.numbers)}"},
        )  # fmt: skip

    def order(self, amount: str = "100.00", **more: Any) -> str:
        body = {
            "buyer_id": self.buyer, "seller_id": self.seller, "amount": amount, "title": "Logo",
            **more,
        }  # fmt: skip
        return str(self.api.made("/orders", body)["id"])

    def in_progress(self, amount: str = "100.00", **more: Any) -> str:
        """An order whose escrow is funded."""
        order_id = self.order(amount, **more)
        for step in ("reserve", "escrow", "escrow/fund"):
            self.api.made(f"/orders/{order_id}/{step}")
            self.world.drain()
        assert self.shown(f"/orders/{order_id}")["status"] == "IN_PROGRESS"
        return order_id

    def with_milestones(self, parts: Sequence[tuple[str, str]] = MILESTONES) -> str:
        milestones = [
            {"milestone_ref": ref, "title": ref.title(), "amount": amount} for ref, amount in parts
        ]
        return self.in_progress("100.00", milestones=milestones)

    def disputed(self, order_id: str, **more: Any) -> str:
        """A dispute of the order, on chain, under review."""
        body = {"opened_by": "BUYER", "reason": "QUALITY_ISSUE", **more}
        dispute_id = self.api.made(f"/orders/{order_id}/disputes", body)["id"]
        self.world.drain()
        self.api.made(f"/disputes/{dispute_id}/assign", {"assignee": "support-7"})
        return str(dispute_id)

    def shown(self, path: str) -> Any:
        answer = self.api.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json["data"]

    def available(self, user_id: str) -> str:
        return str(self.shown(f"/users/{user_id}/balance")["available_exact"])

    def patch(self, path: str, body: dict[str, Any]) -> TestResponse:
        return self.api.send("PATCH", path, body=body)

    def twice(self, path: str, body: Any = None, *, status: int) -> dict[str, Any]:
        """POST with one key, twice: the second answer is the first, byte for byte.

        With another body the key is refused. Returns the resource.
        """
        key = str(uuid4())
        first, again = self.api.post(path, body, key=key), self.api.post(path, body, key=key)
        assert first.status_code == status, first.text
        assert (again.status_code, again.data) == (status, first.data)
        assert again.headers["Idempotency-Replayed"] == "true"
        assert "Idempotency-Replayed" not in first.headers
        assert again.headers["X-Request-ID"] != first.headers["X-Request-ID"]
        other = self.api.post(path, {**(body or {}), "reason": "another"}, key=key)
        assert code(other) == "IDEMPOTENCY_KEY_REUSED"
        return dict(first.json["data"])

    def refused(self, path: str, body: Any = None) -> tuple[int, str]:
        """Status and code of a POST that is refused."""
        answer = self.api.post(path, body)
        return answer.status_code, code(answer)

    def sequence(self) -> None:
        """Give all events their places, as the relay does."""
        token = relay.take_lease(holder="test", now_ms=self.world.app.now_ms())
        assert token is not None
        while relay.sequence_events(holder="test", token=token):
            pass

    def event_types(self, *aggregate_ids: str) -> set[str]:
        """Types of the events of these resources on the stream, read over HTTP."""
        self.sequence()
        cursor, found = 0, set()
        while True:
            answer = self.api.get(f"/events?limit=100&cursor={cursor}").json
            found |= {e["event_type"] for e in answer["data"] if e["aggregate_id"] in aggregate_ids}
            if not answer["pagination"]["has_more"]:
                return found
            cursor = answer["data"][-1]["sequence"]


def open_market(api: Caller) -> Market:
    """Register and fund the parties."""
    world = api.world
    buyer = world.funded_user("market-buyer", "100000.00")["id"]
    seller = world.user("market-seller")["id"]
    api.made(f"/users/{buyer}/airtm/link", {"email": BUYER_EMAIL})
    api.made(f"/users/{seller}/airtm/link", {"email": SELLER_EMAIL})
    world.control("POST", "/airtm/balance/credit", amount="10000.00")
    movement = {"rail": "AIRTM", "direction": "IN", "amount": "10000.00"}
    api.made("/admin/treasury/movements", {**movement, "reason": "float", "reference": "float-1"})
    return Market(api, str(buyer), str(seller), count(1))

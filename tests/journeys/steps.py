"""The way of one order, step by step, each with an idempotency key of its own."""

from uuid import uuid4

from tests.journeys.market import PATIENCE_S, Market, People

STEPS = ("escrow", "fund", "release", "withdrawal")
_ENDS = {"escrow": "ESCROW_FUNDING", "fund": "IN_PROGRESS", "release": "CLOSED"}


class Steps:
    """An order from its reserved funds on, and a withdrawal of its proceeds."""

    def __init__(self, market: Market, people: People) -> None:
        self.market, self.people = market, people
        self.order_id = market.reserved_order(people).id
        self.outside = market.sandbox.outside_account()
        self.withdrawal_id = ""

    def begin(self, step: str, key: str) -> object:
        """Ask for a step; what the API answered."""
        orders = self.market.client.orders
        if step == "escrow":
            return orders.create_escrow(self.order_id, idempotency_key=key)
        if step == "fund":
            return orders.fund_escrow(self.order_id, idempotency_key=key)
        if step == "release":
            return orders.release(self.order_id, idempotency_key=key)
        withdrawal = self.market.client.withdrawals.create(
            user_id=self.people.seller, amount="5.00", destination_type="CRYPTO",
            destination_ref=self.outside, idempotency_key=key,
        )  # fmt: skip
        assert self.withdrawal_id in {"", withdrawal.id}, "a retry made another withdrawal"
        self.withdrawal_id = withdrawal.id
        return withdrawal

    def end(self, step: str, *, patience_s: float = PATIENCE_S) -> None:
        """Wait until the step is done."""
        if step == "withdrawal":
            self.market.wait_withdrawal(
                self.withdrawal_id, "WITHDRAWAL_COMPLETED", patience_s=patience_s
            )
        else:
            self.market.wait_order(self.order_id, _ENDS[step], patience_s=patience_s)

    def do(self, *steps: str) -> None:
        for step in steps:
            self.begin(step, uuid4().hex)
            self.end(step)

    def whole_order(self) -> None:
        self.do("escrow", "fund", "release")

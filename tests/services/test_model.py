"""Random histories of a marketplace against a model of balances that fits on a page.

Asked for now, performed later, with processes dying in between: whatever the order, every balance
is what plain arithmetic says, every refusal is one that the model expects, and in the end the
books equal the sandbox's own.
"""

import os
from dataclasses import dataclass, replace
from itertools import count

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from offerhub.domain.errors import OfferHubError
from offerhub.ledger import accounts
from offerhub.services import deposits, escrows, orders, refunds, releases, withdrawals
from offerhub.worker.jobs.operations import perform_next
from tests.services.test_crash_points import Killed
from tests.services.world import USD, World

CENT = 100_000
FULL = bool(os.environ.get("OFFERHUB_TEST_FULL"))
EXAMPLES, STEPS = (60, 40) if FULL else (12, 15)
_numbers = count(1)

amounts = st.integers(1, 40_000).map(lambda cents: cents * CENT)
picks = st.integers(0, 1_000)


@dataclass
class Purse:
    """One user, in stroops."""

    id: str
    wallet_id: str
    address: str
    available: int = 0
    reserved: int = 0
    withdrawing: int = 0


@dataclass
class Deal:
    id: str
    buyer: Purse
    seller: Purse
    amount: int
    fee_bps: int
    status: str = "ORDER_CREATED"
    asked_for_funds: bool = False

    def net(self) -> int:
        """What the seller gets: the contract takes both fees, each rounded down."""
        return self.amount - self.amount * self.fee_bps // 10_000 - self.amount * 30 // 10_000


class Marketplace(RuleBasedStateMachine):
    """The world under test beside the model."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.purses: list[Purse] = []
        self.deals: list[Deal] = []
        self.leaving: list[tuple[Purse, int]] = []
        self.outside = ""
        self.left = 0

    @initialize()
    def people(self) -> None:
        for _ in range(3):
            made = self.world.user(f"model-{next(_numbers)}")
            wallet = made["wallet"]
            self.purses.append(Purse(made["id"], wallet["id"], wallet["address"]))
        self.outside = self.world.control("POST", "/stellar/outside-account")["address"]

    @rule(pick=picks, amount=amounts)
    def deposit(self, pick: int, amount: int) -> None:
        purse = self.purses[pick % 3]
        self.world.deposit(purse.address, f"{amount // USD}.{amount % USD:07d}")
        deposits.read_wallet(self.world.ctx, purse.wallet_id)
        purse.available += amount

    @rule(pick=picks, amount=amounts, fee_bps=st.sampled_from([0, 250, 999]))
    def order(self, pick: int, amount: int, fee_bps: int) -> None:
        buyer, seller = self.purses[pick % 3], self.purses[(pick + 1) % 3]
        order_id = self.world.order(
            buyer.id, seller.id, f"{amount // USD}.{amount % USD:07d}", platform_fee_bps=fee_bps
        )
        self.deals.append(Deal(order_id, buyer, seller, amount, fee_bps))

    @rule(pick=picks)
    def reserve(self, pick: int) -> None:
        deal = self._deal(pick)
        if deal is None:
            return
        wanted = (
            "ok"
            if deal.status == "ORDER_CREATED" and deal.buyer.available >= deal.amount
            else "INSUFFICIENT_FUNDS"
            if deal.status == "ORDER_CREATED"
            else "FUNDS_ALREADY_RESERVED"
            if deal.status == "FUNDS_RESERVED"
            else "INVALID_STATE"
        )
        assert self._ask(orders.reserve, deal) == wanted
        if wanted == "ok":
            deal.status = "FUNDS_RESERVED"
            deal.buyer.available -= deal.amount
            deal.buyer.reserved += deal.amount

    @rule(pick=picks)
    def cancel(self, pick: int) -> None:
        deal = self._deal(pick)
        if deal is None:
            return
        possible = deal.status in {"ORDER_CREATED", "FUNDS_RESERVED"}
        assert self._ask(orders.cancel, deal) == ("ok" if possible else "INVALID_STATE")
        if possible:
            if deal.status == "FUNDS_RESERVED":
                deal.buyer.reserved -= deal.amount
                deal.buyer.available += deal.amount
            deal.status = "CLOSED"

    @rule(pick=picks)
    def escrow(self, pick: int) -> None:
        deal = self._deal(pick, "FUNDS_RESERVED")
        if deal is None:
            return
        possible = deal.status == "FUNDS_RESERVED"
        ended = self._ask(escrows.create_escrow, deal)
        assert (ended == "ok") == possible, ended
        if possible:
            deal.status = "ESCROW_CREATING"

    @rule(pick=picks)
    def fund(self, pick: int) -> None:
        deal = self._deal(pick, "ESCROW_FUNDING")
        if deal is None:
            return
        possible = deal.status == "ESCROW_FUNDING" and not deal.asked_for_funds
        ended = self._ask(escrows.fund_escrow, deal)
        assert (ended == "ok") == possible, ended
        deal.asked_for_funds = deal.asked_for_funds or possible

    @rule(pick=picks)
    def release(self, pick: int) -> None:
        deal = self._deal(pick, "IN_PROGRESS")
        if deal is None:
            return
        possible = deal.status == "IN_PROGRESS"
        assert self._ask(releases.release, deal) == ("ok" if possible else "INVALID_STATE")
        if possible:
            deal.status = "RELEASE_REQUESTED"

    @rule(pick=picks)
    def refund(self, pick: int) -> None:
        deal = self._deal(pick, "IN_PROGRESS")
        if deal is None:
            return
        possible = deal.status == "IN_PROGRESS"
        assert self._ask(refunds.refund, deal) == ("ok" if possible else "INVALID_STATE")
        if possible:
            deal.status = "REFUND_REQUESTED"

    @rule(pick=picks, amount=amounts)
    def withdraw(self, pick: int, amount: int) -> None:
        purse = self.purses[pick % 3]
        try:
            withdrawals.create_withdrawal(
                self.world.ctx, user_id=purse.id, amount_stroops=amount,
                destination_type="CRYPTO", destination_ref=self.outside,
            )  # fmt: skip
            ended = "ok"
        except OfferHubError as error:
            ended = error.code
        assert ended == ("ok" if amount <= purse.available else "INSUFFICIENT_FUNDS")
        if ended != "ok":
            return
        purse.available -= amount
        purse.withdrawing += amount
        self.leaving.append((purse, amount))

    @rule()
    def work(self) -> None:
        self.world.drain()
        for deal in self.deals:
            self._performed(deal)
        for purse, amount in self.leaving:
            purse.withdrawing -= amount
            self.left += amount
        self.leaving.clear()

    @rule(after=st.integers(0, 12))
    def work_and_die(self, after: int) -> None:
        """A process dies after so many points; the next one ends everything."""
        points = count()

        def probe(_: str) -> None:
            if next(points) == after:
                raise Killed(str(after))

        app = replace(self.world.app, probe=probe)
        try:
            while perform_next(app):
                pass
        except Killed:
            pass
        self.work()

    @invariant()
    def balances_are_what_arithmetic_says(self) -> None:
        for purse in self.purses:
            for kind in accounts.USER_KINDS:
                found = self.world.balance(accounts.user(purse.id, kind))
                assert found == getattr(purse, kind), (purse.id, kind)
        for deal in self.deals:
            assert self.world.order_status(deal.id) == deal.status

    def teardown(self) -> None:
        if not self.purses:
            return
        self.work()
        assert sum(self.world.transfers(destination=self.outside)) == self.left
        self.world.check()

    def _deal(self, pick: int, status: str | None = None) -> Deal | None:
        """One of the orders, most often one in this state."""
        fitting = [deal for deal in self.deals if deal.status == status]
        among = fitting if fitting and pick % 4 else self.deals
        return among[pick % len(among)] if among else None

    def _ask(self, service: object, deal: Deal) -> str:
        try:
            service(self.world.ctx, deal.id)  # type: ignore[operator]
        except OfferHubError as error:
            return error.code
        return "ok"

    def _performed(self, deal: Deal) -> None:
        if deal.status == "ESCROW_CREATING":
            deal.status = "ESCROW_FUNDING"
        elif deal.status == "ESCROW_FUNDING" and deal.asked_for_funds:
            deal.status = "IN_PROGRESS"
            deal.buyer.reserved -= deal.amount
        elif deal.status == "RELEASE_REQUESTED":
            deal.status = "CLOSED"
            deal.seller.available += deal.net()
        elif deal.status == "REFUND_REQUESTED":
            deal.status = "CLOSED"
            deal.buyer.available += deal.amount


@pytest.mark.parametrize(
    "_module_world",
    ["sqlite", pytest.param("postgres", marks=pytest.mark.full)],
    indirect=True,
    scope="module",
)
@pytest.mark.timeout(1_800 if FULL else 240)
def test_random_histories_end_in_the_books_of_the_model(shared_world: World) -> None:
    run_state_machine_as_test(
        lambda: Marketplace(shared_world),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )

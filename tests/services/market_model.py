"""A marketplace in plain Python: what every request answers, and what money, states and events
it leaves. It knows nothing of the product's code; docs/money.md is where its rules come from.

Whatever needs a provider is written down by a request and happens in `work`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

BPS, PROTOCOL_BPS, PAYIN_BPS, CENT = 10_000, 30, 250, 100_000
SETTLED = {"RELEASED", "REFUNDED"}


@dataclass
class Purse:
    linked: bool
    status: str = "ACTIVE"
    available: int = 0
    reserved: int = 0
    withdrawing: int = 0


@dataclass
class Deal:
    """An order with its escrow, milestones and latest dispute."""

    buyer: str
    seller: str
    amount: int
    fee_bps: int
    parts: list[int]
    status: str = "ORDER_CREATED"
    resolution: str | None = None
    escrow: str | None = None
    milestones: list[str] = field(default_factory=list)
    outcomes: list[str | None] = field(default_factory=list)
    dispute: str | None = None
    busy: set[str] = field(default_factory=set)
    owed: int = 0  # fees that the platform still gives back to the buyer

    def left(self) -> list[int]:
        """Positions of what is not paid out yet."""
        return [n for n, outcome in enumerate(self.outcomes) if outcome is None]


@dataclass
class Leaving:
    user: str
    amount: int
    kind: str
    status: str = "WITHDRAWAL_CREATED"
    registered: bool = False


@dataclass
class Arriving:
    user: str
    amount: int
    status: str = "TOPUP_CREATED"
    canceling: bool = False


class Model:
    """Each method of a request answers "ok" or the error's code."""

    def __init__(self) -> None:
        self.purses: dict[str, Purse] = {}
        self.deals: dict[str, Deal] = {}
        self.leaving: dict[str, Leaving] = {}
        self.arriving: dict[str, Arriving] = {}
        self.events: list[tuple[str, str]] = []
        self.left = 0
        self._pending: list[Callable[[], None]] = []

    def say(self, subject: str, *types: str) -> None:
        self.events += [(subject, type_) for type_ in types]

    def credit(self, user: str, stroops: int) -> None:
        if stroops:
            self.purses[user].available += stroops
            self.say(user, "balance.credited")

    # --- users, money in ----------------------------------------------------------------------

    def suspend(self, user: str, status: str) -> str:
        purse = self.purses[user]
        self.say(user, "user.updated")
        if purse.status != status and status == "SUSPENDED":
            self.say(user, "user.suspended")
        purse.status = status
        return "ok"

    def deposit(self, user: str, amount: int) -> str:
        self.credit(user, amount)
        return "ok"

    def topup(self, name: str, user: str, amount: int) -> str:
        purse = self.purses[user]
        if purse.status != "ACTIVE":
            return "USER_SUSPENDED"
        if not purse.linked:
            return "AIRTM_USER_NOT_LINKED"
        topup = self.arriving[name] = Arriving(user, amount)
        self.say(name, "topup.created")

        def made() -> None:
            topup.status = "TOPUP_AWAITING_USER_CONFIRMATION"
            self.say(name, "topup.confirmation_required")

        self._pending.append(made)
        return "ok"

    def cancel_topup(self, name: str) -> str:
        topup = self.arriving[name]
        if topup.status != "TOPUP_AWAITING_USER_CONFIRMATION":
            return "INVALID_STATE"
        if not topup.canceling:
            topup.canceling = True

            def canceled() -> None:
                topup.status = "TOPUP_CANCELED"
                self.say(name, "topup.canceled")

            self._pending.append(canceled)
        return "ok"

    def pay_topup(self, name: str, how: str) -> str:
        topup = self.arriving[name]
        if how == "pay":
            cents = topup.amount // CENT
            fee = (cents * PAYIN_BPS + BPS // 2) // BPS * CENT
            self.credit(topup.user, topup.amount - fee)
        topup.status = {"pay": "TOPUP_SUCCEEDED", "fail": "TOPUP_FAILED"}[how]
        self.say(name, {"pay": "topup.succeeded", "fail": "topup.failed"}[how])
        return "ok"

    # --- orders -------------------------------------------------------------------------------

    def order(self, name: str, buyer: str, seller: str, parts: list[int], fee_bps: int) -> str:
        """parts: one for an order without milestones, else one per milestone."""
        deal = Deal(buyer, seller, sum(parts), fee_bps, parts)
        deal.outcomes = [None] * len(parts)
        deal.milestones = ["OPEN"] * len(parts) if len(parts) > 1 else []
        self.deals[name] = deal
        self.say(name, "order.created")
        return "ok"

    def reserve(self, name: str) -> str:
        deal = self.deals[name]
        buyer = self.purses[deal.buyer]
        if deal.status != "ORDER_CREATED":
            return "FUNDS_ALREADY_RESERVED" if deal.status == "FUNDS_RESERVED" else "INVALID_STATE"
        if buyer.status != "ACTIVE":
            return "USER_SUSPENDED"
        if buyer.available < deal.amount:
            return "INSUFFICIENT_FUNDS"
        deal.status = "FUNDS_RESERVED"
        buyer.available -= deal.amount
        buyer.reserved += deal.amount
        self.say(name, "order.funds_reserved")
        self.say(deal.buyer, "balance.reserved")
        return "ok"

    def cancel(self, name: str) -> str:
        deal = self.deals[name]
        if deal.status not in {"ORDER_CREATED", "FUNDS_RESERVED"}:
            return "INVALID_STATE"
        self.say(name, "order.canceled", "order.closed")
        if deal.status == "FUNDS_RESERVED":
            self.purses[deal.buyer].reserved -= deal.amount
            self.purses[deal.buyer].available += deal.amount
            self.say(deal.buyer, "balance.released")
        deal.status, deal.resolution = "CLOSED", "CANCELED"
        return "ok"

    def escrow(self, name: str) -> str:
        deal = self.deals[name]
        if deal.escrow is not None:
            return "ESCROW_ALREADY_EXISTS"
        if deal.status != "FUNDS_RESERVED":
            return "INVALID_STATE"
        if self.purses[deal.buyer].status != "ACTIVE":
            return "USER_SUSPENDED"
        deal.status, deal.escrow = "ESCROW_CREATING", "CREATING"
        self.say(name, "order.escrow_creating")

        def deployed() -> None:
            deal.status, deal.escrow = "ESCROW_FUNDING", "CREATED"
            self.say(f"{name}.escrow", "escrow.created")
            self.say(name, "order.escrow_funding")

        self._pending.append(deployed)
        return "ok"

    def fund(self, name: str) -> str:
        deal = self.deals[name]
        if deal.escrow is None:
            return "ESCROW_NOT_FOUND"
        if deal.escrow != "CREATED":
            return "ESCROW_NOT_READY" if deal.escrow == "CREATING" else "ESCROW_ALREADY_FUNDED"
        if self.purses[deal.buyer].status != "ACTIVE":
            return "USER_SUSPENDED"
        deal.escrow = "FUNDING"
        self.say(f"{name}.escrow", "escrow.funding_started")

        def funded() -> None:
            deal.status, deal.escrow = "IN_PROGRESS", "FUNDED"
            self.purses[deal.buyer].reserved -= deal.amount
            self.say(f"{name}.escrow", "escrow.funded")
            self.say(name, "order.escrow_funded", "order.in_progress")

        self._pending.append(funded)
        return "ok"

    def complete(self, name: str, position: int) -> str:
        return self._milestone(name, position, "OPEN", "COMPLETED")

    def release_milestone(self, name: str, position: int) -> str:
        return self._milestone(name, position, "COMPLETED", "RELEASED")

    def _milestone(self, name: str, position: int, needed: str, target: str) -> str:
        deal = self.deals[name]
        if not deal.milestones:
            return "MILESTONE_NOT_FOUND"
        if deal.status != "IN_PROGRESS" or deal.milestones[position] != needed:
            return "INVALID_STATE"
        busy = f"milestone {position}"
        if busy in deal.busy:
            return "ESCROW_NOT_READY"
        deal.busy.add(busy)

        def done() -> None:
            deal.busy.remove(busy)
            if target == "COMPLETED":
                deal.milestones[position] = target
                self.say(f"{name}.escrow", "escrow.milestone_completed")
            else:
                self._pay(name, position, to_seller=deal.parts[position], to_buyer=0)
                self._close_if_settled(name)

        self._pending.append(done)
        return "ok"

    def release(self, name: str) -> str:
        return self._end(name, "RELEASE_REQUESTED")

    def refund(self, name: str) -> str:
        return self._end(name, "REFUND_REQUESTED")

    def _end(self, name: str, state: str) -> str:
        deal = self.deals[name]
        if deal.status != "IN_PROGRESS":
            return "INVALID_STATE"
        if deal.busy:
            return "ESCROW_NOT_READY"
        deal.status = state
        deal.escrow = "REFUNDING" if state == "REFUND_REQUESTED" else "RELEASING"
        self.say(name, f"order.{state.lower()}")

        def paid() -> None:
            refund = state == "REFUND_REQUESTED"
            for position in deal.left():
                part = deal.parts[position]
                to_buyer = part if refund else 0
                self._pay(name, position, to_seller=part - to_buyer, to_buyer=to_buyer)
            self._close_if_settled(name)

        self._pending.append(paid)
        return "ok"

    # --- disputes -----------------------------------------------------------------------------

    def dispute(self, name: str) -> str:
        deal = self.deals[name]
        if deal.dispute in {"OPEN", "UNDER_REVIEW"}:
            return "DISPUTE_ALREADY_OPEN"
        if deal.status != "IN_PROGRESS":
            return "INVALID_STATE"
        if deal.busy:
            return "ESCROW_NOT_READY"
        deal.status, deal.dispute = "DISPUTED", "OPEN"
        deal.busy.add("dispute")
        for position in deal.left() if deal.milestones else ():
            deal.milestones[position] = "DISPUTED"
        self.say(f"{name}.dispute", "dispute.opened")
        self.say(name, "order.disputed")

        def on_chain() -> None:
            deal.escrow = "DISPUTED"
            deal.busy.remove("dispute")

        self._pending.append(on_chain)
        return "ok"

    def assign(self, name: str) -> str:
        deal = self.deals[name]
        if deal.dispute == "RESOLVED":
            return "INVALID_STATE"
        deal.dispute = "UNDER_REVIEW"
        self.say(f"{name}.dispute", "dispute.under_review")
        return "ok"

    def resolve(self, name: str, decision: str, to_seller: int) -> str:
        """to_seller: of a SPLIT, gross, in stroops."""
        deal = self.deals[name]
        if deal.dispute != "UNDER_REVIEW":
            return "INVALID_STATE"
        if deal.busy:
            return "ESCROW_NOT_READY"
        left = sum(deal.parts[position] for position in deal.left())
        share = {"FULL_RELEASE": left, "FULL_REFUND": 0, "SPLIT": to_seller}[decision]
        deal.busy.add("resolution")

        def resolved() -> None:
            rest = share
            for position in deal.left():
                part = deal.parts[position]
                seller = min(rest, part)
                rest -= seller
                self._pay(
                    name, position, to_seller=seller, to_buyer=part - seller, whole=share == 0
                )
            deal.busy.remove("resolution")
            deal.dispute = "RESOLVED"
            self.say(f"{name}.dispute", "dispute.resolved")
            self._close_if_settled(name)

        self._pending.append(resolved)
        return "ok"

    def _pay(
        self, name: str, position: int, *, to_seller: int, to_buyer: int, whole: bool = True
    ) -> None:
        """A contract pays a part, less its fees; a full refund is made whole by the platform."""
        deal = self.deals[name]
        total = to_seller + to_buyer
        fees = total * deal.fee_bps // BPS + total * PROTOCOL_BPS // BPS
        outcome = "SPLIT" if to_seller and to_buyer else "RELEASED" if to_seller else "REFUNDED"
        deal.outcomes[position] = outcome
        if deal.milestones:
            deal.milestones[position] = "REFUNDED" if outcome == "REFUNDED" else "RELEASED"
            if outcome != "REFUNDED":
                self.say(f"{name}.escrow", "escrow.milestone_released")
        if outcome == "REFUNDED" and whole:
            self.credit(deal.buyer, total - fees)
            deal.owed += fees
        else:
            self.credit(deal.buyer, to_buyer - to_buyer * fees // total)
            self.credit(deal.seller, to_seller - to_seller * fees // total)

    def _close_if_settled(self, name: str) -> None:
        deal = self.deals[name]
        self.credit(deal.buyer, deal.owed)
        deal.owed = 0
        if deal.left():
            return
        outcomes = {str(outcome) for outcome in deal.outcomes}
        deal.resolution = next(iter(outcomes)) if len(outcomes) == 1 else "SPLIT"
        refunded = deal.status == "REFUND_REQUESTED" or deal.resolution == "REFUNDED"
        self.say(f"{name}.escrow", "escrow.refunded" if refunded else "escrow.released")
        if deal.status in {"IN_PROGRESS", "RELEASE_REQUESTED"}:
            self.say(name, "order.released")
        elif deal.status == "REFUND_REQUESTED" or deal.resolution == "REFUNDED":
            self.say(name, "order.refunded")
        elif deal.resolution == "RELEASED":
            self.say(name, "order.released")
        self.say(name, "order.closed")
        deal.status, deal.escrow = "CLOSED", "REFUNDED" if refunded else "RELEASED"

    # --- money out ----------------------------------------------------------------------------

    def withdraw(self, name: str, user: str, amount: int, kind: str, commit: bool) -> str:
        """kind: CRYPTO (committed at once) or AIRTM_BALANCE."""
        purse = self.purses[user]
        if purse.status != "ACTIVE":
            return "USER_SUSPENDED"
        if kind == "AIRTM_BALANCE" and not purse.linked:
            return "AIRTM_USER_NOT_LINKED"
        if amount > purse.available:
            return "INSUFFICIENT_FUNDS"
        purse.available -= amount
        purse.withdrawing += amount
        self.leaving[name] = Leaving(user, amount, kind)
        self.say(name, "withdrawal.created")
        if commit or kind == "CRYPTO":
            self._commit(name)
        return "ok"

    def commit(self, name: str) -> str:
        leaving = self.leaving[name]
        if leaving.status != "WITHDRAWAL_CREATED":
            return "WITHDRAWAL_NOT_COMMITTABLE"
        if self.purses[leaving.user].status != "ACTIVE":
            return "USER_SUSPENDED"
        self._commit(name)
        return "ok"

    def _commit(self, name: str) -> None:
        leaving = self.leaving[name]
        leaving.status = "WITHDRAWAL_COMMITTED"
        self.say(name, "withdrawal.committed")

        def sent() -> None:
            leaving.registered = True
            if leaving.kind == "CRYPTO":
                self.left += leaving.amount
                self._left(name, "COMPLETED")

        self._pending.append(sent)

    def cancel_withdrawal(self, name: str) -> str:
        leaving = self.leaving[name]
        if leaving.status != "WITHDRAWAL_CREATED":
            return "INVALID_STATE"
        self._left(name, "CANCELED")
        return "ok"

    def end_payout(self, name: str, how: str) -> str:
        """What Airtm made of a pay-out: COMPLETED or FAILED."""
        self._left(name, how)
        return "ok"

    def _left(self, name: str, how: str) -> None:
        leaving = self.leaving[name]
        purse = self.purses[leaving.user]
        purse.withdrawing -= leaving.amount
        if how != "COMPLETED":
            purse.available += leaving.amount
            self.say(leaving.user, "balance.released")
        leaving.status = f"WITHDRAWAL_{how}"
        self.say(name, f"withdrawal.{how.lower()}")

    # --- afterwards ---------------------------------------------------------------------------

    def work(self) -> str:
        """Everything that was asked for happens at the providers."""
        pending, self._pending = self._pending, []
        for happen in pending:
            happen()
        return "ok"

    def snapshot(self) -> dict[str, object]:
        """Every balance and state, by name."""
        found: dict[str, object] = {}
        for name, purse in self.purses.items():
            found[name] = (purse.status, purse.available, purse.reserved, purse.withdrawing)
        for name, deal in self.deals.items():
            found[name] = (deal.status, deal.resolution, deal.escrow, deal.milestones, deal.dispute)
        for name, leaving in self.leaving.items():
            found[name] = leaving.status
        for name, topup in self.arriving.items():
            found[name] = topup.status
        return found

"""The load: buyers and sellers who trade, in threads, at a common pace, until told to stop.

Each thread finishes what it began. What it saw at the end of each order, top-up and withdrawal is
kept, so that balances can be computed from it alone.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx

from proof.rig.calls import Api, Refused, Unanswered
from proof.rig.site import Person, Site

RATE_PER_S = 50.0
POLL_S = 0.4
END_S = 150.0
SHOPPERS, TRADERS, PAYERS, LEAVERS = 7, 4, 2, 2


class NotReached(Exception):
    """A thing did not reach its end in END_S; the message names it and its state."""


class Pace:
    """Lets through so many a second, over all threads; what was missed is not made up for."""

    def __init__(self, per_s: float) -> None:
        self._gap_s, self._next, self._lock = 1 / per_s, 0.0, threading.Lock()

    def wait(self) -> None:
        with self._lock:
            now = time.monotonic()
            self._next = max(now, self._next + self._gap_s)
            pause_s = self._next - now
        time.sleep(pause_s)


@dataclass
class Ends:
    """How everything ended: (what, how, subject's data)."""

    orders: list[dict[str, Any]] = field(default_factory=list)
    topups: list[dict[str, Any]] = field(default_factory=list)
    withdrawals: list[dict[str, Any]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    ways: Counter[str] = field(default_factory=Counter)


class Trader:
    """One thread's hands: an API connection, a chance of its own, the world outside."""

    def __init__(self, site: Site, ends: Ends, pace: Pace, seed: str) -> None:
        self.site, self.ends, self.pace = site, ends, pace
        self.chance = random.Random(seed)
        self.api = Api(site.address, site.market.key, site.record)

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        self.pace.wait()
        return self.api.post(path, body, str(UUID(int=self.chance.getrandbits(128), version=4)))

    def get(self, path: str) -> dict[str, Any]:
        self.pace.wait()
        return self.api.get(path)

    def reach(self, path: str, *states: str) -> dict[str, Any]:
        """Poll until it is in one of `states`. Raises: NotReached."""
        end = time.monotonic() + END_S
        while True:
            found = self.get(path)
            if found["status"] in states:
                return found
            if time.monotonic() > end:
                raise NotReached(f"{path} is still {found['status']}, not {' or '.join(states)}")
            time.sleep(POLL_S)

    def outside(self, act: Callable[[], Any], what: str) -> Any:
        """Something that people do at the simulated providers, which may be down just now."""
        end = time.monotonic() + END_S
        while True:
            try:
                return act()
            except (httpx.HTTPError, RuntimeError) as error:
                if time.monotonic() > end:
                    raise NotReached(f"{what}: {error}") from error
                time.sleep(0.3)

    def amount(self, least: int, most: int) -> str:
        return f"{self.chance.randint(least, most)}.{self.chance.randint(0, 99):02d}"

    def people(self) -> tuple[Person, Person]:
        return self.chance.choice(self.site.buyers), self.chance.choice(self.site.sellers)

    def order(self, amount: str, **more: Any) -> tuple[str, str]:
        buyer, seller = self.people()
        made = self.post("/orders", buyer_id=buyer.id, seller_id=seller.id, amount=amount,
                         title="Logo design", **more)  # fmt: skip
        self.post(f"/orders/{made['id']}/reserve")
        return str(made["id"]), buyer.id

    # Ways

    def shop(self) -> None:
        """Reserve and change one's mind."""
        order_id, buyer_id = self.order(self.amount(1, 20))
        self.get(f"/users/{buyer_id}/balance")
        self.get(f"/orders/{order_id}")
        self.ends.orders.append(_kept(self.post(f"/orders/{order_id}/cancel")))

    def trade(self) -> None:
        """A whole order through its contract: release, refund, split, or by milestones."""
        way = self.chance.choice(("release", "refund", "split", "milestones"))
        more: dict[str, Any] = {}
        if way == "milestones":
            parts = [("a", "12.50"), ("b", "7.51")]
            more["milestones"] = [
                {"milestone_ref": ref, "title": ref, "amount": amount} for ref, amount in parts
            ]
        order_id, _ = self.order("20.01", **more)
        path = f"/orders/{order_id}"
        self.post(f"{path}/escrow")
        self.reach(path, "ESCROW_FUNDING")
        self.post(f"{path}/escrow/fund")
        self.reach(path, "IN_PROGRESS")
        if way == "milestones":
            for ref, _amount in parts:
                self.post(f"{path}/milestones/{ref}/complete")
                self.milestone(path, ref, "COMPLETED")
                self.post(f"{path}/milestones/{ref}/release")
                self.milestone(path, ref, "RELEASED")
        elif way == "split":
            dispute = self.post(f"{path}/disputes", opened_by="BUYER", reason="QUALITY_ISSUE")
            self.reach(path, "DISPUTED")
            self.post(f"/disputes/{dispute['id']}/assign", assignee="support")
            self.settled(dispute["id"])
        else:
            self.post(f"{path}/{way}")
        self.ends.orders.append({**_kept(self.reach(path, "CLOSED")), "way": way})
        self.ends.ways[way] += 1

    def settled(self, dispute_id: str) -> None:
        """Decide, as soon as the contract says that it is disputed."""
        end = time.monotonic() + END_S
        while True:
            try:
                self.post(f"/disputes/{dispute_id}/resolve", decision="SPLIT",
                          release_amount="12.00", refund_amount="8.01")  # fmt: skip
                return
            except Refused as refused:
                if time.monotonic() > end or refused.status != 409:
                    raise
                time.sleep(POLL_S)

    def milestone(self, path: str, ref: str, state: str) -> None:
        end = time.monotonic() + END_S
        while True:
            found = self.get(f"{path}/milestones")["milestones"]
            if any(m["milestone_ref"] == ref and m["status"] == state for m in found):
                return
            if time.monotonic() > end:
                raise NotReached(f"{path}, milestone {ref}, is not {state}: {found}")
            time.sleep(POLL_S)

    def pay_in(self) -> None:
        """A top-up, paid at the provider's checkout."""
        buyer = self.chance.choice(self.site.buyers)
        made = self.post("/topups", user_id=buyer.id, amount=self.amount(20, 60),
                         return_url="http://localhost/paid",
                         cancel_url="http://localhost/canceled")  # fmt: skip
        path = f"/topups/{made['id']}"
        ready = self.reach(path, "TOPUP_AWAITING_USER_CONFIRMATION")
        url = str(ready["confirmation_url"])

        def pay() -> None:
            try:
                self.site.market.sandbox.pay_at_checkout(url, email=buyer.email)
            except RuntimeError:  # paid already, and the answer was lost
                if self.get(path)["status"] == "TOPUP_AWAITING_USER_CONFIRMATION":
                    raise

        self.outside(pay, f"the payment of {made['id']}")
        self.ends.topups.append(_kept(self.reach(path, "TOPUP_SUCCEEDED", "TOPUP_FAILED")))

    def leave(self) -> None:
        """A withdrawal, on chain or to Airtm. Each on chain goes to an account of its own."""
        buyer, more = self.chance.choice(self.site.buyers), {}
        if self.chance.random() < 0.5:
            address = self.outside(self.site.market.sandbox.outside_account, "an account")
            more = {"destination_type": "CRYPTO", "destination_ref": address}
        else:
            more = {"destination_type": "AIRTM_BALANCE", "destination_ref": buyer.email}
        made = self.post("/withdrawals", user_id=buyer.id, amount=self.amount(3, 9), commit=True,
                         **more)  # fmt: skip
        done = self.reach(f"/withdrawals/{made['id']}", "WITHDRAWAL_COMPLETED", "WITHDRAWAL_FAILED")
        self.ends.withdrawals.append(_kept(done))


def _kept(shown: dict[str, Any]) -> dict[str, Any]:
    """What balances are computed from; the rest would fill the memory in a day's load."""
    names = ("id", "status", "amount", "net_amount_exact", "user_id", "buyer_id", "seller_id")
    return {name: shown[name] for name in names if name in shown}


class Load:
    """Runs inside the block; at its end every thread has finished what it began.

    per_s: the most requests a second, over all threads. traders: how many orders with an escrow
    are under way at once.
    """

    def __init__(
        self, site: Site, *, seed: int, per_s: float = RATE_PER_S, traders: int = TRADERS
    ) -> None:
        self.ends, self.took_s, self._stopping = Ends(), 0.0, threading.Event()
        self._site, self._began, self._before = site, 0.0, 0
        pace = Pace(per_s)
        crews: list[tuple[int, Callable[[Trader], None], float]] = [
            (SHOPPERS, Trader.shop, 0.0), (traders, Trader.trade, 0.0),
            (PAYERS, Trader.pay_in, 1.0), (LEAVERS, Trader.leave, 1.0),
        ]  # fmt: skip
        self._threads = [
            threading.Thread(
                target=self._run,
                args=(Trader(site, self.ends, pace, f"{seed} {way.__name__} {n}"), way, pause_s),
                daemon=True,
            )
            for count, way, pause_s in crews
            for n in range(count)
        ]

    def __enter__(self) -> "Load":
        self._began, self._before = time.monotonic(), self._site.record.count
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, reason: type[BaseException] | None, *_: object) -> None:
        self._stopping.set()
        if reason is not None and not issubclass(reason, Exception):
            return  # told to stop: nobody waits for what they began
        self.took_s = time.monotonic() - self._began
        self.answered = self._site.record.count - self._before
        for thread in self._threads:
            thread.join(3 * END_S)
        self.ends.failures += ["a trader never came to an end"] * sum(
            thread.is_alive() for thread in self._threads
        )

    def _run(self, trader: Trader, way: Callable[[Trader], None], pause_s: float) -> None:
        failed = 0
        while not self._stopping.is_set() and failed < 3:
            try:
                way(trader)
            except (NotReached, Unanswered) as error:
                failed += 1
                self.ends.failures.append(str(error))
            except Exception as error:  # noqa: BLE001 - a finding of the case
                failed += 1
                self.ends.failures.append(f"{way.__name__}: {error!r}")
            self._stopping.wait(pause_s)
        trader.api.close()

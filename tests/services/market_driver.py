"""The operations of `market_model.Model`, on a real application, under the model's names.

So that one stream of operations can be given to several worlds and to the model.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from offerhub.domain.errors import OfferHubError
from offerhub.ledger import accounts
from offerhub.services import (
    deposits,
    dispute_cases,
    disputes,
    escrows,
    milestones,
    orders,
    refunds,
    releases,
    topup_changes,
    topups,
    users,
    withdrawal_changes,
    withdrawals,
)
from offerhub.store.database import atomic, execute
from offerhub.worker.jobs.operations import perform_next
from tests.services.test_crash_points import Killed
from tests.services.world import USD, World

_numbers = count(1)
ENDINGS = {"COMPLETED": "complete", "FAILED": "fail", "CANCELED": "cancel"}


def money(stroops: int) -> str:
    return f"{stroops // USD}.{stroops % USD:07d}"


@dataclass
class Driver:
    """One world under a stream of operations. Every method answers "ok" or an error's code."""

    world: World
    ids: dict[str, str] = field(default_factory=dict)
    emails: dict[str, str] = field(default_factory=dict)
    addresses: dict[str, tuple[str, str]] = field(default_factory=dict)
    outside: str = ""
    last_event: int = 0
    dying_after: int | None = None

    def apply(self, name: str, *arguments: Any) -> str:
        """Do one operation in this world."""
        self.world.use()
        return self._asked(lambda: getattr(self, name)(*arguments))

    def _asked(self, ask: Callable[[], Any]) -> str:
        try:
            ask()
        except OfferHubError as error:
            return error.code
        return "ok"

    def people(self, linked: dict[str, bool]) -> None:
        """Users with ready wallets; those that are linked have much money at Airtm."""
        self.world.use()
        self.world.control("PATCH", "/airtm/knobs", payout_auto=False)
        self.outside = self.world.control("POST", "/stellar/outside-account")["address"]
        for name, with_airtm in linked.items():
            email = f"stream-{next(_numbers)}@example.com"
            if with_airtm:
                self.world.control(
                    "POST", "/airtm/users", email=email, first_name="A", last_name="B",
                    country="MEX", wallet="9000000.00",
                )  # fmt: skip
            made = self.world.user(email, email=email if with_airtm else None)
            self.ids[name], self.emails[name] = made["id"], email
            self.addresses[name] = (made["wallet"]["address"], made["wallet"]["id"])
        self.new_events()

    # --- money in -----------------------------------------------------------------------------

    def suspend(self, user: str, status: str) -> None:
        users.update_user(self.world.ctx, self.ids[user], status=status)

    def deposit(self, user: str, amount: int) -> None:
        address, wallet_id = self.addresses[user]
        self.world.deposit(address, money(amount))
        deposits.read_wallet(self.world.ctx, wallet_id)

    def topup(self, name: str, user: str, amount: int) -> None:
        made = topups.create_topup(
            self.world.ctx, user_id=self.ids[user], amount_stroops=amount,
            return_url="http://localhost/return", cancel_url="http://localhost/cancel",
        )  # fmt: skip
        self.ids[name] = made["id"]

    def cancel_topup(self, name: str) -> None:
        topup_changes.cancel(self.world.ctx, self.ids[name])

    def pay_topup(self, name: str, how: str) -> None:
        topup_id = self.ids[name]
        shown = topups.get_topup(self.world.ctx, topup_id)
        users_email = next(
            self.emails[user] for user, id_ in self.ids.items() if id_ == shown["user_id"]
        )
        more = {"email": users_email} if how == "pay" else {}
        self.world.control("POST", f"/payins/{shown['airtm_payin_id']}/{how}", **more)
        found = self.world.app.payments.find_payin(topup_id)
        assert found is not None
        for _ in range(2):  # a second report changes nothing
            topups.apply_payin_result(self.world.ctx, topup_id, found)

    # --- orders -------------------------------------------------------------------------------

    def order(self, name: str, buyer: str, seller: str, parts: list[int], fee_bps: int) -> None:
        several = [(f"m{n}", f"Part {n}", part) for n, part in enumerate(parts)]
        self.ids[name] = self.world.order(
            self.ids[buyer], self.ids[seller], money(sum(parts)), platform_fee_bps=fee_bps,
            milestones=several if len(parts) > 1 else (),
        )  # fmt: skip

    def reserve(self, name: str) -> None:
        orders.reserve(self.world.ctx, self.ids[name])

    def cancel(self, name: str) -> None:
        orders.cancel(self.world.ctx, self.ids[name])

    def escrow(self, name: str) -> None:
        made = escrows.create_escrow(self.world.ctx, self.ids[name])
        self.ids[f"{name}.escrow"] = made["escrow"]["id"]

    def fund(self, name: str) -> None:
        escrows.fund_escrow(self.world.ctx, self.ids[name])

    def complete(self, name: str, position: int) -> None:
        milestones.complete(self.world.ctx, self.ids[name], f"m{position}")

    def release_milestone(self, name: str, position: int) -> None:
        milestones.release(self.world.ctx, self.ids[name], f"m{position}")

    def release(self, name: str) -> None:
        releases.release(self.world.ctx, self.ids[name])

    def refund(self, name: str) -> None:
        refunds.refund(self.world.ctx, self.ids[name])

    def dispute(self, name: str) -> None:
        made = disputes.open_dispute(
            self.world.ctx, self.ids[name], opened_by="BUYER", reason="OTHER"
        )
        self.ids[f"{name}.dispute"] = made["id"]

    def assign(self, name: str) -> None:
        dispute_cases.assign(self.world.ctx, self.ids[f"{name}.dispute"], assignee="support")

    def resolve(self, name: str, decision: str, to_seller: int, left: int) -> None:
        split = decision == "SPLIT"
        disputes.resolve(
            self.world.ctx, self.ids[f"{name}.dispute"], decision=decision,
            release_stroops=to_seller if split else None,
            refund_stroops=left - to_seller if split else None,
        )  # fmt: skip

    # --- money out ----------------------------------------------------------------------------

    def withdraw(self, name: str, user: str, amount: int, kind: str, commit: bool) -> None:
        made = withdrawals.create_withdrawal(
            self.world.ctx, user_id=self.ids[user], amount_stroops=amount, destination_type=kind,
            destination_ref=self.outside if kind == "CRYPTO" else self.emails[user], commit=commit,
        )  # fmt: skip
        self.ids[name] = made["id"]

    def commit(self, name: str) -> None:
        withdrawal_changes.commit(self.world.ctx, self.ids[name])

    def cancel_withdrawal(self, name: str) -> None:
        withdrawal_changes.cancel(self.world.ctx, self.ids[name])

    def end_payout(self, name: str, how: str) -> None:
        self.world.control("POST", f"/payouts/{self.ids[name]}/{ENDINGS[how]}")
        found = self.world.app.payments.find_payout(self.ids[name])
        assert found is not None
        for _ in range(2):
            withdrawals.apply_payout_result(self.world.ctx, self.ids[name], found)

    # --- providers, processes -----------------------------------------------------------------

    def spoil(self, kind: str, provider: str, times: int) -> None:
        self.world.fault(kind, provider=provider, times=times, delay_s=0.01)

    def die(self, after: int) -> None:
        """The next worker dies after so many crash points."""
        self.dying_after = after

    def work(self) -> None:
        if self.dying_after is not None:
            points, last = count(), self.dying_after
            self.dying_after = None

            def probe(_: str) -> None:
                if next(points) == last:
                    raise Killed(str(last))

            app = replace(self.world.app, probe=probe)
            with suppress(Killed):
                while perform_next(app):
                    pass
        self.world.drain()
        self.world.healthy()

    # --- what came of it ----------------------------------------------------------------------

    def snapshot(self) -> dict[str, object]:
        """Every balance and state, by name, as the model gives them."""
        self.world.use()
        found: dict[str, object] = {}
        with atomic():
            for name, id_ in self.ids.items():
                table = _TABLES.get(id_.partition("_")[0])
                if table is not None:
                    found[name] = getattr(self, f"_{table}")(id_)
        return found

    def _user(self, id_: str) -> tuple[Any, ...]:
        (status,) = execute("SELECT status FROM users WHERE id = ?", (id_,)).fetchone()
        balances = (self.world.balance(accounts.user(id_, kind)) for kind in _KINDS)
        return (status, *balances)

    def _order(self, id_: str) -> tuple[Any, ...]:
        (status, resolution) = execute(
            "SELECT status, resolution FROM orders WHERE id = ?", (id_,)
        ).fetchone()
        escrow = execute("SELECT status FROM escrows WHERE order_id = ?", (id_,)).fetchone()
        parts = execute(
            "SELECT status FROM milestones WHERE order_id = ? ORDER BY position", (id_,)
        ).fetchall()
        dispute = execute(
            "SELECT status FROM disputes WHERE order_id = ? ORDER BY created_at DESC, id DESC",
            (id_,),
        ).fetchone()
        return (
            status, resolution, escrow and escrow[0], [part[0] for part in parts],
            dispute and dispute[0],
        )  # fmt: skip

    def _withdrawal(self, id_: str) -> str:
        row = execute("SELECT status FROM withdrawals WHERE id = ?", (id_,)).fetchone()
        return str(row[0])

    def _topup(self, id_: str) -> str:
        return str(execute("SELECT status FROM topups WHERE id = ?", (id_,)).fetchone()[0])

    def sum_of_entries(self) -> int:
        self.world.use()
        with atomic():
            return int(execute("SELECT COALESCE(SUM(amount), 0) FROM entries").fetchone()[0])

    def new_events(self) -> list[tuple[str, str]]:
        """(name, type) of what was announced since the last look, in order."""
        self.world.use()
        names = {id_: name for name, id_ in self.ids.items()}
        with atomic():
            rows = execute(
                "SELECT position, aggregate_id, type FROM events WHERE position > ?"
                " ORDER BY position",
                (self.last_event,),
            ).fetchall()
        if rows:
            self.last_event = rows[-1][0]
        return [(names.get(aggregate, aggregate), type_) for _, aggregate, type_ in rows]


_TABLES = {"usr": "user", "ord": "order", "wd": "withdrawal", "topup": "topup"}
_KINDS = (accounts.AVAILABLE, accounts.RESERVED, accounts.WITHDRAWING)

"""Many operations where nothing goes wrong, made in bulk: what must give no alarm."""

from dataclasses import dataclass
from typing import Any

from offerhub.services import (
    deposits,
    escrows,
    orders,
    releases,
    topups,
    users,
    withdrawals,
)
from offerhub.store.database import connection, execute
from tests.services.world import USD, World


@dataclass(frozen=True)
class Volume:
    """How many of each. An order is three operations: deployed, funded, released."""

    people: int
    deposits: int
    topups: int
    payments: int
    payouts: int
    orders: int

    @property
    def operations(self) -> int:
        return (
            self.people
            + self.deposits
            + self.topups
            + self.payments
            + self.payouts
            + 3 * self.orders
        )


def perform(world: World, volume: Volume) -> None:
    """All of it, to its end; as many at once as there are."""
    people = _people(world, volume.people)
    for number in range(volume.deposits):
        world.deposit(people[number % len(people)]["wallet"]["address"], "50.00")
    for who in people:
        deposits.read_wallet(world.ctx, who["wallet"]["id"])
    _topups(world, people, volume.topups)
    outside = world.control("POST", "/stellar/outside-account")["address"]
    for number in range(volume.payments):
        _withdraw(world, people[number % len(people)], "CRYPTO", outside)
    _drain(world)
    paid_out = [
        _withdraw(world, who, "AIRTM_BALANCE", str(who["email"]))
        for who in (people[number % len(people)] for number in range(volume.payouts))
    ]
    _drain(world)
    for id_ in paid_out:
        world.finish_withdrawal(id_)
    _orders(world, people, volume.orders)


def _drain(world: World) -> None:
    world.drain(limit_s=1200)


def _people(world: World, count: int) -> list[dict[str, Any]]:
    made = []
    for number in range(count):
        email = f"clean-{number}@example.com"
        world.control("POST", "/airtm/users", email=email, first_name="A", last_name="B",
                      country="MEX", wallet="100000.00")  # fmt: skip
        user = users.create_user(world.ctx, external_user_id=f"clean-{number}", type="BOTH")
        made.append((user["id"], email))
    _drain(world)
    for user_id, email in made:
        users.link_airtm(world.ctx, user_id, email=email)
    return [{**users.get_user(world.ctx, id_), "email": email} for id_, email in made]


def _topups(world: World, people: list[dict[str, Any]], count: int) -> None:
    made = {}
    for number in range(count):
        who = people[number % len(people)]
        topup = topups.create_topup(
            world.ctx, user_id=who["id"], amount_stroops=10 * USD,
            return_url="http://localhost/return", cancel_url="http://localhost/cancel",
        )  # fmt: skip
        made[topup["id"]] = who["email"]
    _drain(world)
    for id_, email in made.items():
        world.control("POST", f"/payins/{id_}/pay", email=email)

    def settled() -> bool:
        listed = world.app.payments.payins()
        for payin in listed.items:
            topups.apply_payin_result(world.ctx, payin.code, payin)
        with connection():
            left = execute("SELECT COUNT(*) FROM topups WHERE status <> 'TOPUP_SUCCEEDED'")
            return int(left.fetchone()[0]) == 0

    world.until(settled, limit_s=300)


def _withdraw(world: World, who: dict[str, Any], kind: str, to: str) -> str:
    made = withdrawals.create_withdrawal(
        world.ctx, user_id=who["id"], amount_stroops=USD, destination_type=kind,
        destination_ref=to, commit=True,
    )  # fmt: skip
    return str(made["id"])


def _orders(world: World, people: list[dict[str, Any]], count: int) -> None:
    made = []
    for number in range(count):
        buyer = people[number % len(people)]
        seller = people[(number + 1) % len(people)]
        order_id = world.order(buyer["id"], seller["id"], "5.00")
        orders.reserve(world.ctx, order_id)
        escrows.create_escrow(world.ctx, order_id)
        made.append(order_id)
    _drain(world)
    for order_id in made:
        escrows.fund_escrow(world.ctx, order_id)
    _drain(world)
    for order_id in made:
        releases.release(world.ctx, order_id)
    _drain(world)

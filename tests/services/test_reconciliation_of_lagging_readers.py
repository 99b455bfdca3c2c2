"""What a replica that lags still shows is an earlier state of ours, and no difference.

Later, when no replica can lag so far behind, the same is one.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from offerhub.domain.differences import Difference
from offerhub.services import orders, reconciliation, withdrawals
from offerhub.services.context import Context, system_context
from tests.services.seeded_differences import escrow, paid_on_chain, payout, person, topup
from tests.services.test_engine import Odd
from tests.services.world import USD, World

pytestmark = pytest.mark.proves("F23")
ON_BOTH = ["sqlite", pytest.param("postgres", marks=pytest.mark.full)]
MARGIN_S = 30


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_url"))


@dataclass
class Old:
    """What the readers go on showing, by what was asked for; None: nothing."""

    accounts: dict[str, Any] = field(default_factory=dict)
    transactions: dict[str, Any] = field(default_factory=dict)
    contracts: dict[str, Any] = field(default_factory=dict)
    payins: dict[str, Any] = field(default_factory=dict)
    payouts: dict[str, Any] = field(default_factory=dict)

    def shown_to(self, world: World) -> Context:
        app = world.app

        def read_many(asked: Any) -> Any:
            return app.escrows.read_many(asked) | self.contracts

        chain = Odd(
            app.chain,
            account=_old_or(self.accounts, app.chain.account),
            transaction=_old_or(self.transactions, app.chain.transaction),
        )
        payments = Odd(
            app.payments,
            find_payin=_old_or(self.payins, app.payments.find_payin),
            find_payout=_old_or(self.payouts, app.payments.find_payout),
            payins=lambda: _listed(app.payments.payins(), self.payins),
            payouts=lambda: _listed(app.payments.payouts(), self.payouts),
        )
        policy = replace(app.policy, replica_margin_s=MARGIN_S)
        escrows = Odd(app.escrows, read_many=read_many)
        old = replace(app, chain=chain, escrows=escrows, payments=payments, policy=policy)
        return system_context(old, name="test")


def _old_or(old: dict[str, Any], read: Any) -> Any:
    return lambda asked: old[asked] if asked in old else read(asked)


def _listed(listing: Any, old: dict[str, Any]) -> Any:
    items = [old.get(one.code, one) for one in listing.items]
    return replace(listing, items=tuple(one for one in items if one is not None))


def _paying_wallet(world: World, old: Old) -> None:
    who = world.funded_user("payer", "20.00")
    address = who["wallet"]["address"]
    old.accounts[address] = world.app.chain.account(address)
    shown = withdrawals.get_withdrawal(world.ctx, paid_on_chain(world, who))
    old.transactions[shown["stellar_tx_hash"]] = None


def _new_wallet(world: World, old: Old) -> None:
    old.accounts[person(world)["wallet"]["address"]] = None


def _treasury(world: World, old: Old) -> None:
    """A withdrawal of money that came by Airtm is bridged from the treasury's wallet."""
    who = person(world, "20.00")
    address = world.app.platform_keys.treasury.address
    old.accounts[address] = world.app.chain.account(address)
    paid_on_chain(world, who)


def _contract(world: World, old: Old) -> None:
    _, contract, order_id = escrow(world)
    old.contracts |= world.app.escrows.read_many({contract: False})
    world.release(order_id)
    shown = orders.get_order(world.ctx, order_id)["escrow"]
    old.transactions[shown["release_tx_hash"]] = None


def _payin_made(world: World, old: Old) -> None:
    old.payins[topup(world, person(world))] = None


def _payin_paid(world: World, old: Old) -> None:
    who = person(world)
    id_ = topup(world, who)
    old.payins[id_] = world.app.payments.find_payin(id_)
    world.control("POST", f"/payins/{id_}/pay", email=who["email"])
    world.until(lambda: world._settled(id_))


def _payout_paid(world: World, old: Old) -> None:
    id_ = payout(world, person(world, "20.00"), 5 * USD)
    old.payouts[id_] = world.app.payments.find_payout(id_)
    world.finish_withdrawal(id_)


# The treasury at last: it pays for what the others do.
CASES = (_new_wallet, _contract, _payin_made, _payin_paid, _payout_paid, _paying_wallet, _treasury)
LATER = {
    (Difference.WALLET_MISSING, "wallets"),
    (Difference.ASSET_BALANCE, "wallets"),
    (Difference.ASSET_BALANCE, "treasury on chain"),
    (Difference.PAYMENT_MISSING, "payments on chain"),
    (Difference.ESCROW_STATE, "escrows"),
    (Difference.PAYMENT_MISSING, "escrow payments on chain"),
    (Difference.PAYIN_MISSING, "pay-ins"),
    (Difference.PAYIN_STATE, "pay-ins"),
    (Difference.PAYOUT_STATE, "pay-outs"),
}


@pytest.mark.parametrize("database_url", ON_BOTH, indirect=True)
def test_readers_that_lag_give_no_alarm_until_they_cannot_lag_so_far(world: World) -> None:
    old = Old()
    for arrange in CASES:
        arrange(world, old)
    ctx = old.shown_to(world)
    found = reconciliation.run(ctx)
    assert found["differences"] == []
    moving = {part["name"]: part["moving"] for part in found["coverage"] if part["moving"]}
    assert moving == {
        "wallets": 2, "treasury on chain": 1, "payments on chain": 1, "escrows": 1, "pay-ins": 2,
        "pay-outs": 1, "escrow payments on chain": 1,
    }  # fmt: skip
    world.clock.skip(60)
    found = reconciliation.run(ctx)
    differing = {part["name"]: part["differing"] for part in found["coverage"]}
    assert {one["kind"] for one in found["differences"]} >= {str(kind) for kind, _ in LATER}
    for name in {name for _, name in LATER}:
        assert differing[name] >= sum(place == name for _, place in LATER)

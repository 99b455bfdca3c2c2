"""Money is only ever moved: random worlds keep their sums."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stellar_sdk import Keypair

from offerhub.sandbox.chain.amounts import to_stroops
from offerhub.sandbox.trustless_work.fees import payout_of_distributions
from tests.sandbox.chain_world import UNIT, builder, signed, total_usdc, usdc, wallet
from tests.sandbox.escrow_desk import Desk, make_desk

CENTS = st.integers(min_value=1, max_value=20_000)
STEPS = st.one_of(
    st.tuples(st.just("pay"), st.integers(0, 5), st.integers(0, 5), CENTS),
    st.tuples(st.just("mint"), st.integers(0, 5), CENTS),
    st.tuples(st.just("fund"), CENTS),
    st.tuples(st.just("dust"), st.integers(1, 99)),
    st.tuples(st.just("claw_back"), st.integers(1, 99)),
    st.tuples(st.just("approve")),
    st.tuples(st.just("release")),
    st.tuples(st.just("dispute")),
    st.tuples(st.just("resolve"), st.integers(0, 100)),
    st.tuples(st.just("freeze"), st.integers(0, 5)),
)


def cents(amount: int) -> float:
    return amount / 100


class World:
    """Random people doing random things; refusals are as welcome as successes."""

    def __init__(self) -> None:
        self.desk: Desk = make_desk()
        self.minted = 1_000 * UNIT
        desk = self.desk
        self.people = [
            desk.buyer,
            desk.seller,
            desk.platform,
            desk.release,
            desk.resolver,
            wallet(desk.chain),
        ]
        desk.deploy(amount=50)

    def step(self, name: str, *args: int) -> None:
        getattr(self, name)(*args)

    def pay(self, sender: int, recipient: int, amount: int) -> None:
        chain, key = self.desk.chain, self.people[sender]
        built = builder(chain, key.public_key)
        built.append_payment_op(self.people[recipient].public_key, usdc(chain), str(cents(amount)))
        assert chain.submissions.submit(signed(built, key).to_xdr()).status == "PENDING"

    def mint(self, recipient: int, amount: int) -> None:
        stroops = amount * UNIT // 100
        chain, address = self.desk.chain, self.people[recipient].public_key
        if chain.ledgers.state().trustline(address, chain.usdc).authorized:
            chain.mint_usdc(to=address, amount_stroops=stroops)
            self.minted += stroops

    def call(self, path: str, key: Keypair, **body: object) -> None:
        status, built = self.desk.post(
            f"/escrow/single-release/{path}", contractId=self.desk.contract, **body
        )
        assert status in (201, 400), built
        if status == 201:
            self.desk.send(self.desk.sign(built["unsignedTransaction"], key))

    def fund(self, amount: int) -> None:
        buyer = self.desk.buyer
        self.call("fund-escrow", buyer, signer=buyer.public_key, amount=cents(amount))

    def dust(self, stroops: int) -> None:
        self.desk.chain.donate_dust(self.desk.contract, stroops)
        self.minted += stroops

    def claw_back(self, stroops: int) -> None:
        if self.desk.money()["contract"] >= stroops:
            self.desk.chain.claw_back_usdc(self.desk.contract, stroops)
            self.minted -= stroops

    def approve(self) -> None:
        buyer = self.desk.buyer
        self.call("approve-milestone", buyer, milestoneIndex="0", approver=buyer.public_key)

    def release(self) -> None:
        key = self.desk.release
        self.call("release-funds", key, releaseSigner=key.public_key)

    def dispute(self) -> None:
        self.call("dispute-escrow", self.desk.seller, signer=self.desk.seller.public_key)

    def resolve(self, percent: int) -> None:
        balance = self.desk.money()["contract"]
        seller = balance * percent // 100
        shares = [(self.desk.seller, seller), (self.desk.buyer, balance - seller)]
        self.call(
            "resolve-dispute",
            self.desk.resolver,
            disputeResolver=self.desk.resolver.public_key,
            distributions=[
                {"address": k.public_key, "amount": cents_exact(n)} for k, n in shares if n
            ]
            or [{"address": self.desk.buyer.public_key, "amount": 1}],
        )

    def freeze(self, person: int) -> None:
        address = self.people[person].public_key
        line = self.desk.chain.ledgers.state().trustline(address, self.desk.chain.usdc)
        self.desk.chain.freeze_trustline(address, frozen=bool(line.authorized))


def cents_exact(stroops: int) -> Decimal:
    return Decimal(stroops).scaleb(-7)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, max_size=25))
def test_usdc_is_neither_made_nor_lost_whatever_people_do(steps):
    world = World()
    chain = world.desk.chain
    xlm = world_xlm(chain)
    for step in steps:
        world.step(*step)
        assert total_usdc(chain) == world.minted
    supply = chain.store.one("SELECT amount FROM chain_supply WHERE asset = ?", (chain.usdc,))
    assert supply["amount"] == world.minted
    assert world_xlm(chain) == xlm
    check_transfers(chain)


def world_xlm(chain) -> int:
    """All XLM, the burnt fees included."""
    held = chain.store.one("SELECT sum(balance) AS n FROM chain_accounts")["n"]
    fees = chain.store.one("SELECT sum(fee_charged) AS n FROM chain_transactions")["n"]
    return held + fees


def check_transfers(chain) -> None:
    """Every balance is exactly what the listed transfers left."""
    balances: dict[str, int] = {}
    for transfer in chain.snapshot()["transfers"]:
        amount = to_stroops(transfer["amount"])
        balances[transfer["from"]] = balances.get(transfer["from"], 0) - amount
        balances[transfer["to"]] = balances.get(transfer["to"], 0) + amount
    snapshot = chain.snapshot()
    held = {a["address"]: to_stroops(a["usdc"]) for a in snapshot["accounts"] if a["usdc"]}
    held |= {c["contract"]: to_stroops(c["balance"]) for c in snapshot["contracts"]}
    for address, amount in held.items():
        assert balances.get(address, 0) == amount


@given(
    st.dictionaries(st.text(min_size=1, max_size=3), st.integers(1, 10**13), min_size=1),
    st.integers(0, 9_900),
    st.sampled_from([0, 30]),
)
def test_a_resolution_asks_for_at_most_a_stroop_more_for_each_share_but_one(
    shares, platform_bps, protocol_bps
):
    payout = payout_of_distributions(shares, platform_bps=platform_bps, protocol_bps=protocol_bps)
    paid = payout.protocol_fee + payout.platform_fee + sum(payout.recipients.values())
    assert 0 <= paid - sum(shares.values()) < len(shares)


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=6), st.integers(0, 9_900))
def test_shares_of_whole_tenths_of_a_cent_always_come_out_even(thousandths, platform_bps):
    shares = {str(i): n * 10_000 for i, n in enumerate(thousandths)}
    payout = payout_of_distributions(shares, platform_bps=platform_bps, protocol_bps=30)
    paid = payout.protocol_fee + payout.platform_fee + sum(payout.recipients.values())
    assert paid == sum(shares.values())

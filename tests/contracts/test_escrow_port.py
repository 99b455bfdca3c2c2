"""What `ports.escrow.Escrows` promises, asked of the adapter over real HTTP."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from offerhub.ports.chain import SignedTransaction, SigningKey
from offerhub.ports.errors import OutcomeUnknown, RateLimited, Rejected, Unavailable
from offerhub.ports.escrow import EscrowFacts, EscrowTerms, MilestoneTerms, Share
from offerhub.providers.trustlesswork.adapter import TrustlessWorkEscrows
from offerhub.providers.trustlesswork.client import connect
from offerhub.sandbox.trustless_work.blueprint import trustless_work_blueprint
from offerhub.sandbox.trustless_work.contracts import FACTORIES, WASM_HASHES
from tests.providers.network_world import UNIT, World, world

API_KEY = "sandbox-key"


@dataclass
class Market:
    """A network with everybody an order needs, and the escrow adapter."""

    net: World
    escrows: TrustlessWorkEscrows
    buyer: SigningKey
    seller: SigningKey
    platform: SigningKey
    release: SigningKey
    resolver: SigningKey

    def terms(self, *amounts: int, order_id: str = "ord_1", multi: bool = False) -> EscrowTerms:
        return EscrowTerms(
            order_id=order_id,
            multi_release=multi,
            title="Order 1042",
            description="Logo design",
            buyer=self.buyer.address,
            seller=self.seller.address,
            platform=self.platform.address,
            release_signer=self.release.address,
            dispute_resolver=self.resolver.address,
            amount_stroops=sum(amounts),
            platform_fee_bps=250,
            milestones=tuple(
                MilestoneTerms(f"Part {number}", amount)
                for number, amount in enumerate(amounts, start=1)
            ),
        )

    def deploy(self, terms: EscrowTerms) -> str:
        sent = self.escrows.send(self.escrows.build_deploy(terms, signer=self.platform))
        assert sent.contract_id is not None
        return sent.contract_id

    def funded(self, terms: EscrowTerms) -> str:
        id_ = self.deploy(terms)
        self.escrows.send(self.escrows.build_fund(id_, terms, signer=self.buyer))
        return id_

    def approve(self, id_: str, *, multi: bool, index: int = 0) -> None:
        self.escrows.send(
            self.escrows.build_approve(
                id_, multi_release=multi, milestone_index=index, signer=self.buyer
            )
        )

    def read(self, id_: str, *, multi: bool = False) -> EscrowFacts:
        facts = self.escrows.read(id_, multi_release=multi)
        assert facts is not None
        return facts

    def transfers(self, transaction: SignedTransaction) -> dict[str, int]:
        """What a transaction moved, by receiver, as the chain says."""
        outcome = self.net.chain.transaction(transaction.hash)
        assert outcome is not None
        assert outcome.successful
        return {one.destination: one.amount_stroops for one in outcome.transfers}


@pytest.fixture
def market() -> Iterator[Market]:
    def escrow_routes(chain: object) -> object:
        return trustless_work_blueprint(chain, api_key=API_KEY, rate_limit=None, send_timeout_s=0.5)  # type: ignore[arg-type]

    with world(escrow_routes) as net:
        escrows = adapter(net)
        yield Market(
            net,
            escrows,
            buyer=net.wallet(usdc_stroops=1_000 * UNIT),
            seller=net.wallet(),
            platform=net.wallet(),
            release=net.wallet(),
            resolver=net.wallet(),
        )


def adapter(net: World, *, api_key: str = API_KEY, **settings: object) -> TrustlessWorkEscrows:
    fields: dict[str, object] = {
        "factory_ids": tuple(FACTORIES.values()),
        "wasm_hashes": tuple(one.hex() for one in WASM_HASHES.values()),
        **settings,
    }
    return TrustlessWorkEscrows(
        connect(f"{net.url}/trustless-work", api_key=api_key),
        passphrase=net.network.passphrase,
        usdc_issuer=net.network.issuer_address,
        limiter=net.limiter,
        **fields,  # type: ignore[arg-type]
    )


def test_a_single_release_escrow_lives_from_deployment_to_payout(market: Market) -> None:
    terms = market.terms(120 * UNIT)
    id_ = market.deploy(terms)
    created = market.read(id_)
    assert (created.order_id, created.multi_release) == ("ord_1", False)
    assert (created.buyer, created.seller) == (market.buyer.address, market.seller.address)
    assert (created.amount_stroops, created.balance_stroops) == (120 * UNIT, 0)

    fund = market.escrows.build_fund(id_, terms, signer=market.buyer)
    market.escrows.send(fund)
    assert market.transfers(fund) == {id_: 120 * UNIT}
    assert market.read(id_).balance_stroops == 120 * UNIT
    assert market.net.usdc_of(market.buyer.address) == 880 * UNIT

    market.escrows.send(
        market.escrows.build_milestone_status(
            id_,
            multi_release=False,
            milestone_index=0,
            status="completed",
            evidence="https://shop.example/e/1042",
            signer=market.seller,
        )
    )
    market.approve(id_, multi=False)
    (milestone,) = market.read(id_).milestones
    assert (milestone.status, milestone.approved) == ("completed", True)

    release = market.escrows.build_release(id_, milestone_index=None, signer=market.release)
    market.escrows.send(release)
    done = market.read(id_)
    assert (done.released, done.balance_stroops) == (True, 0)
    assert market.transfers(release) == {
        market.net.network.fee_account_address: 3600000,
        market.platform.address: 3 * UNIT,
        market.seller.address: 116_6400000,
    }


def test_a_dispute_on_a_single_release_is_resolved_by_shares(market: Market) -> None:
    id_ = market.funded(market.terms(100 * UNIT))
    market.escrows.send(
        market.escrows.build_dispute(id_, milestone_index=None, signer=market.buyer)
    )
    disputed = market.read(id_)
    assert (disputed.disputed, disputed.resolved) == (True, False)
    resolve = market.escrows.build_resolve(
        id_,
        milestone_index=None,
        shares=(
            Share(market.seller.address, 60 * UNIT),
            Share(market.buyer.address, 40 * UNIT),
        ),
        signer=market.resolver,
    )
    market.escrows.send(resolve)
    resolved = market.read(id_)
    assert (resolved.disputed, resolved.resolved, resolved.balance_stroops) == (False, True, 0)
    moved = market.transfers(resolve)
    assert moved[market.seller.address] == 58_3200000
    assert moved[market.buyer.address] == 38_8800000


def test_a_multi_release_escrow_pays_one_milestone_and_refunds_the_other(market: Market) -> None:
    terms = market.terms(20 * UNIT, 100 * UNIT, multi=True)
    id_ = market.funded(terms)
    facts = market.read(id_, multi=True)
    assert (facts.amount_stroops, facts.balance_stroops) == (120 * UNIT, 120 * UNIT)

    market.approve(id_, multi=True, index=0)
    release = market.escrows.build_release(id_, milestone_index=0, signer=market.release)
    market.escrows.send(release)
    assert market.transfers(release)[market.seller.address] == 19_4400000
    half = market.read(id_, multi=True)
    assert [one.released for one in half.milestones] == [True, False]
    assert (half.released, half.resolved, half.balance_stroops) == (False, False, 100 * UNIT)

    market.escrows.send(market.escrows.build_dispute(id_, milestone_index=1, signer=market.seller))
    assert market.read(id_, multi=True).disputed
    refund = market.escrows.build_resolve(
        id_,
        milestone_index=1,
        shares=(Share(market.buyer.address, 100 * UNIT),),
        signer=market.resolver,
    )
    market.escrows.send(refund)
    assert market.transfers(refund)[market.buyer.address] == 97_2000000
    done = market.read(id_, multi=True)
    assert [(one.released, one.resolved) for one in done.milestones] == [
        (True, False),
        (False, True),
    ]
    assert (done.released, done.resolved, done.disputed) == (False, True, False)
    assert done.balance_stroops == 0


def test_a_multi_release_escrow_whose_milestones_are_all_paid_is_released(market: Market) -> None:
    id_ = market.funded(market.terms(1 * UNIT, 2 * UNIT, multi=True))
    for index in (0, 1):
        market.approve(id_, multi=True, index=index)
        market.escrows.send(
            market.escrows.build_release(id_, milestone_index=index, signer=market.release)
        )
    done = market.read(id_, multi=True)
    assert (done.released, done.resolved, done.balance_stroops) == (True, False, 0)


@pytest.mark.parametrize("amount", [1200000, 120_1000000, 999_9900000, 1, 33_3333333])
def test_amounts_cross_the_wire_exactly(market: Market, amount: int) -> None:
    terms = market.terms(amount)
    id_ = market.funded(terms)
    facts = market.read(id_)
    assert (facts.amount_stroops, facts.balance_stroops) == (amount, amount)


LOST = [
    "timeout_after",
    "reset_after",
    "html_502_after",
    "truncated_after",
    "wrong_body_after",
    "error_500_after",
]


@pytest.mark.parametrize("kind", LOST)
def test_a_sending_whose_answer_is_lost_is_unknown_found_by_hash_and_has_one_effect(
    market: Market, kind: str
) -> None:
    terms = market.terms(120 * UNIT)
    id_ = market.deploy(terms)
    fund = market.escrows.build_fund(id_, terms, signer=market.buyer)
    market.net.spoil(kind, "send-transaction$", provider="trustless_work")
    with pytest.raises(OutcomeUnknown):
        market.escrows.send(fund)
    assert market.transfers(fund) == {id_: 120 * UNIT}
    market.escrows.send(fund)
    market.escrows.send(fund)
    assert market.read(id_).balance_stroops == 120 * UNIT
    assert market.net.usdc_of(market.buyer.address) == 880 * UNIT


def test_a_deployment_whose_answer_is_lost_is_found_by_its_order(market: Market) -> None:
    terms = market.terms(50 * UNIT, order_id="ord_lost")
    assert market.escrows.find_by_order("ord_lost", signer=market.platform.address) == ()
    deploy = market.escrows.build_deploy(terms, signer=market.platform)
    market.net.spoil("timeout_after", "send-transaction$", provider="trustless_work")
    with pytest.raises(OutcomeUnknown):
        market.escrows.send(deploy)
    (found,) = market.escrows.find_by_order("ord_lost", signer=market.platform.address)
    assert (found.order_id, found.amount_stroops) == ("ord_lost", 50 * UNIT)
    assert market.escrows.send(deploy).contract_id == found.contract_id
    assert len(market.escrows.find_by_order("ord_lost", signer=market.platform.address)) == 1


def test_several_contracts_of_one_order_come_oldest_first(market: Market) -> None:
    ids = [market.deploy(market.terms(amount * UNIT)) for amount in (1, 2, 3)]
    market.deploy(market.terms(4 * UNIT, order_id="ord_10"))
    found = market.escrows.find_by_order("ord_1", signer=market.platform.address)
    assert [one.contract_id for one in found] == ids
    assert market.escrows.find_by_order("ord_1", signer=market.buyer.address) == ()


def test_more_contracts_than_a_page_holds_are_all_found(market: Market) -> None:
    ids = {market.deploy(market.terms(UNIT)) for _ in range(23)}
    found = market.escrows.find_by_order("ord_1", signer=market.platform.address)
    assert {one.contract_id for one in found} == ids


def test_an_answer_that_came_too_early_is_unknown_and_the_same_transaction_settles_it(
    market: Market,
) -> None:
    terms = market.terms(120 * UNIT)
    deploy = market.escrows.build_deploy(terms, signer=market.platform)
    market.net.network.faults.set("read_too_early", 1)
    with pytest.raises(OutcomeUnknown, match="resultMetaXdr"):
        market.escrows.send(deploy)
    assert market.escrows.send(deploy).contract_id is not None


def test_a_success_without_effect_is_not_on_chain(market: Market) -> None:
    terms = market.terms(120 * UNIT)
    id_ = market.deploy(terms)
    fund = market.escrows.build_fund(id_, terms, signer=market.buyer)
    market.net.network.faults.set("success_without_effect", 1)
    market.escrows.send(fund)
    assert market.net.chain.transaction(fund.hash) is None
    assert market.read(id_).balance_stroops == 0
    market.escrows.send(fund)
    assert market.transfers(fund) == {id_: 120 * UNIT}


def test_throttling_means_that_nothing_was_sent(market: Market) -> None:
    terms = market.terms(120 * UNIT)
    deploy = market.escrows.build_deploy(terms, signer=market.platform)
    market.net.spoil("rate_limited", "send-transaction$", provider="trustless_work")
    with pytest.raises(RateLimited):
        market.escrows.send(deploy)
    assert market.net.chain.transaction(deploy.hash) is None
    market.net.spoil("rate_limited", "/deployer/", provider="trustless_work")
    with pytest.raises(RateLimited):
        market.escrows.build_deploy(terms, signer=market.platform)


@pytest.mark.parametrize(
    "kind",
    [
        "timeout_after",
        "error_500_before",
        "html_502_before",
        "error_503_before",
        "wrong_body_after",
    ],
)
def test_a_builder_that_fails_is_unavailable_and_may_be_asked_again(
    market: Market, kind: str
) -> None:
    terms = market.terms(120 * UNIT)
    market.net.spoil(kind, "/deployer/", provider="trustless_work")
    with pytest.raises(Unavailable):
        market.escrows.build_deploy(terms, signer=market.platform)
    assert market.deploy(terms)


def test_refusals_of_the_contract_carry_its_own_name_for_them(market: Market) -> None:
    terms = market.terms(120 * UNIT)
    id_ = market.funded(terms)

    def refusal(build: object) -> tuple[str | None, str]:
        with pytest.raises(Rejected) as raised:
            build()  # type: ignore[operator]
        return raised.value.code, raised.value.error_code

    release = lambda: market.escrows.build_release(  # noqa: E731
        id_, milestone_index=None, signer=market.release
    )
    assert refusal(release) == ("EscrowNotCompleted", "ESCROW_INVALID_STATE")
    resolver = lambda: market.escrows.build_dispute(  # noqa: E731
        id_, milestone_index=None, signer=market.resolver
    )
    assert refusal(resolver) == ("DisputeResolverCannotDisputeTheEscrow", "PROVIDER_ERROR")
    market.approve(id_, multi=False)
    assert refusal(lambda: market.approve(id_, multi=False)) == (
        "MilestoneHasAlreadyBeenApproved",
        "ESCROW_INVALID_STATE",
    )
    market.escrows.send(release())
    assert refusal(release) == ("EscrowAlreadyReleased", "ESCROW_INVALID_STATE")
    too_much = replace(terms, amount_stroops=881 * UNIT)
    other = market.deploy(too_much)
    assert refusal(lambda: market.escrows.build_fund(other, too_much, signer=market.buyer)) == (
        "BalanceError",
        "ESCROW_FUNDING_FAILED",
    )


def test_a_multi_release_refusal_speaks_in_its_own_numbers(market: Market) -> None:
    id_ = market.funded(market.terms(20 * UNIT, 100 * UNIT, multi=True))
    with pytest.raises(Rejected) as raised:
        market.escrows.build_release(id_, milestone_index=1, signer=market.release)
    assert raised.value.code == "MilestoneNotCompleted"


def test_a_step_overtaken_by_another_is_rejected_when_it_is_sent(market: Market) -> None:
    id_ = market.funded(market.terms(120 * UNIT))
    dispute = market.escrows.build_dispute(id_, milestone_index=None, signer=market.buyer)
    market.escrows.send(
        market.escrows.build_dispute(id_, milestone_index=None, signer=market.seller)
    )
    with pytest.raises(Rejected) as raised:
        market.escrows.send(dispute)
    assert raised.value.code == "EscrowAlreadyInDispute"
    failed = market.net.chain.transaction(dispute.hash)
    assert failed is not None
    assert not failed.successful


def test_an_old_sequence_number_is_rejected_with_the_networks_code(market: Market) -> None:
    terms = market.terms(120 * UNIT)
    first = market.escrows.build_deploy(terms, signer=market.platform)
    second = market.escrows.build_deploy(replace(terms, order_id="ord_2"), signer=market.platform)
    market.escrows.send(first)
    with pytest.raises(Rejected) as raised:
        market.escrows.send(second)
    assert raised.value.code == "tx_bad_seq"


def test_dust_in_a_contract_shows_in_its_balance(market: Market) -> None:
    id_ = market.funded(market.terms(120 * UNIT))
    market.net.network.donate_dust(id_, 1)
    assert market.read(id_).balance_stroops == 120 * UNIT + 1


def test_an_escrow_is_read_from_an_object_as_from_an_array(market: Market) -> None:
    id_ = market.deploy(market.terms(120 * UNIT))
    as_array = market.read(id_)
    market.net.network.faults.set("single_escrow_as_object", 1)
    assert market.read(id_) == as_array


def test_an_unknown_contract_is_nothing(market: Market) -> None:
    assert market.escrows.read(FACTORIES["single-release"], multi_release=False) is None


def test_a_fee_above_the_ceiling_is_not_paid(market: Market) -> None:
    thrifty = adapter(market.net, max_fee_stroops=100)
    with pytest.raises(Rejected, match=r"ALARM.*fee"):
        thrifty.build_deploy(market.terms(120 * UNIT), signer=market.platform)


def test_an_unexpected_factory_is_not_used(market: Market) -> None:
    strict = adapter(market.net, factory_ids=(market.net.network.usdc_contract,))
    with pytest.raises(Rejected, match="ALARM"):
        strict.build_deploy(market.terms(120 * UNIT), signer=market.platform)


def test_another_network_is_never_signed_for(market: Market) -> None:
    """A signature made for one passphrase means nothing to a service on another network."""
    elsewhere = TrustlessWorkEscrows(
        connect(f"{market.net.url}/trustless-work", api_key=API_KEY),
        passphrase="Public Global Stellar Network ; September 2015",
        usdc_issuer=market.net.network.issuer_address,
        limiter=market.net.limiter,
    )
    # The token's address follows from the network, so already the terms differ.
    with pytest.raises(Rejected, match=r"ALARM.*trustline"):
        elsewhere.build_deploy(market.terms(120 * UNIT), signer=market.platform)


def test_health_is_a_read_that_needs_the_key(market: Market) -> None:
    market.escrows.ping()
    with pytest.raises(Rejected, match="API key") as raised:
        adapter(market.net, api_key="wrong").ping()
    assert raised.value.code == "unauthorized"
    market.net.spoil("error_503_before", "/helper/", provider="trustless_work")
    with pytest.raises(Unavailable):
        market.escrows.ping()


def test_every_call_takes_a_permit(market: Market) -> None:
    market.net.limiter.calls.clear()
    market.deploy(market.terms(120 * UNIT))
    assert market.net.limiter.calls == ["trustless_work", "trustless_work"]

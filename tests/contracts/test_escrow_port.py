"""What `ports.escrow.Escrows` promises, asked of the adapter over real HTTP."""

from collections.abc import Iterator

import pytest

from offerhub.ports.errors import Rejected, Unavailable
from offerhub.ports.escrow import Share
from offerhub.providers.trustlesswork.adapter import TrustlessWorkEscrows
from offerhub.providers.trustlesswork.client import connect
from offerhub.sandbox.trustless_work.contracts import FACTORIES
from tests.contracts.market import API_KEY, Market, adapter, open_market
from tests.providers.network_world import UNIT


@pytest.fixture
def market() -> Iterator[Market]:
    with open_market() as opened:
        yield opened


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

"""Lost answers, refusals and overtaken steps: no escrow call ever counts twice or is forgotten."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from offerhub.ports.errors import OutcomeUnknown, RateLimited, Rejected, Unavailable
from tests.contracts.market import Market, open_market
from tests.providers.network_world import UNIT


@pytest.fixture
def market() -> Iterator[Market]:
    with open_market() as opened:
        yield opened


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

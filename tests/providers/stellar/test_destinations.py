"""Payments that could not arrive, or not be paid, are refused before anything is signed."""

from collections.abc import Iterator

import pytest
from stellar_sdk import MuxedAccount

from offerhub.ports.chain import SigningKey
from offerhub.ports.errors import Rejected
from tests.providers.network_world import UNIT, World, world


@pytest.fixture(scope="module")
def net() -> Iterator[World]:
    with world() as made:
        yield made


@pytest.fixture(scope="module")
def payer(net: World) -> SigningKey:
    return net.wallet(usdc_stroops=100 * UNIT)


def refusal(net: World, payer: SigningKey, to: str, **more: object) -> Rejected:
    fields = {"amount_stroops": UNIT, **more}
    with pytest.raises(Rejected) as raised:
        net.chain.build_payment(source=payer, destination=to, **fields)  # type: ignore[arg-type]
    return raised.value


def test_destinations_that_could_not_receive_are_refused_before_signing(
    net: World, payer: SigningKey
) -> None:
    frozen, no_line = net.wallet(), net.funded()
    net.network.freeze_trustline(frozen.address)
    cases = {
        net.key().address: "op_no_destination",
        no_line.address: "op_no_trust",
        frozen.address: "op_not_authorized",
        payer.address: "op_malformed",
        net.network.issuer_address: "op_malformed",
        no_line.seed: "op_malformed",
        net.network.usdc_contract: "op_malformed",
        no_line.address[:-1] + "A": "op_malformed",
        "": "op_malformed",
    }
    for destination, code in cases.items():
        refused = refusal(net, payer, destination)
        assert (refused.code, refused.error_code) == (code, "WITHDRAWAL_DESTINATION_INVALID")
        assert no_line.seed not in refused.message


def test_an_account_that_asks_for_a_memo_gets_one_or_is_not_paid(
    net: World, payer: SigningKey
) -> None:
    exchange = net.wallet().address
    net.network.set_data(exchange, "config.memo_required", b"1")
    assert refusal(net, payer, exchange).code == "memo_required"
    net.chain.build_payment(source=payer, destination=exchange, amount_stroops=1, memo="7")
    muxed = MuxedAccount(exchange, 7).account_muxed
    assert muxed is not None
    net.apply(net.chain.build_payment(source=payer, destination=muxed, amount_stroops=1))
    assert net.usdc_of(exchange) == 1


def test_a_memo_that_does_not_fit_its_type_is_refused(net: World, payer: SigningKey) -> None:
    to = net.wallet().address
    refused = refusal(net, payer, to, memo="not a number", memo_type="id")
    assert (refused.code, refused.error_code) == ("memo_invalid", "WITHDRAWAL_DESTINATION_INVALID")


def test_a_wallet_that_holds_less_than_our_books_say_is_named(
    net: World, payer: SigningKey
) -> None:
    refused = refusal(net, payer, net.wallet().address, amount_stroops=100 * UNIT + 1)
    assert (refused.code, refused.error_code) == ("op_underfunded", "INSUFFICIENT_FUNDS")
    assert "100.0000001" in refused.message
    refused = refusal(net, net.funded(), net.wallet().address)
    assert refused.code == "op_src_no_trust"
    assert refusal(net, net.key(), net.wallet().address).code == "tx_no_source_account"


@pytest.mark.parametrize("amount", [0, -1])
def test_an_amount_that_is_not_above_zero_is_a_mistake_of_ours(
    net: World, payer: SigningKey, amount: int
) -> None:
    with pytest.raises(ValueError, match="above zero"):
        net.chain.build_payment(source=payer, destination=payer.address, amount_stroops=amount)

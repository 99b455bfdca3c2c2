"""A funding takes a buyer's money: no forgery of one is ever signed."""

from dataclasses import replace

import pytest
from stellar_sdk import Account, Asset, Keypair, TransactionBuilder, scval
from stellar_sdk.operation import Payment

from offerhub.providers import transactions
from offerhub.providers.trustlesswork.adapter import TrustlessWorkEscrows
from offerhub.sandbox.chain.invocation import Call
from tests.providers.scripted_server import Script
from tests.providers.trustlesswork.desk import FUND, STEAL, answers, funded, refused
from tests.providers.trustlesswork.forged import (
    BUYER,
    CONTRACT,
    ISSUER,
    OTHER_CONTRACT,
    PASSPHRASE,
    SELLER,
    SINGLE,
    THIEF,
    Unsigned,
    fund_call,
    somebody_elses_credentials,
    stored,
)

PAY_THIEF = Payment(THIEF.address, Asset("USDC", ISSUER), "120")


def test_the_honest_funding_is_signed_by_the_buyer(
    service: Script, escrows: TrustlessWorkEscrows
) -> None:
    signed = funded(service, escrows, Unsigned(fund_call()))
    envelope = transactions.decode(signed.xdr, passphrase=PASSPHRASE)
    (signature,) = envelope.signatures
    Keypair.from_public_key(BUYER.address).verify(envelope.hash(), signature.signature)
    assert signed.hash == envelope.hash_hex()
    assert (signed.source, signed.sequence, signed.max_time_s) == (
        BUYER.address,
        8,
        1_768_046_640,
    )
    assert service.seen[-1][3] == (
        f'{{"contractId":"{CONTRACT}","signer":"{BUYER.address}","amount":120}}'.encode()
    )


def test_a_transaction_without_time_bounds_is_taken_and_reported_as_such(
    service: Script, escrows: TrustlessWorkEscrows
) -> None:
    with pytest.warns(UserWarning, match="TimeBounds"):
        unbounded = Unsigned(fund_call(), max_time_s=None).to_xdr()
    answers(service, FUND, unbounded)
    assert escrows.build_fund(CONTRACT, SINGLE, signer=BUYER).max_time_s == 0


def fund_with(**changes: object) -> Call:
    """The funding call with arguments replaced, its inner call left honest."""
    call = fund_call()
    args = list(call.args)
    for position, value in changes.items():
        args[int(position.removeprefix("arg"))] = value  # type: ignore[call-overload]
    return replace(call, args=args)


ATTACKS: dict[str, Unsigned] = {
    "more money": Unsigned(fund_call(amount=120_0000001)),
    "less money": Unsigned(fund_call(amount=119_9999999)),
    "money times ten": Unsigned(fund_call(amount=1200_0000000)),
    "no money": Unsigned(fund_call(amount=0)),
    "negative money": Unsigned(fund_call(amount=-120_0000000)),
    "another contract": Unsigned(replace(fund_call(), contract=OTHER_CONTRACT)),
    "the token contract": Unsigned(STEAL),
    "another function": Unsigned(replace(fund_call(), function="update_escrow")),
    "another signer": Unsigned(fund_with(arg0=scval.to_address(SELLER.address))),
    "swapped arguments": Unsigned(
        replace(fund_call(), args=[fund_call().args[2], fund_call().args[1], fund_call().args[0]])
    ),
    "an argument too many": Unsigned(
        replace(fund_call(), args=[*fund_call().args, scval.to_address(THIEF.address)])
    ),
    "an argument too few": Unsigned(replace(fund_call(), args=fund_call().args[:2])),
    "no arguments": Unsigned(replace(fund_call(), args=[])),
    "an amount as text": Unsigned(fund_with(arg2=scval.to_string("1200000000"))),
    "another escrow": Unsigned(
        fund_with(arg1=stored(replace(SINGLE, order_id="ord_other")).to_scval())
    ),
    "another seller": Unsigned(
        fund_with(arg1=stored(replace(SINGLE, seller=THIEF.address)).to_scval())
    ),
    "no escrow": Unsigned(fund_with(arg1=scval.to_void())),
    "another source": Unsigned(fund_call(), source=SELLER.address),
    "another operation source": Unsigned(fund_call(), operation_source=THIEF.address),
    "a fee above the ceiling": Unsigned(fund_call(), fee=50_000_001),
    "an extra payment": Unsigned(fund_call(), more_operations=[PAY_THIEF]),
    "a foreign authorisation": Unsigned(
        fund_call(), credentials=somebody_elses_credentials(SELLER.address)
    ),
    "an address authorisation of the source itself": Unsigned(
        fund_call(), credentials=somebody_elses_credentials(BUYER.address)
    ),
    "a second authorisation": Unsigned(fund_call(), more_authorizations=[STEAL]),
    "the same authorisation twice": Unsigned(fund_call(), more_authorizations=[fund_call()]),
    "an authorisation of another call": Unsigned(fund_call(), authorized=STEAL),
    "a hidden transfer to a thief": Unsigned(
        fund_call(), authorized=replace(fund_call(), inner=[STEAL])
    ),
    "a hidden second transfer": Unsigned(
        fund_call(), authorized=replace(fund_call(), inner=[*fund_call().inner, STEAL])
    ),
    "the honest transfer twice": Unsigned(
        fund_call(), authorized=replace(fund_call(), inner=[*fund_call().inner] * 2)
    ),
    "a larger transfer than the argument": Unsigned(
        fund_call(), authorized=replace(fund_call(), inner=fund_call(amount=121_0000000).inner)
    ),
    "a transfer hidden in the transfer": Unsigned(
        fund_call(),
        authorized=replace(fund_call(), inner=[replace(fund_call().inner[0], inner=[STEAL])]),
    ),
    "a transfer of another token": Unsigned(
        fund_call(),
        authorized=replace(
            fund_call(), inner=[replace(fund_call().inner[0], contract=OTHER_CONTRACT)]
        ),
    ),
    "an approval instead of a transfer": Unsigned(
        fund_call(),
        authorized=replace(fund_call(), inner=[replace(fund_call().inner[0], function="approve")]),
    ),
    "a loosened sequence number": Unsigned(fund_call(), min_sequence=1),
}


# What each is refused for, so that none is refused by accident.
REASONS = {
    "more money": "argument 2",
    "less money": "argument 2",
    "money times ten": "argument 2",
    "no money": "argument 2 is 0",
    "negative money": "argument 2",
    "another contract": "it calls C",
    "the token contract": "it calls C",
    "another function": "it calls update_escrow",
    "another signer": "argument 0",
    "swapped arguments": "argument 0",
    "an argument too many": "4 arguments",
    "an argument too few": "2 arguments",
    "no arguments": "0 arguments",
    "an amount as text": "argument 2",
    "another escrow": "argument 1.engagement_id",
    "another seller": "argument 1.roles.receiver",
    "no escrow": "argument 1",
    "another source": "its source",
    "another operation source": "its operation acts",
    "a fee above the ceiling": "its fee",
    "an extra payment": "2 operations",
    "a foreign authorisation": "somebody else",
    "an address authorisation of the source itself": "somebody else",
    "a second authorisation": "2 authorisations",
    "the same authorisation twice": "2 authorisations",
    "an authorisation of another call": "another call",
    "a hidden transfer to a thief": "not asked for",
    "a hidden second transfer": "several further",
    "the honest transfer twice": "several further",
    "a larger transfer than the argument": "not asked for",
    "a transfer hidden in the transfer": "calls within calls",
    "a transfer of another token": "not asked for",
    "an approval instead of a transfer": "not asked for",
    "a loosened sequence number": "preconditions",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_tampered_funding_is_never_signed(
    service: Script, escrows: TrustlessWorkEscrows, attack: str
) -> None:
    answers(service, FUND, ATTACKS[attack])
    reason = refused(lambda: escrows.build_fund(CONTRACT, SINGLE, signer=BUYER))
    assert REASONS[attack] in reason.partition("was not signed: ")[2]


def test_a_plain_payment_is_never_signed(service: Script, escrows: TrustlessWorkEscrows) -> None:
    builder = TransactionBuilder(Account(BUYER.address, 7), PASSPHRASE, base_fee=100)
    answers(service, FUND, builder.append_operation(PAY_THIEF).set_timeout(60).build().to_xdr())
    assert "not a contract call" in refused(
        lambda: escrows.build_fund(CONTRACT, SINGLE, signer=BUYER)
    )
    builder = TransactionBuilder(Account(BUYER.address, 7), PASSPHRASE, base_fee=100)
    answers(service, FUND, builder.set_timeout(60).build().to_xdr())
    assert "its fee is 0" in refused(lambda: escrows.build_fund(CONTRACT, SINGLE, signer=BUYER))


def test_an_upload_of_code_is_never_signed(service: Script, escrows: TrustlessWorkEscrows) -> None:
    builder = TransactionBuilder(Account(BUYER.address, 7), PASSPHRASE, base_fee=100)
    builder.append_upload_contract_wasm_op(b"\0asm").set_timeout(60)
    answers(service, FUND, builder.build().to_xdr())
    assert "UPLOAD" in refused(lambda: escrows.build_fund(CONTRACT, SINGLE, signer=BUYER))


@pytest.mark.parametrize("text", ["AAAA", "not base64", "<html>"])
def test_what_is_no_transaction_is_never_signed(
    service: Script, escrows: TrustlessWorkEscrows, text: str
) -> None:
    answers(service, FUND, text)
    refused(lambda: escrows.build_fund(CONTRACT, SINGLE, signer=BUYER))


def test_one_that_somebody_signed_already_is_never_signed(
    service: Script, escrows: TrustlessWorkEscrows
) -> None:
    envelope = transactions.decode(Unsigned(fund_call()).to_xdr(), passphrase=PASSPHRASE)
    envelope.sign(THIEF.seed)
    answers(service, FUND, envelope.to_xdr())
    assert "signed it already" in refused(
        lambda: escrows.build_fund(CONTRACT, SINGLE, signer=BUYER)
    )

"""The escrow adapter against answers that the sandbox never gives."""

from collections.abc import Iterator

import pytest

from offerhub.ports.chain import SignedTransaction
from offerhub.ports.errors import OutcomeUnknown, ProviderFailure, Rejected, Unavailable
from offerhub.providers.trustlesswork.adapter import TrustlessWorkEscrows
from offerhub.providers.trustlesswork.client import connect
from tests.providers.network_world import CountingLimiter
from tests.providers.scripted_server import Script, scripted
from tests.providers.trustlesswork.forged import (
    BUYER,
    CONTRACT,
    ISSUER,
    OTHER_CONTRACT,
    PASSPHRASE,
    PLATFORM,
    SELLER,
    SINGLE,
    Unsigned,
    fund_call,
)
from tests.providers.trustlesswork.test_mapping import SINGLE_ITEM

SEND = "POST /helper/send-transaction"
FUND = "POST /escrow/single-release/fund-escrow"
BY_ID = "GET /helper/get-escrow-by-contract-ids"
BY_SIGNER = "GET /helper/get-escrows-by-signer"
BALANCE = "GET /helper/get-multiple-escrow-balance"
ITEM = {**SINGLE_ITEM, "amount": 120}
SIGNED = SignedTransaction(
    hash="ab" * 32,
    xdr=Unsigned(fund_call()).to_xdr(),
    source=BUYER.address,
    sequence=8,
    max_time_s=9,
)


@pytest.fixture
def service() -> Iterator[Script]:
    with scripted() as script:
        yield script


@pytest.fixture
def escrows(service: Script) -> TrustlessWorkEscrows:
    return TrustlessWorkEscrows(
        connect(service.url, api_key="key"),
        passphrase=PASSPHRASE,
        usdc_issuer=ISSUER,
        limiter=CountingLimiter(),
    )


@pytest.mark.parametrize(
    ("status", "body", "failure", "code"),
    [
        (200, {"status": "FAILED", "message": "Error(Contract, #10)"}, Rejected, "BalanceError"),
        (200, {"status": "FAILED", "message": "something"}, Rejected, "200"),
        (400, {"statusCode": 400, "message": ["tx_bad_seq"]}, Rejected, "tx_bad_seq"),
        (400, {"statusCode": 400, "message": "no"}, Rejected, "400"),
        (401, {"statusCode": 401, "message": "Unauthorized"}, Rejected, "unauthorized"),
        (
            500,
            {"status": "FAILED", "message": "txInsufficientFee"},
            Rejected,
            "tx_insufficient_fee",
        ),
        (500, {"status": "FAILED", "message": "reading 'resultMetaXdr'"}, OutcomeUnknown, "500"),
        (400, {"message": "it may not be complete yet"}, OutcomeUnknown, "400"),
        (200, {"status": "FAILED", "message": "Request timed out"}, OutcomeUnknown, "200"),
        (500, {"error": "Internal"}, OutcomeUnknown, "500"),
        (500, {"status": "FAILED", "message": "unexpected"}, OutcomeUnknown, "500"),
        (500, "<html>", OutcomeUnknown, "500"),
        (400, "<html>", OutcomeUnknown, "400"),
        (200, {"ok": True}, OutcomeUnknown, "200"),
        (200, [], OutcomeUnknown, "200"),
        (200, "<html>", OutcomeUnknown, None),
        (504, "<html>", OutcomeUnknown, None),
    ],
)
def test_each_answer_to_a_sending_has_one_meaning(
    service: Script,
    escrows: TrustlessWorkEscrows,
    status: int,
    body: object,
    failure: type[ProviderFailure],
    code: str | None,
) -> None:
    service.on(SEND, (status, body))
    with pytest.raises(failure) as raised:
        escrows.send(SIGNED)
    assert type(raised.value) is failure
    assert raised.value.code == code


@pytest.mark.parametrize(
    ("status", "body", "failure"),
    [
        (200, {"status": "FAILED", "message": "no"}, Rejected),
        (400, {"message": "no"}, Rejected),
        (500, {"error": "Error(Contract, #2)"}, Rejected),
        (500, {"error": "boom"}, Unavailable),
        (400, "<html>", Unavailable),
        (200, {"status": "SUCCESS"}, Unavailable),
        (200, {"status": "SUCCESS", "unsignedTransaction": 7}, Unavailable),
        (200, {"unsignedTransaction": "AAAA"}, Unavailable),
        (200, "<html>", Unavailable),
        (502, "<html>", Unavailable),
    ],
)
def test_a_builder_either_refuses_or_may_be_asked_again(
    service: Script,
    escrows: TrustlessWorkEscrows,
    status: int,
    body: object,
    failure: type[ProviderFailure],
) -> None:
    service.on(FUND, (status, body))
    with pytest.raises(failure) as raised:
        escrows.build_fund(CONTRACT, SINGLE, signer=BUYER)
    assert type(raised.value) is failure


def test_a_success_without_a_contract_id_or_with_a_bad_one_names_none(
    service: Script, escrows: TrustlessWorkEscrows
) -> None:
    success = {"status": "SUCCESS", "message": "sent"}
    service.on(
        SEND,
        (200, success),
        (201, {**success, "contractId": "C123"}),
        (201, {**success, "contractId": CONTRACT}),
    )
    assert escrows.send(SIGNED).contract_id is None
    assert escrows.send(SIGNED).contract_id is None
    assert escrows.send(SIGNED).contract_id == CONTRACT


def test_the_balance_comes_from_the_older_address_where_the_newer_is_missing(
    service: Script, escrows: TrustlessWorkEscrows
) -> None:
    service.on(BY_ID, (200, [ITEM]))
    service.on(BALANCE, (404, {"statusCode": 404, "message": "Cannot GET"}))
    service.on(
        "GET /escrow/single-release/get-multiple-escrow-balance",
        (200, [{"address": CONTRACT, "balance": 120.5}]),
    )
    facts = escrows.read(CONTRACT, multi_release=False)
    assert facts is not None
    assert facts.balance_stroops == 120_5000000
    assert service.seen[0][2] == {"contractIds[]": [CONTRACT], "validateOnChain": ["true"]}


def test_an_answer_about_another_contract_is_not_taken(
    service: Script, escrows: TrustlessWorkEscrows
) -> None:
    service.on(BY_ID, (200, [{**ITEM, "contractId": OTHER_CONTRACT}]))
    assert escrows.read(CONTRACT, multi_release=False) is None


@pytest.mark.parametrize("body", ["<html>", [1], [{"contractId": CONTRACT}], {"ok": True}, 7])
def test_an_escrow_that_cannot_be_read_is_unavailable(
    service: Script, escrows: TrustlessWorkEscrows, body: object
) -> None:
    service.on(BY_ID, (200, body))
    service.on(BALANCE, (200, [{"address": CONTRACT, "balance": 0}]))
    with pytest.raises(Unavailable):
        escrows.read(CONTRACT, multi_release=False)


def test_a_loose_filter_is_compared_again(service: Script, escrows: TrustlessWorkEscrows) -> None:
    loose = {**ITEM, "engagementId": "ord_12", "contractId": OTHER_CONTRACT}
    service.on(BY_SIGNER, (200, [loose, ITEM]), (200, []))
    service.on(BALANCE, (200, [{"address": CONTRACT, "balance": 0}]))
    found = escrows.find_by_order("ord_1", signer=PLATFORM.address)
    assert [one.contract_id for one in found] == [CONTRACT]


def test_a_service_that_repeats_its_pages_is_not_asked_for_ever(
    service: Script, escrows: TrustlessWorkEscrows
) -> None:
    service.on(BY_SIGNER, (200, [ITEM]))
    service.on(BALANCE, (200, [{"address": CONTRACT, "balance": 0}]))
    assert len(escrows.find_by_order("ord_1", signer=SELLER.address)) == 1
    assert service.calls().count(BY_SIGNER) == 3


@pytest.mark.parametrize("first_page", [0, 1])
def test_all_pages_are_read_whether_they_count_from_zero_or_one(
    service: Script, escrows: TrustlessWorkEscrows, first_page: int
) -> None:
    second = {**ITEM, "contractId": OTHER_CONTRACT}
    pages = [(200, [ITEM]), (200, [second]), (200, [])]
    unnumbered = pages[0]
    service.on(BY_SIGNER, unnumbered, *(pages if first_page else pages[1:]))
    service.on(
        BALANCE,
        (200, [{"address": CONTRACT, "balance": 0}, {"address": OTHER_CONTRACT, "balance": 0}]),
    )
    found = escrows.find_by_order("ord_1", signer=PLATFORM.address)
    assert {one.contract_id for one in found} == {CONTRACT, OTHER_CONTRACT}


def test_the_key_and_the_signed_transaction_show_in_no_failure(
    service: Script, escrows: TrustlessWorkEscrows
) -> None:
    service.on(SEND, (500, {"error": "boom"}))
    with pytest.raises(OutcomeUnknown) as raised:
        escrows.send(SIGNED)
    assert SIGNED.xdr not in str(raised.value)
    assert BUYER.seed not in repr(BUYER)

"""send-transaction: once per hash, honest about refusals, and its scripted lies."""

from __future__ import annotations

import pytest
from stellar_sdk import TransactionBuilder, scval

from offerhub.sandbox.chain.invocation import Call, add_call
from offerhub.sandbox.trustless_work.contracts import FACTORIES
from tests.sandbox.chain_world import UNIT, HandClock, builder, make_chain, signed
from tests.sandbox.escrow_desk import make_desk

FUND = "/escrow/single-release/fund-escrow"


@pytest.fixture
def desk():
    return make_desk()


def fund_envelope(desk, amount=120):
    _, built = desk.post(
        FUND, contractId=desk.contract, signer=desk.buyer.public_key, amount=amount
    )
    return desk.sign(built["unsignedTransaction"], desk.buyer)


def test_the_same_envelope_funds_once_and_answers_the_same(desk):
    desk.deploy()
    envelope = fund_envelope(desk)
    answers = [desk.send(envelope) for _ in range(3)]
    assert answers[0][1]["status"] == "SUCCESS"
    assert answers[0] == answers[1] == answers[2]
    assert "transactionHash" not in answers[0][1]
    assert desk.money()["contract"] == 120 * UNIT


def test_a_deploy_answers_with_the_contract_and_the_same_one_again(desk):
    _, built = desk.post("/deployer/single-release", **desk.definition())
    envelope = desk.sign(built["unsignedTransaction"], desk.platform)
    first, second = desk.send(envelope), desk.send(envelope)
    assert first == second
    assert first[1]["escrow"]["engagementId"] == "ord_V1StGXR8_Z5jdHi6B-myT"
    assert len(desk.chain.snapshot()["contracts"]) == 1


def test_two_builds_of_one_deploy_make_two_contracts_when_both_are_sent(desk):
    assert desk.deploy() != desk.deploy()


def test_a_stale_sequence_is_rejected_with_its_code_and_costs_nothing(desk):
    desk.deploy()
    first, second = fund_envelope(desk), fund_envelope(desk, amount=119)
    desk.send(first)
    status, answer = desk.send(second)
    assert status == 400
    assert "txBAD_SEQ" in answer["message"]
    assert desk.money()["contract"] == 120 * UNIT


def test_an_unsigned_or_foreign_signature_is_rejected(desk):
    desk.deploy()
    _, built = desk.post(FUND, contractId=desk.contract, signer=desk.buyer.public_key, amount=1)
    stranger = desk.sign(built["unsignedTransaction"], desk.stranger)
    status, answer = desk.send(stranger)
    assert (status, "txBAD_AUTH" in answer["message"]) == (400, True)
    assert desk.post("/helper/send-transaction", signedXdr="AAAA")[0] == 400


def test_an_expired_envelope_is_too_late():
    clock = HandClock()
    desk = make_desk(make_chain(clock=clock))
    desk.deploy()
    envelope = fund_envelope(desk)
    clock.advance(301)
    status, answer = desk.send(envelope)
    assert (status, "txTOO_LATE" in answer["message"]) == (400, True)


def test_a_state_that_changed_since_the_build_fails_on_chain_and_stays_failed(desk):
    desk.deploy()
    desk.fund(120)
    desk.approve()
    body = {"contractId": desk.contract, "releaseSigner": desk.release.public_key}
    _, built = desk.post("/escrow/single-release/release-funds", **body)
    envelope = desk.sign(built["unsignedTransaction"], desk.release)
    desk.dispute()
    answers = [desk.send(envelope) for _ in range(2)]
    failed = {
        "status": "FAILED",
        "message": "Error(Contract, #16): EscrowOpenedForDisputeResolution",
    }
    assert answers == [(200, failed), (200, failed)]
    record = desk.chain.history.transaction(envelope.hash_hex())
    assert record["successful"] is False
    assert int(record["fee_charged"]) > 100
    assert desk.money()["contract"] == 120 * UNIT


def test_a_success_without_effect_moves_nothing_and_looks_real(desk):
    desk.chain.faults.set("success_without_effect", 2)
    _, built = desk.post("/deployer/single-release", **desk.definition())
    deploy = desk.sign(built["unsignedTransaction"], desk.platform)
    status, answer = desk.send(deploy)
    assert (status, answer["status"]) == (200, "SUCCESS")
    assert desk.chain.snapshot()["contracts"] == []
    assert desk.chain.history.transaction(deploy.hash_hex()) is None
    desk.send(deploy)
    # The lie is over: the same envelope now deploys the contract that was announced.
    _, real = desk.send(deploy)
    assert real["contractId"] == answer["contractId"]
    desk.contract = real["contractId"]
    assert desk.money()["contract"] == 0


def test_a_result_that_is_read_too_early_has_applied_all_the_same(desk):
    desk.deploy()
    desk.chain.faults.set("read_too_early", 1)
    envelope = fund_envelope(desk)
    status, answer = desk.send(envelope)
    assert (status, "resultMetaXdr" in answer["message"]) == (500, True)
    assert desk.money()["contract"] == 120 * UNIT
    assert desk.send(envelope)[1]["status"] == "SUCCESS"
    assert desk.money()["contract"] == 120 * UNIT


def test_a_forgotten_submission_may_not_be_complete_yet_and_can_be_sent_again(desk):
    desk.deploy()
    desk.chain.faults.set("never_include", 1)
    envelope = fund_envelope(desk)
    status, answer = desk.send(envelope)
    assert (status, "not be complete yet" in answer["message"]) == (500, True)
    assert desk.money()["contract"] == 0
    assert desk.send(envelope)[1]["status"] == "SUCCESS"


def test_a_busy_network_is_a_server_error(desk):
    desk.deploy()
    desk.chain.faults.set("try_again_later", 1)
    envelope = fund_envelope(desk)
    assert desk.send(envelope)[0] == 500
    assert desk.send(envelope)[1]["status"] == "SUCCESS"


def test_an_envelope_sent_past_the_api_reaches_the_index_by_its_hash(desk):
    desk.deploy()
    envelope = fund_envelope(desk)
    answer = desk.app.test_client().post("/horizon/transactions", data={"tx": envelope.to_xdr()})
    assert answer.json["successful"] is True
    path = f"/helper/get-escrow-by-contract-ids?contractIds[]={desk.contract}"
    assert desk.call("GET", path)[1][0]["balance"] == 0
    status, answer = desk.post("/indexer/update-from-txHash", txHash=envelope.hash_hex())
    assert (status, answer["status"]) == (201, "SUCCESS")
    assert desk.call("GET", path)[1][0]["balance"] == 120
    assert desk.post("/indexer/update-from-txHash", txHash="0" * 64)[0] == 404


def test_a_fee_bump_carries_an_escrow_call_too(desk):
    desk.deploy()
    envelope = fund_envelope(desk)
    bump = TransactionBuilder.build_fee_bump_transaction(
        desk.platform, 300, envelope, desk.chain.passphrase
    )
    bump.sign(desk.platform)
    assert desk.send(bump)[1]["status"] == "SUCCESS"
    assert desk.money()["contract"] == 120 * UNIT


@pytest.mark.parametrize(
    ("function", "args"),
    [
        ("deploy", [scval.to_uint32(1)] * 6),
        ("deploy", []),
        ("release_funds", [scval.to_string("not an address")]),
        ("fund_escrow", [scval.to_void()] * 3),
        ("resolve_dispute", [scval.to_void(), scval.to_map({})]),
        ("no_such_function", []),
    ],
)
def test_arguments_of_a_wrong_kind_trap_and_do_not_stop_the_network(desk, function, args):
    desk.deploy()
    contract = FACTORIES["single-release"] if function == "deploy" else desk.contract
    built = builder(desk.chain, desk.buyer.public_key)
    add_call(built, Call(contract, function, args), resource_fee_stroops=1_000)
    status, answer = desk.send(signed(built, desk.buyer))
    assert (status, answer["status"]) == (200, "FAILED")
    assert answer["message"].startswith("HostError")
    desk.fund(120)
    assert desk.money()["contract"] == 120 * UNIT

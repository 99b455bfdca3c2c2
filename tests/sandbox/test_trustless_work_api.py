"""The API's surface: key, throttle, validation, reads, and what its transactions look like."""

from __future__ import annotations

from decimal import Decimal

import pytest
from stellar_sdk import Address, StrKey, TransactionEnvelope, scval, xdr

from offerhub.sandbox.chain.contract_calls import ContractFailure
from offerhub.sandbox.trustless_work.contracts import FACTORIES, WASM_HASHES
from offerhub.sandbox.trustless_work.fees import payout_of_distributions, payout_of_release
from offerhub.sandbox.trustless_work.wire import dump
from tests.sandbox.chain_world import START_S, UNIT, HandClock, make_chain
from tests.sandbox.escrow_desk import make_desk


@pytest.fixture
def desk():
    return make_desk()


def call_of(desk, unsigned: str) -> tuple[TransactionEnvelope, str, str, list[xdr.SCVal]]:
    envelope = TransactionEnvelope.from_xdr(unsigned, desk.chain.passphrase)
    (operation,) = envelope.transaction.operations
    call = operation.host_function.invoke_contract
    contract = Address.from_xdr_sc_address(call.contract_address).address
    return envelope, contract, call.function_name.sc_symbol.decode(), list(call.args)


def test_a_missing_or_wrong_key_is_unauthorized(desk):
    for headers in ({}, {"x-api-key": "wrong"}):
        answer = desk.call("GET", "/helper/get-escrows-by-signer?signer=G", headers=headers)
        assert answer == (401, {"statusCode": 401, "message": "Unauthorized"})


def test_the_fifty_first_call_of_a_minute_is_throttled():
    desk = make_desk(rate_limit=50)
    path = "/helper/get-escrows-by-signer?signer=G"
    statuses = [desk.call("GET", path)[0] for _ in range(51)]
    assert statuses == [200] * 50 + [429]
    _, answer = desk.call("GET", path)
    assert answer == {"statusCode": 429, "message": "ThrottlerException: Too Many Requests"}


def test_an_unknown_path_is_not_found_in_the_frameworks_style(desk):
    status, answer = desk.call("GET", "/escrow/C123")
    assert status == 404
    assert answer["error"] == "Not Found"
    assert desk.call("PUT", "/indexer/update-from-txhash", {"txHash": "x"})[0] == 404


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("signer", "GWRONG", "signer must be a valid Stellar address"),
        ("engagementId", "", "engagementId should not be empty"),
        ("title", "x" * 101, "title must be shorter than or equal to 100 characters"),
        ("description", "x" * 501, "description must be shorter than or equal to 500 characters"),
        ("amount", "120", "amount must be a number"),
        ("amount", 0, "amount must be a positive number"),
        ("amount", Decimal("0.00000001"), "amount must have at most 7 decimals"),
        ("platformFee", 100, "platformFee must be between 0 and 99"),
        ("platformFee", Decimal("1.001"), "platformFee must have at most 2 decimals"),
        ("milestones", [], "milestones should not be empty"),
        ("trustline", {"address": "C", "symbol": "USDC"}, "trustline.address must be a valid"),
        ("roles", None, "roles must be an object"),
    ],
)
def test_a_wrong_field_is_named(desk, field, value, complaint):
    status, answer = desk.post("/deployer/single-release", **desk.definition(**{field: value}))
    assert (status, answer["statusCode"], answer["error"]) == (400, 400, "Bad Request")
    assert any(one.startswith(complaint) for one in answer["message"]), answer["message"]


def test_all_complaints_about_a_body_come_together(desk):
    _, answer = desk.post("/escrow/single-release/approve-milestone", milestoneIndex=0)
    assert answer["message"] == [
        "contractId must be a valid contract id",
        "milestoneIndex must be a numeric string",
        "approver must be a valid Stellar address",
    ]


def test_more_than_ten_milestones_are_refused_by_the_contract(desk):
    eleven = [{"description": str(i)} for i in range(11)]
    status, answer = desk.post("/deployer/single-release", **desk.definition(milestones=eleven))
    assert (status, answer["message"]) == (400, "Error(Contract, #27): TooManyMilestones")


def test_a_deploy_is_a_real_transaction_for_the_signers_next_sequence(desk):
    signer = desk.platform.public_key
    _, built = desk.post("/deployer/single-release", **desk.definition(fee=1.5))
    envelope, contract, function, args = call_of(desk, built["unsignedTransaction"])
    transaction = envelope.transaction
    assert envelope.signatures == []
    assert transaction.source.account_id == signer
    account = desk.chain.ledgers.state().account(signer)
    assert transaction.sequence == account.sequence + 1
    bounds = transaction.preconditions.time_bounds
    assert (bounds.min_time, bounds.max_time) == (0, int(START_S) + 300)
    assert transaction.fee == 100 + transaction.soroban_data.resource_fee.int64
    assert (contract, function) == (FACTORIES["single-release"], "deploy")
    assert StrKey.is_valid_contract(contract)
    assert scval.from_address(args[0]).address == signer
    assert scval.from_bytes(args[1]) == WASM_HASHES["single-release"]
    assert len(scval.from_bytes(args[2])) == 32
    assert scval.from_symbol(args[3]) == "initialize_escrow"
    assert scval.from_vec(args[5]) == []
    (definition,) = scval.from_vec(args[4])
    keys = [scval.from_symbol(entry.key) for entry in definition.map.sc_map]
    assert keys == sorted(keys)
    native = scval.to_native(definition)
    assert native["amount"] == 120 * UNIT
    assert native["platform_fee"] == 150
    assert native["trustline"]["address"].address == desk.chain.usdc_contract
    assert native["roles"]["release_signer"].address == desk.release.public_key
    assert native["flags"] == {"disputed": False, "released": False, "resolved": False}
    (milestone,) = native["milestones"]
    assert (milestone["approved"], milestone["status"]) == (False, "pending")
    assert milestone["description"] == "Delivery"


def test_a_resolution_carries_a_map_and_the_fund_call_its_inner_transfer(desk):
    desk.deploy()
    _, built = desk.post(
        "/escrow/single-release/fund-escrow",
        contractId=desk.contract,
        signer=desk.buyer.public_key,
        amount=120,
    )
    envelope, contract, function, args = call_of(desk, built["unsignedTransaction"])
    assert (contract, function) == (desk.contract, "fund_escrow")
    assert scval.from_int128(args[2]) == 120 * UNIT
    (entry,) = envelope.transaction.operations[0].auth
    (inner,) = entry.root_invocation.sub_invocations
    assert inner.function.contract_fn.function_name.sc_symbol == b"transfer"
    desk.fund(120)
    desk.dispute()
    _, built = desk.post(
        "/escrow/single-release/resolve-dispute",
        contractId=desk.contract,
        disputeResolver=desk.resolver.public_key,
        distributions=desk.shares(70, 50),
    )
    _, _, function, args = call_of(desk, built["unsignedTransaction"])
    assert function == "resolve_dispute"
    shares = {
        scval.from_address(k).address: scval.from_int128(v)
        for k, v in scval.from_map(args[1]).items()
    }
    assert shares == {desk.seller.public_key: 70 * UNIT, desk.buyer.public_key: 50 * UNIT}


def test_escrows_are_found_by_signer_role_and_engagement(desk):
    first = desk.deploy()
    second = desk.deploy(engagementId="ord_two", amount=7)
    signer = desk.platform.public_key

    def found(path: str) -> list[str]:
        return [item["contractId"] for item in desk.call("GET", f"/helper/{path}")[1]]

    by_signer = f"get-escrows-by-signer?signer={signer}"
    assert found(by_signer + "&orderBy=amount&orderDirection=asc") == [second, first]
    assert found(by_signer + "&orderBy=amount") == [first, second]
    assert found(f"{by_signer}&engagementId=ord_two") == [second]
    assert found(f"{by_signer}&minAmount=100") == [first]
    assert found(f"{by_signer}&page=2") == []
    assert found(f"{by_signer}&status=released") == []
    by_role = f"get-escrows-by-role?role=approver&roleAddress={desk.buyer.public_key}"
    assert sorted(found(by_role)) == sorted([first, second])
    assert found(f"get-escrows-by-role?role=receiver&roleAddress={desk.buyer.public_key}") == []
    assert desk.call("GET", "/helper/get-escrows-by-role?role=boss&roleAddress=G")[0] == 400


def test_balances_are_live_exact_and_at_most_twenty(desk):
    desk.deploy()
    desk.fund(120)
    desk.chain.donate_dust(desk.contract, 1)
    status, answer = desk.call(
        "GET", f"/helper/get-multiple-escrow-balance?addresses[]={desk.contract}"
    )
    assert (status, answer) == (
        200,
        [{"address": desk.contract, "balance": Decimal("120.0000001")}],
    )
    path = f"/escrow/single-release/get-multiple-escrow-balance?addresses[]={desk.contract}"
    assert desk.call("GET", path) == (200, answer)
    many = "&".join(f"addresses[]={StrKey.encode_contract(bytes([i]) * 32)}" for i in range(21))
    assert desk.call("GET", f"/helper/get-multiple-escrow-balance?{many}")[0] == 400


def test_the_index_lags_but_the_chain_does_not():
    clock = HandClock()
    desk = make_desk(make_chain(clock=clock))
    desk.deploy()
    clock.advance(10)
    desk.chain.faults.set("index_lag_s", 5)
    desk.fund(120)
    path = f"/helper/get-escrow-by-contract-ids?contractIds[]={desk.contract}"
    assert desk.call("GET", path)[1][0]["balance"] == 0
    assert desk.call("GET", path + "&validateOnChain=true")[1][0]["balance"] == 120
    late = desk.deploy()
    path = f"/helper/get-escrow-by-contract-ids?contractIds[]={late}"
    assert desk.call("GET", path + "&validateOnChain=true") == (200, [])
    clock.advance(5)
    assert desk.call("GET", path)[1][0]["contractId"] == late


def test_one_escrow_may_come_as_an_object(desk):
    desk.deploy()
    desk.chain.faults.set("single_escrow_as_object", 1)
    path = f"/helper/get-escrow-by-contract-ids?contractIds[]={desk.contract}"
    assert desk.call("GET", path)[1]["contractId"] == desk.contract


def test_an_archived_contract_cannot_be_called_until_it_is_restored(desk):
    desk.deploy()
    desk.engine.archive(desk.contract)
    body = {
        "contractId": desk.contract,
        "signer": desk.buyer.public_key,
        "amount": 1,
    }
    status, answer = desk.post("/escrow/single-release/fund-escrow", **body)
    assert (status, "archived" in answer["message"]) == (400, True)
    desk.engine.archive(desk.contract, archived=False)
    assert desk.post("/escrow/single-release/fund-escrow", **body)[0] == 201


def test_numbers_are_written_digit_for_digit():
    value = {"a": [Decimal("120.10"), Decimal("922337203685.4775807"), Decimal("1E+2"), 1, None]}
    assert dump(value) == '{"a":[120.1,922337203685.4775807,100,1,null]}'


def test_fees_are_floored_to_the_stroop():
    payout = payout_of_release(1, receiver="G", platform_bps=500, protocol_bps=30)
    assert (payout.protocol_fee, payout.platform_fee, payout.recipients) == (0, 0, {"G": 1})
    shares = {"A": 600_000_000, "B": 400_000_001}
    payout = payout_of_distributions(shares, platform_bps=500, protocol_bps=30)
    paid = payout.protocol_fee + payout.platform_fee + sum(payout.recipients.values())
    assert paid == sum(shares.values()) + 1


def test_a_contract_failure_names_its_number():
    assert str(ContractFailure("BalanceError", number=10)) == "Error(Contract, #10): BalanceError"

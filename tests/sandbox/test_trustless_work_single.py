"""The life of a single-release escrow, driven by signing what the builders return."""

from __future__ import annotations

from decimal import Decimal

import pytest

from offerhub.sandbox.chain.amounts import to_stroops
from tests.sandbox.chain_world import UNIT, total_usdc, wallet
from tests.sandbox.escrow_desk import make_desk


@pytest.fixture
def desk():
    return make_desk()


def released(desk, **more) -> None:
    desk.do(
        "/escrow/single-release/release-funds",
        desk.release,
        contractId=desk.contract,
        releaseSigner=desk.release.public_key,
        **more,
    )


def resolve(desk, distributions) -> tuple[int, dict]:
    return desk.post(
        "/escrow/single-release/resolve-dispute",
        contractId=desk.contract,
        disputeResolver=desk.resolver.public_key,
        distributions=distributions,
    )


def test_a_release_pays_what_the_two_fees_leave(desk):
    before = total_usdc(desk.chain)
    desk.deploy()
    desk.fund(120)
    assert desk.money()["contract"] == 120 * UNIT
    desk.do(
        "/escrow/single-release/change-milestone-status",
        desk.seller,
        contractId=desk.contract,
        milestoneIndex="0",
        newStatus="completed",
        newEvidence="https://shop.example/e/1042",
        serviceProvider=desk.seller.public_key,
    )
    desk.approve()
    released(desk)
    assert desk.money() == {
        "buyer": 880 * UNIT,
        "seller": to_stroops("113.64"),
        "platform": 6 * UNIT,
        "protocol": to_stroops("0.36"),
        "contract": 0,
    }
    assert total_usdc(desk.chain) == before
    _, items = desk.call("GET", f"/helper/get-escrow-by-contract-ids?contractIds[]={desk.contract}")
    assert items[0]["flags"] == {"disputed": False, "released": True, "resolved": False}
    assert items[0]["milestones"][0] == {
        "description": "Delivery",
        "status": "completed",
        "evidence": "https://shop.example/e/1042",
        "approved": True,
    }


@pytest.mark.parametrize(
    ("shares", "protocol", "platform", "seller", "buyer"),
    [
        ((0, 100), "0.3", "5", "0", "94.7"),
        ((60, 40), "0.3", "5", "56.82", "37.88"),
        ((11.11, 22.22), "0.09999", "1.6665", "10.52117", "21.04234"),
    ],
)
def test_a_resolution_pays_the_fees_of_the_published_table(
    desk, shares, protocol, platform, seller, buyer
):
    amount = float(Decimal(str(shares[0])) + Decimal(str(shares[1])))
    desk.deploy(amount=amount)
    desk.fund(amount)
    start = desk.money()
    desk.dispute()
    status, built = resolve(desk, desk.shares(*shares))
    assert status == 201, built
    _, sent = desk.send(desk.sign(built["unsignedTransaction"], desk.resolver))
    assert sent["status"] == "SUCCESS"
    moved = {name: value - start[name] for name, value in desk.money().items()}
    assert moved == {
        "protocol": to_stroops(protocol),
        "platform": to_stroops(platform),
        "seller": to_stroops(seller),
        "buyer": to_stroops(buyer),
        "contract": -to_stroops(str(amount)),
    }


def test_dust_makes_a_split_ask_for_one_stroop_too_much_and_revert(desk):
    desk.deploy(amount=100)
    desk.fund(100)
    desk.chain.donate_dust(desk.contract, 1)
    desk.dispute()
    start = desk.money()
    status, answer = resolve(desk, desk.shares(60, Decimal("40.0000001")))
    assert status == 400
    assert answer["message"] == "Error(Contract, #10): BalanceError"
    assert desk.money() == start
    lone_status, _ = resolve(desk, desk.shares(0, Decimal("100.0000001")))
    assert lone_status == 201


def test_the_fee_of_the_protocol_can_be_switched_off(desk):
    desk.engine.set_fee_bps(0)
    desk.deploy()
    desk.fund(120)
    desk.approve()
    released(desk)
    assert desk.money()["protocol"] == 0
    assert desk.money()["seller"] == 114 * UNIT


def test_horizon_lists_a_release_for_every_account_it_pays(desk):
    desk.deploy()
    desk.fund(120)
    desk.approve()
    released(desk)
    client = desk.app.test_client()
    expected = [
        (desk.chain.fee_account_address, "0.3600000"),
        (desk.platform.public_key, "6.0000000"),
        (desk.seller.public_key, "113.6400000"),
    ]
    for address, _ in [*expected, (desk.contract, "")]:
        path = f"/horizon/accounts/{address}/payments?order=desc&limit=1"
        record = client.get(path).json["_embedded"]["records"][0]
        assert record["type"] == "invoke_host_function"
        assert record["function"] == "HostFunctionTypeHostFunctionTypeInvokeContract"
        assert record["transaction_hash"] == desk.hashes[-1]
        changes = record["asset_balance_changes"]
        assert [(c["to"], c["amount"]) for c in changes] == expected
        assert {c["from"] for c in changes} == {desk.contract}


def test_a_dispute_freezes_the_release_and_not_the_resolver_may_raise_it(desk):
    desk.deploy()
    desk.fund(120)
    desk.approve()
    status, answer = desk.post(
        "/escrow/single-release/dispute-escrow",
        contractId=desk.contract,
        signer=desk.resolver.public_key,
    )
    assert (status, answer["message"]) == (
        400,
        "Error(Contract, #40): DisputeResolverCannotDispute",
    )
    desk.dispute()
    status, answer = desk.post(
        "/escrow/single-release/release-funds",
        contractId=desk.contract,
        releaseSigner=desk.release.public_key,
    )
    assert answer["message"] == "Error(Contract, #16): EscrowOpenedForDisputeResolution"


def test_refusals_come_in_the_order_of_the_contract(desk):
    desk.deploy()
    release = {"contractId": desk.contract, "releaseSigner": desk.stranger.public_key}
    path = "/escrow/single-release/release-funds"
    assert "#4)" in desk.post(path, **release)[1]["message"]
    release["releaseSigner"] = desk.release.public_key
    assert "#5)" in desk.post(path, **release)[1]["message"]
    desk.approve()
    assert "#6)" in desk.post(path, **release)[1]["message"]
    desk.fund(120)
    released(desk)
    assert "#35)" in desk.post(path, **release)[1]["message"]
    # A dispute and its resolution are possible even now; a release then stays the first word.
    desk.dispute()
    assert "#35)" in desk.post(path, **release)[1]["message"]


def test_funding_twice_is_accepted_and_the_surplus_stays_after_a_release(desk):
    desk.deploy()
    desk.fund(120)
    desk.fund(0.0000001)
    desk.approve()
    released(desk)
    assert desk.money()["contract"] == 1


def test_a_receiver_without_a_trustline_blocks_the_deployment(desk):
    definition = desk.definition()
    poor = wallet(desk.chain, trust=False)
    definition["roles"]["receiver"] = poor.public_key
    status, answer = desk.post("/deployer/single-release", **definition)
    assert status == 400
    assert answer["message"] == [f"receiver {poor.public_key} has no USDC trustline"]


def test_an_update_is_possible_until_there_is_money(desk):
    desk.deploy()
    escrow = desk.definition(amount=99)
    del escrow["signer"]
    body = {"signer": desk.platform.public_key, "contractId": desk.contract, "escrow": escrow}
    path = "/escrow/single-release/update-escrow"
    sent = desk.do(path, desk.platform, method="PUT", **body)
    assert sent["escrow"]["amount"] == 99
    desk.fund(99)
    status, answer = desk.call("PUT", path, body)
    assert (status, answer["message"]) == (400, "Error(Contract, #23): EscrowHasFunds")

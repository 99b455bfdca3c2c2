"""A multi-release escrow: milestones are paid, disputed and resolved one by one."""

from __future__ import annotations

import pytest

from offerhub.sandbox.chain.amounts import to_stroops
from tests.sandbox.chain_world import UNIT, total_usdc
from tests.sandbox.escrow_desk import make_desk

BASE = "/escrow/multi-release"


@pytest.fixture
def desk():
    """A funded escrow of three milestones, 10 + 20 + 30."""
    desk = make_desk()
    sent = desk.do("/deployer/multi-release", desk.platform, **desk.multi_definition([10, 20, 30]))
    desk.contract = sent["contractId"]
    desk.fund(60, kind="multi-release")
    return desk


def release(desk, index: str) -> tuple[int, dict]:
    return desk.post(
        f"{BASE}/release-milestone-funds",
        contractId=desk.contract,
        releaseSigner=desk.release.public_key,
        milestoneIndex=index,
    )


def run(desk, built: tuple[int, dict], key) -> None:
    status, answer = built
    assert status == 201, answer
    _, sent = desk.send(desk.sign(answer["unsignedTransaction"], key))
    assert sent["status"] == "SUCCESS"


def dispute(desk, index: str) -> tuple[int, dict]:
    return desk.post(
        f"{BASE}/dispute-milestone",
        contractId=desk.contract,
        signer=desk.buyer.public_key,
        milestoneIndex=index,
    )


def resolve(desk, index: str, to_seller, to_buyer) -> tuple[int, dict]:
    return desk.post(
        f"{BASE}/resolve-milestone-dispute",
        contractId=desk.contract,
        disputeResolver=desk.resolver.public_key,
        milestoneIndex=index,
        distributions=desk.shares(to_seller, to_buyer),
    )


def withdraw(desk, to_seller, to_buyer) -> tuple[int, dict]:
    return desk.post(
        f"{BASE}/withdraw-remaining-funds",
        contractId=desk.contract,
        disputeResolver=desk.resolver.public_key,
        distributions=desk.shares(to_seller, to_buyer),
    )


def test_milestones_are_released_resolved_and_the_rest_withdrawn(desk):
    before = total_usdc(desk.chain)
    assert "#6)" in release(desk, "0")[1]["message"]
    desk.approve("0", kind="multi-release")
    run(desk, release(desk, "0"), desk.release)
    assert desk.money()["seller"] == to_stroops("9.47")
    assert "#30)" in release(desk, "0")[1]["message"]

    run(desk, dispute(desk, "1"), desk.buyer)
    assert "#39)" in resolve(desk, "1", 20, 1)[1]["message"]
    run(desk, resolve(desk, "1", 5, 10), desk.resolver)
    assert desk.money()["contract"] == 35 * UNIT
    assert "#41)" in withdraw(desk, 0, 5)[1]["message"]

    run(desk, dispute(desk, "2"), desk.buyer)
    run(desk, resolve(desk, "2", 0, 30), desk.resolver)
    assert "#43)" in withdraw(desk, 0, 6)[1]["message"]
    run(desk, withdraw(desk, 0, 5), desk.resolver)
    assert desk.money()["contract"] == 0
    assert desk.money()["protocol"] == 60 * UNIT * 30 // 10_000
    assert total_usdc(desk.chain) == before

    path = f"/helper/get-escrow-by-contract-ids?contractIds[]={desk.contract}"
    (item,) = desk.call("GET", path)[1]
    flags = [m["flags"] for m in item["milestones"]]
    assert [f["released"] for f in flags] == [True, False, False]
    assert [f["resolved"] for f in flags] == [False, True, True]
    assert [m["status"] for m in item["milestones"]] == ["pending", "resolved", "resolved"]
    assert "amount" not in item
    assert "flags" not in item


def test_a_disputed_milestone_does_not_hold_the_others(desk):
    run(desk, dispute(desk, "0"), desk.buyer)
    assert "#14)" in dispute(desk, "0")[1]["message"]
    for index in ("0", "1"):
        desk.approve(index, kind="multi-release")
    assert "#17)" in release(desk, "0")[1]["message"]
    run(desk, release(desk, "1"), desk.release)
    assert desk.money()["contract"] == 40 * UNIT


def test_an_index_beyond_the_milestones_is_refused(desk):
    for built in (release(desk, "3"), dispute(desk, "3"), resolve(desk, "3", 1, 0)):
        assert built[0] == 400
        assert "#11): InvalidMileStoneIndex" in built[1]["message"]


def test_the_single_release_endpoints_do_not_exist_for_it(desk):
    status, _ = desk.post(f"{BASE}/release-funds", contractId=desk.contract)
    assert status == 404
    status, answer = desk.post(
        "/escrow/single-release/release-funds",
        contractId=desk.contract,
        releaseSigner=desk.release.public_key,
    )
    assert (status, "no function release_funds" in answer["message"]) == (400, True)


def test_a_receiver_finds_its_milestones_by_role(desk):
    address = desk.seller.public_key
    path = f"/helper/get-escrows-by-role?role=receiver&roleAddress={address}"
    assert [i["contractId"] for i in desk.call("GET", path)[1]] == [desk.contract]

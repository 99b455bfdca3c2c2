"""Withdrawals of the enterprise's money: USDC really arrives on the sandbox chain."""

from decimal import Decimal

import pytest
from stellar_sdk import Keypair

from tests.sandbox.airtm_world import until


@pytest.fixture
def wallet(control):
    """An account on the sandbox chain that can hold USDC."""
    return control.post("/stellar/outside-account").json()["address"]


@pytest.fixture
def account_id(airtm, wallet):
    return _register(airtm, wallet).json()["id"]


def test_a_withdrawal_moves_usdc_on_the_chain(airtm, control, wallet, account_id):
    created = airtm.post("/withdrawals", json={"amount": 250.5, "externalAccountId": account_id})
    body = created.json()
    assert created.status_code == 200
    assert (body["status"], body["paymentRail"]) == ("CREATED", "stellar")
    assert body["accountDetail"]["address"] == wallet
    assert airtm.get("/me/balance").json() == {"available": 749.5, "pending": 0}
    until(lambda: _status(airtm, body["id"]) == "COMPLETED")
    assert _usdc(control, wallet) == Decimal("250.5")
    world = control.get("/world").json()
    tx_hash = world["airtm"]["withdrawals"][0]["stellar_tx_hash"]
    arrived = [item for item in world["stellar"]["transfers"] if item["to"] == wallet]
    assert [item["hash"] for item in arrived] == [tx_hash]


def test_two_equal_requests_are_two_withdrawals(airtm, control, wallet, account_id):
    for _ in range(2):
        airtm.post("/withdrawals", json={"amount": 10, "externalAccountId": account_id})
    until(lambda: _usdc(control, wallet) == 20)
    assert len(airtm.get("/withdrawals").json()["items"]) == 2


def test_a_transfer_that_the_chain_refuses_fails_and_gives_the_money_back(airtm, control):
    nobody = Keypair.random().public_key
    account_id = _register(airtm, nobody).json()["id"]
    created = airtm.post("/withdrawals", json={"amount": 10, "externalAccountId": account_id})
    until(lambda: _status(airtm, created.json()["id"]) == "FAILED")
    failed = airtm.get(f"/withdrawals/{created.json()['id']}").json()
    assert "op_no_destination" in failed["failureReason"]
    assert airtm.get("/me/balance").json() == {"available": 1000, "pending": 0}


def test_a_withdrawal_waits_for_control_when_automatic_ones_are_off(
    airtm, control, wallet, account_id
):
    control.patch("/airtm/knobs", json={"withdrawal_auto": False})
    created = airtm.post("/withdrawals", json={"amount": 10, "externalAccountId": account_id})
    withdrawal_id = created.json()["id"]
    done = control.post(f"/airtm/withdrawals/{withdrawal_id}/complete")
    assert done.json()["status"] == "COMPLETED"
    assert control.post(f"/airtm/withdrawals/{withdrawal_id}/complete").status_code == 409
    assert control.post(f"/airtm/withdrawals/{withdrawal_id}/fail").status_code == 409
    assert _usdc(control, wallet) == 10


def test_a_memo_of_the_account_goes_with_the_transfer(airtm, control, wallet, sandbox):
    account_id = _register(airtm, wallet, memo="treasury-7").json()["id"]
    airtm.post("/withdrawals", json={"amount": 1, "externalAccountId": account_id})
    until(lambda: _usdc(control, wallet) == 1)
    tx_hash = control.get("/world").json()["airtm"]["withdrawals"][0]["stellar_tx_hash"]
    assert sandbox.chain.history.transaction(tx_hash)["memo"] == "treasury-7"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount": 1000.01}, "415047"),
        ({"amount": 0}, "415906"),
        ({"amount": "1"}, "415906"),
        ({"externalAccountId": "unknown"}, "415902"),
        ({"paymentRail": "wire"}, "415906"),
        ({"code": "mine"}, "415906"),
    ],
)
def test_a_refused_withdrawal_takes_nothing(airtm, account_id, change, code):
    body = {"amount": 10, "externalAccountId": account_id, **change}
    assert airtm.post("/withdrawals", json=body).json()["code"] == code
    assert airtm.get("/me/balance").json() == {"available": 1000, "pending": 0}


@pytest.mark.parametrize(
    "change",
    [
        {"address": "not an address"},
        {"address": "0x" + "a" * 40},
        {"type": "bitcoin"},
        {"currency": "USDT"},
        {"network": "stellar"},
    ],
)
def test_a_bad_crypto_account_is_refused(airtm, wallet, change):
    assert _register(airtm, **{"address": wallet, **change}).json()["code"] == "415906"


def test_crypto_accounts_can_be_listed_by_type(airtm, wallet, account_id):
    _register(airtm, "0x" + "a" * 40, type="ethereum usdc")
    items = airtm.get("/crypto-accounts", params={"type": "stellar usdc"}).json()["items"]
    assert [item["id"] for item in items] == [account_id]
    assert len(airtm.get("/crypto-accounts").json()["items"]) == 2


def _register(airtm, address, **changes):
    body = {"type": "stellar usdc", "currency": "USDC", "alias": "Treasury", "address": address}
    return airtm.post("/crypto-accounts", json={**body, **changes})


def _status(airtm, withdrawal_id) -> str:
    return airtm.get(f"/withdrawals/{withdrawal_id}").json()["status"]


def _usdc(control, address) -> Decimal:
    accounts = control.get("/world").json()["stellar"]["accounts"]
    return Decimal(next(one["usdc"] for one in accounts if one["address"] == address))

"""Control routes: people, balances, the chain, time, the dump; and who may use them."""

import pytest
from stellar_sdk import Keypair
from werkzeug.test import Client

from tests.sandbox.airtm_world import payin_body, payout_body, until


def test_control_is_closed_to_everything_but_the_loopback(sandbox):
    client = Client(sandbox.app)
    outside = client.get("/_control/world", environ_base={"REMOTE_ADDR": "192.0.2.7"})
    assert outside.status_code == 403
    for address in ("127.0.0.1", "127.8.8.8", "::1"):
        inside = client.get("/_control/health", environ_base={"REMOTE_ADDR": address})
        assert inside.status_code == 200


def test_users_can_be_created_changed_and_listed(airtm, control):
    body = {
        "email": "ana@example.com",
        "aliases": ["ana.work@example.com"],
        "first_name": "Ana",
        "last_name": "Example",
        "country": "PER",
        "is_verified": False,
        "wallet": "12.50",
    }
    created = control.post("/airtm/users", json=body)
    assert created.status_code == 201
    listed = {user["email"]: user for user in control.get("/airtm/users").json()["users"]}
    assert listed["ana@example.com"]["wallet"] == "12.50"
    assert listed["ana@example.com"]["id"] == created.json()["id"]
    control.patch("/airtm/users/ana.work@example.com", json={"status": "inactive"})
    assert airtm.get("/users/ana@example.com").json()["status"] == "inactive"
    control.post("/airtm/users/ana@example.com/wallet", json={"amount": "0.50"})
    listed = {user["email"]: user for user in control.get("/airtm/users").json()["users"]}
    assert listed["ana@example.com"]["wallet"] == "13.00"


def test_an_address_belongs_to_one_user(control):
    taken = control.post("/airtm/users", json={"email": "Buyer@example.com"})
    assert taken.status_code == 409
    alias = {"email": "new@example.com", "aliases": ["buyer.second@example.com"]}
    assert control.post("/airtm/users", json=alias).status_code == 409
    assert control.post("/airtm/users", json={"email": "new@example.com"}).status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "x"},
        {"email": "a@example.com", "status": "banned"},
        {"email": "a@example.com", "country": "US"},
        {"email": "a@example.com", "wallet": 5},
        {"email": "a@example.com", "wallet": "-5.00"},
        {"email": "a@example.com", "is_verified": "yes"},
        {"email": "a@example.com", "rich": True},
    ],
)
def test_a_user_that_makes_no_sense_is_refused(control, body):
    before = control.get("/airtm/users").json()
    assert control.post("/airtm/users", json=body).status_code == 400
    assert control.get("/airtm/users").json() == before


def test_a_payin_is_reached_by_id_or_code(airtm, control):
    payin = airtm.post("/payins", json=payin_body()).json()
    assert control.get(f"/payins/{payin['id']}").json() == control.get("/payins/topup_1").json()
    assert control.post("/payins/unknown/pay", json={}).status_code == 404


def test_expire_works_before_the_payment_only(airtm, control):
    airtm.post("/payins", json=payin_body())
    assert control.post("/payins/topup_1/expire").json()["status"] == "CANCELED"
    refused = control.post("/payins/topup_1/expire")
    assert (refused.status_code, refused.json()["airtm_code"]) == (409, "415030")


def test_an_unknown_member_of_a_control_body_is_refused(airtm, control):
    airtm.post("/payins", json=payin_body())
    refused = control.post("/payins/topup_1/pay", json={"user": "buyer@example.com"})
    assert refused.status_code == 400
    assert "email" in refused.json()["error"]
    assert airtm.get("/payins/by-code/topup_1").json()["status"] == "CREATED"


@pytest.mark.parametrize("knobs", [{"payin_fee_bps": 10_000}, {"payout_auto": 1}, {"nothing": 1}])
def test_an_airtm_knob_that_makes_no_sense_is_refused(control, knobs):
    before = control.get("/airtm/knobs").json()
    assert control.patch("/airtm/knobs", json=knobs).status_code == 400
    assert control.get("/airtm/knobs").json() == before


def test_a_deposit_from_outside_arrives_on_the_chain(control):
    wallet = control.post("/stellar/outside-account").json()["address"]
    sent = control.post("/stellar/deposit", json={"to": wallet, "amount": "12.0000001"})
    assert sent.status_code == 201
    (transfer,) = control.get("/world").json()["stellar"]["transfers"]
    assert transfer["to"] == wallet
    assert transfer["amount"] == "12.0000001"
    assert (transfer["hash"], transfer["op_id"]) == (
        sent.json()["hash"],
        sent.json()["operation_ids"][0],
    )


def test_what_the_issuer_takes_back_is_gone_and_seen_to_have_left(control):
    wallet = control.post("/stellar/outside-account").json()["address"]
    control.post("/stellar/deposit", json={"to": wallet, "amount": "5"})
    taken = control.post("/stellar/clawback", json={"holder": wallet, "amount": "2.0000001"})
    assert taken.status_code == 201
    stellar = control.get("/world").json()["stellar"]
    held = {account["address"]: account["usdc"] for account in stellar["accounts"]}
    assert held[wallet] == "2.9999999"
    last = stellar["transfers"][-1]
    assert (last["hash"], last["from"], last["to"], last["amount"]) == (
        taken.json()["hash"], wallet, stellar["usdc_issuer"], "2.0000001",
    )  # fmt: skip
    more = control.post("/stellar/clawback", json={"holder": wallet, "amount": "3"})
    assert more.status_code == 409
    assert control.post("/stellar/clawback", json={"holder": "x", "amount": "1"}).status_code == 400


def test_worthless_usdc_of_another_issuer_is_no_usdc(control):
    wallet = control.post("/stellar/outside-account").json()["address"]
    body = {"to": wallet, "amount": "5", "asset_issuer": Keypair.random().public_key}
    assert control.post("/stellar/deposit", json=body).status_code == 201
    assert control.get("/world").json()["stellar"]["transfers"] == []


def test_a_deposit_that_the_chain_refuses_is_a_conflict(control):
    body = {"to": Keypair.random().public_key, "amount": "5"}
    refused = control.post("/stellar/deposit", json=body)
    assert refused.status_code == 409
    assert "op_no_destination" in refused.json()["error"]


@pytest.mark.parametrize("amount", ["0", "-1", "1e3", "0.00000001", 5, "", ".", "9" * 30])
def test_an_amount_that_is_no_amount_is_refused(control, amount):
    wallet = control.post("/stellar/outside-account").json()["address"]
    response = control.post("/stellar/deposit", json={"to": wallet, "amount": amount})
    assert response.status_code == 400


def test_friendbot_creates_an_account_once(control, sandbox):
    address = Keypair.random().public_key
    assert control.post("/stellar/friendbot", json={"address": address}).status_code == 201
    assert sandbox.chain.history.account(address) is not None
    assert control.post("/stellar/friendbot", json={"address": address}).status_code == 409
    assert control.post("/stellar/friendbot", json={"address": "x"}).status_code == 400


def test_a_frozen_trustline_and_a_required_memo_show_at_the_account(control, sandbox):
    wallet = control.post("/stellar/outside-account").json()["address"]
    control.post("/stellar/freeze", json={"address": wallet})
    control.post("/stellar/memo-required", json={"address": wallet})
    account = sandbox.chain.history.account(wallet)
    assert account["balances"][0]["is_authorized"] is False
    assert account["data"] == {"config.memo_required": "MQ=="}
    control.post("/stellar/freeze", json={"address": wallet, "frozen": False})
    control.post("/stellar/memo-required", json={"address": wallet, "required": False})
    account = sandbox.chain.history.account(wallet)
    assert account["balances"][0]["is_authorized"] is True
    assert account["data"] == {}


def test_chain_knobs_are_changed_together_or_not_at_all(control):
    assert control.patch("/stellar/faults", json={"try_again_later": 2}).status_code == 200
    bad = {"never_include": 1, "ingest_lag_ledgers": -1}
    assert control.patch("/stellar/faults", json=bad).status_code == 400
    assert control.patch("/stellar/faults", json={"unknown": 1}).status_code == 400
    faults = control.get("/stellar/faults").json()["faults"]
    assert (faults["try_again_later"], faults["never_include"]) == (2, 0)
    assert control.delete("/stellar/faults").status_code == 204
    assert set(control.get("/stellar/faults").json()["faults"].values()) == {0}


def test_a_ledger_can_be_closed_and_history_forgotten(control, sandbox):
    ledger = control.post("/stellar/close-ledger").json()["ledger"]
    assert control.post("/stellar/close-ledger").json()["ledger"] == ledger + 1
    control.post("/stellar/prune-history", json={"up_to_ledger": ledger})
    assert sandbox.chain.ledgers.elder() == ledger + 1


def test_after_a_network_reset_treasury_withdrawals_work_again(airtm, control):
    assert _withdraw_to_new_account(airtm, control) == "COMPLETED"
    control.post("/stellar/reset")
    assert _withdraw_to_new_account(airtm, control) == "COMPLETED"


def test_the_clock_moves_forward_only(control):
    before = control.get("/clock").json()["now"]
    after = control.post("/clock/advance", json={"seconds": 3600}).json()["now"]
    assert after > before
    assert control.post("/clock/advance", json={"seconds": -1}).status_code == 400


def test_the_world_shows_airtm_in_exact_text(airtm, control):
    airtm.post("/payins", json=payin_body())
    control.post("/payins/topup_1/pay", json={})
    airtm.post("/payouts", json=payout_body(commit=True))
    until(lambda: airtm.get("/payouts/by-code/wd_1").json()["status"] == "COMPLETED")
    control.post("/airtm/balance/credit", json={"amount": "0.01"})
    world = control.get("/world").json()
    assert set(world) == {"airtm", "stellar"}
    airtm_side = world["airtm"]
    assert (airtm_side["available"], airtm_side["pending"]) == ("1028.76", "0.00")
    assert airtm_side["sum_of_all_balances"] == "0.00"
    (payin,), (payout,) = airtm_side["payins"], airtm_side["payouts"]
    assert (payin["code"], payin["status"], payin["net_amount"]) == (
        "topup_1",
        "CONFIRMED",
        "48.75",
    )
    assert (payout["code"], payout["status"], payout["amount"]) == ("wd_1", "COMPLETED", "20.00")
    assert [deposit["amount"] for deposit in airtm_side["deposits"]] == ["1000.00", "0.01"]


def _withdraw_to_new_account(airtm, control) -> str:
    wallet = control.post("/stellar/outside-account").json()["address"]
    body = {"type": "stellar usdc", "currency": "USDC", "alias": "T", "address": wallet}
    account_id = airtm.post("/crypto-accounts", json=body).json()["id"]
    request = {"amount": 5, "externalAccountId": account_id}
    withdrawal_id = airtm.post("/withdrawals", json=request).json()["id"]

    def status() -> str:
        return airtm.get(f"/withdrawals/{withdrawal_id}").json()["status"]

    until(lambda: status() != "CREATED")
    return status()

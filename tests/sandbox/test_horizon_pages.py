"""Horizon's conventions on the wire: pages, problems, asynchronous submission."""

from __future__ import annotations

import pytest
from flask import Flask
from stellar_sdk import Keypair

from offerhub.sandbox.horizon import horizon_blueprint
from tests.sandbox.chain_world import UNIT, builder, make_chain, signed, usdc, wallet

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def chain():
    return make_chain()


@pytest.fixture
def client(chain):
    app = Flask("horizon-test")
    app.register_blueprint(horizon_blueprint(chain, submit_timeout_s=0.1))
    return app.test_client()


def get(client, path: str):
    return client.get(f"/horizon{path}")


def post(client, path: str, envelope_xdr: str):
    return client.post(f"/horizon{path}", data={"tx": envelope_xdr}, content_type=FORM)


def payment(chain, sender: Keypair, to: str, amount: str = "1"):
    built = builder(chain, sender.public_key)
    return signed(built.append_payment_op(to, usdc(chain), amount), sender).to_xdr()


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("order=up", "order"),
        ("cursor=abc", "cursor"),
        ("cursor=-1", "cursor"),
        ("cursor=99999999999999999999", "cursor"),
    ],
)
def test_a_wrong_page_parameter_is_named(client, query, field):
    answer = get(client, f"/payments?{query}")
    assert answer.status_code == 400
    assert answer.mimetype == "application/problem+json"
    assert answer.json["extras"]["invalid_field"] == field


@pytest.mark.parametrize(
    "path",
    [
        "/accounts/GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ",
        "/transactions/" + "0" * 64,
        "/transactions/" + "0" * 64 + "/operations",
        "/ledgers/1",
        "/operations/1",
    ],
)
def test_what_is_not_there_is_a_problem_document(client, path):
    answer = get(client, path)
    assert answer.status_code == 404
    assert answer.json["type"] == "https://stellar.org/horizon-errors/not_found"


def test_an_address_that_is_none_is_a_bad_request(client):
    assert get(client, "/accounts/GNONSENSE/payments").status_code == 400
    assert get(client, "/accounts/SNONSENSE").status_code == 400


def test_a_descending_page_before_history_is_gone_and_an_ascending_one_is_moved(chain, client):
    key = wallet(chain, usdc_stroops=1)
    chain.prune_history(chain.ledgers.latest()[0])
    chain.mint_usdc(to=key.public_key, amount_stroops=2)
    gone = get(client, "/payments?order=desc&cursor=5")
    assert (gone.status_code, gone.json["type"].rsplit("/", 1)[1]) == (410, "before_history")
    moved = get(client, "/payments?cursor=5").json["_embedded"]["records"]
    assert [r["amount"] for r in moved] == ["0.0000002"]


def test_only_state_answers_carry_the_latest_ledger(chain, client):
    key = wallet(chain)
    state = get(client, f"/accounts/{key.public_key}")
    assert int(state.headers["Latest-Ledger"]) == chain.ledgers.visible()
    assert "Latest-Ledger" not in get(client, f"/accounts/{key.public_key}/payments").headers


def test_failed_payments_are_hidden_unless_asked_for(chain, client):
    sender, other = wallet(chain, usdc_stroops=UNIT), wallet(chain, trust=False)
    post(client, "/transactions", payment(chain, sender, other.public_key))
    path = f"/accounts/{sender.public_key}/payments?order=desc&limit=1"
    assert get(client, path).json["_embedded"]["records"][0]["to"] == sender.public_key
    shown = get(client, path + "&include_failed=true").json["_embedded"]["records"][0]
    assert (shown["transaction_successful"], shown["to"]) == (False, other.public_key)


def test_the_asynchronous_answers_are_201_409_400_and_503(chain, client):
    sender, other = wallet(chain, usdc_stroops=2 * UNIT), wallet(chain)
    envelope_xdr = payment(chain, sender, other.public_key)
    first = post(client, "/transactions_async", envelope_xdr)
    assert (first.status_code, first.json["tx_status"]) == (201, "PENDING")
    again = post(client, "/transactions_async", envelope_xdr)
    assert (again.status_code, again.json["tx_status"]) == (409, "DUPLICATE")
    built = builder(chain, sender.public_key, ahead=7)
    gap = signed(built.append_payment_op(other.public_key, usdc(chain), "1"), sender)
    refused = post(client, "/transactions_async", gap.to_xdr())
    assert (refused.status_code, refused.json["tx_status"]) == (400, "ERROR")
    assert refused.json["error_result_xdr"] == "AAAAAAAAAAD////7AAAAAA=="
    chain.faults.set("try_again_later", 1)
    later = post(client, "/transactions_async", payment(chain, sender, other.public_key))
    assert (later.status_code, later.json["tx_status"]) == (503, "TRY_AGAIN_LATER")


def test_a_submission_that_is_not_included_in_time_is_a_timeout_with_its_hash(chain, client):
    sender, other = wallet(chain, usdc_stroops=UNIT), wallet(chain)
    chain.faults.set("never_include", 1)
    envelope_xdr = payment(chain, sender, other.public_key)
    lost = post(client, "/transactions", envelope_xdr)
    assert lost.status_code == 504
    assert get(client, f"/transactions/{lost.json['extras']['hash']}").status_code == 404
    assert post(client, "/transactions", envelope_xdr).json["successful"] is True


def test_garbage_is_malformed_and_another_media_type_unsupported(client):
    garbage = post(client, "/transactions", "AAAA")
    assert garbage.status_code == 400
    assert garbage.json["type"].endswith("transaction_malformed")
    assert client.post("/horizon/transactions", json={"tx": "AAAA"}).status_code == 415


def test_a_transaction_lists_its_operations_and_its_accounts_list_it(chain, client):
    sender, other = wallet(chain, usdc_stroops=UNIT), wallet(chain)
    sent = post(client, "/transactions", payment(chain, sender, other.public_key)).json
    operations = get(client, f"/transactions/{sent['hash']}/operations").json
    assert [o["to"] for o in operations["_embedded"]["records"]] == [other.public_key]
    path = f"/accounts/{sender.public_key}/transactions?order=desc&limit=1"
    assert get(client, path).json["_embedded"]["records"][0]["hash"] == sent["hash"]


def test_the_newest_ledger_tells_the_close_time_and_the_fees_tell_the_surge(chain, client):
    newest = get(client, "/ledgers?order=desc&limit=1").json["_embedded"]["records"][0]
    assert newest["sequence"] == chain.ledgers.latest()[0]
    assert newest["closed_at"] == get(client, "/").json["history_latest_ledger_closed_at"]
    assert newest["base_reserve_in_stroops"] == 5_000_000
    assert get(client, f"/ledgers/{newest['sequence']}").json["hash"] == newest["hash"]
    chain.faults.set("surge_base_fee_stroops", 700)
    assert get(client, "/fee_stats").json["fee_charged"]["p90"] == "700"


def test_a_reset_network_is_visible_in_the_root(chain, client):
    before = get(client, "/").json["history_latest_ledger"]
    chain.reset()
    assert get(client, "/").json["history_latest_ledger"] < before

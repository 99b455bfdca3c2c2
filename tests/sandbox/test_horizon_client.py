"""The official SDK's Horizon client against the sandbox, over real HTTP."""

from __future__ import annotations

import threading
import time

import httpx
import pytest
from stellar_sdk import Keypair, Server
from stellar_sdk.exceptions import BadRequestError, NotFoundError

from offerhub.sandbox.horizon import horizon_blueprint
from tests.sandbox.chain_world import UNIT, builder, make_chain, served, signed, usdc, wallet


@pytest.fixture
def chain():
    return make_chain(clock=time.time)


@pytest.fixture
def url(chain):
    with served(horizon_blueprint(chain, stream_limit_s=2, submit_timeout_s=0.3)) as base:
        yield base + "/horizon"


@pytest.fixture
def server(url):
    return Server(url)


def test_the_root_names_the_network_and_how_far_it_got(chain, server):
    root = server.root().call()
    assert root["network_passphrase"] == chain.passphrase
    assert root["history_latest_ledger"] == root["core_latest_ledger"] >= 1000
    assert root["history_elder_ledger"] == 1000


def test_an_account_shows_its_trustline_before_its_xlm(chain, server):
    key = wallet(chain, usdc_stroops=125 * UNIT)
    record = server.accounts().account_id(key.public_key).call()
    usdc_line, native = record["balances"]
    assert usdc_line["balance"] == "125.0000000"
    assert usdc_line["asset_issuer"] == chain.issuer_address
    assert usdc_line["limit"] == "922337203685.4775807"
    assert native == {
        "balance": "9999.9999900",
        "buying_liabilities": "0.0000000",
        "selling_liabilities": "0.0000000",
        "asset_type": "native",
    }
    assert record["subentry_count"] == 1


def test_an_unknown_account_is_not_found(server):
    with pytest.raises(NotFoundError):
        server.accounts().account_id(Keypair.random().public_key).call()


def test_a_payment_is_submitted_and_listed_for_both_sides_with_its_memo(chain, server):
    sender, recipient = wallet(chain, usdc_stroops=20 * UNIT), wallet(chain)
    built = builder(chain, sender.public_key).add_text_memo("wd_demo1")
    built.append_payment_op(recipient.public_key, usdc(chain), "12.34")
    answer = server.submit_transaction(signed(built, sender))
    assert answer["successful"] is True
    for address in (sender.public_key, recipient.public_key):
        page = server.payments().for_account(address).order(desc=True).limit(1)
        record = page.join("transactions").call()["_embedded"]["records"][0]
        assert record["type"] == "payment"
        assert (record["from"], record["to"]) == (sender.public_key, recipient.public_key)
        assert record["amount"] == "12.3400000"
        assert record["transaction"]["memo"] == "wd_demo1"
        assert int(record["id"]) == answer["ledger"] << 32 | 1 << 12 | 1


def test_paging_ascends_without_gaps_and_an_empty_page_keeps_its_place(chain, server):
    key = wallet(chain)
    for amount in (1, 2, 3):
        chain.mint_usdc(to=key.public_key, amount_stroops=amount)
    call = server.payments().for_account(key.public_key).cursor("0").order(desc=False).limit(3)
    first = call.call()
    second = call.next()
    third = call.next()
    assert [r["type"] for r in first["_embedded"]["records"]] == [
        "create_account",
        "payment",
        "payment",
    ]
    assert [r["amount"] for r in second["_embedded"]["records"]] == ["0.0000003"]
    assert third["_embedded"]["records"] == []
    chain.mint_usdc(to=key.public_key, amount_stroops=4)
    fourth = call.next()
    assert [r["amount"] for r in fourth["_embedded"]["records"]] == ["0.0000004"]


def test_a_failed_payment_answers_with_the_codes_and_stays_on_record(chain, server):
    sender, recipient = wallet(chain, usdc_stroops=UNIT), wallet(chain, trust=False)
    built = builder(chain, sender.public_key)
    envelope = signed(built.append_payment_op(recipient.public_key, usdc(chain), "1"), sender)
    for _ in range(2):
        with pytest.raises(BadRequestError) as caught:
            server.submit_transaction(envelope)
        assert caught.value.extras["result_codes"] == {
            "transaction": "tx_failed",
            "operations": ["op_no_trust"],
        }
    record = server.transactions().transaction(envelope.hash_hex()).call()
    assert record["successful"] is False
    assert record["fee_charged"] == "100"
    operations = server.operations().for_transaction(envelope.hash_hex()).call()
    assert operations["_embedded"]["records"][0]["to"] == recipient.public_key


def test_submitting_twice_pays_once_and_answers_the_same(chain, server):
    sender, recipient = wallet(chain, usdc_stroops=5 * UNIT), wallet(chain)
    built = builder(chain, sender.public_key)
    envelope = signed(built.append_payment_op(recipient.public_key, usdc(chain), "2"), sender)
    first = server.submit_transaction(envelope)
    second = server.submit_transaction(envelope)
    assert first == second
    with pytest.raises(BadRequestError) as caught:
        server.submit_transaction_async(envelope)
    assert caught.value.status == 409
    balances = server.accounts().account_id(recipient.public_key).call()["balances"]
    assert balances[0]["balance"] == "2.0000000"


def test_the_stream_sends_what_was_there_and_wakes_up_for_what_comes(chain, server):
    key = wallet(chain)
    payer = threading.Timer(
        0.3, chain.mint_usdc, kwargs={"to": key.public_key, "amount_stroops": 7}
    )
    payer.start()
    seen = []
    for event in server.payments().for_account(key.public_key).cursor("0").stream():
        seen.append(event)
        if len(seen) == 2:
            break
    payer.join()
    assert [e["type"] for e in seen] == ["create_account", "payment"]
    assert seen[1]["amount"] == "0.0000007"


def test_a_stream_greets_closes_and_lets_the_last_event_id_beat_the_cursor(chain, url):
    key = wallet(chain)
    sent = chain.mint_usdc(to=key.public_key, amount_stroops=7)
    created = httpx.get(f"{url}/accounts/{key.public_key}/payments").json()
    first_id = created["_embedded"]["records"][0]["id"]
    text = httpx.get(
        f"{url}/accounts/{key.public_key}/payments?cursor=now&limit=1",
        headers={"Accept": "text/event-stream", "Last-Event-ID": first_id},
    ).text
    hello, record, byebye = text.strip().split("\n\n")
    assert hello.splitlines() == ["retry: 1000", "event: open", 'data: "hello"']
    assert record.splitlines()[0] == f"id: {sent.operation_ids[0]}"
    assert byebye.splitlines() == ["retry: 10", "event: close", 'data: "byebye"']


def test_friendbot_refuses_an_account_that_exists(chain, url):
    address = Keypair.random().public_key
    assert httpx.get(f"{url}/friendbot", params={"addr": address}).status_code == 200
    again = httpx.get(f"{url}/friendbot", params={"addr": address})
    assert again.status_code == 400
    assert again.json()["extras"]["result_codes"]["operations"] == ["op_already_exists"]

"""What the network takes, what it refuses, and what each of them costs."""

from __future__ import annotations

import pytest
from stellar_sdk import Account, Asset, Keypair, MuxedAccount, TransactionBuilder, xdr
from stellar_sdk.sep.toid import TOID

from offerhub.sandbox.chain.envelope import MalformedEnvelope
from offerhub.sandbox.chain.results import result_codes
from tests.sandbox.chain_world import (
    UNIT,
    HandClock,
    builder,
    holdings,
    make_chain,
    sequence,
    signed,
    usdc,
    wallet,
)

TESTNET = "Test SDF Network ; September 2015"
TESTNET_ISSUER = "GBBD47IF6LWK7P7MDEVSCWR7DPUWV3NY3DTQEVFL4NAT4AQH3ZLLFLA5"
PUBLISHED_HASH = "dc2ee00e4ac72b72c13ab03264ef315ad79eaf6b5b4392e85015c89a096f81a4"
PUBLISHED_BUMP_HASH = "b8ad7d7334cb73c2344836e9c8de9d76fc7157efe6fa21f5c7de2f761c718d5b"


@pytest.fixture
def chain():
    return make_chain()


def codes(receipt) -> dict:
    assert receipt.status == "ERROR"
    return result_codes(receipt.result_xdr)


def payment(chain, sender: Keypair, to: str, amount: str = "1", **more):
    built = builder(chain, sender.public_key, **more)
    return signed(built.append_payment_op(to, usdc(chain), amount), sender)


def published_pair():
    """The published example: two raw seeds, sequence 42, 12.34 USDC with a memo."""
    chain = make_chain(passphrase=TESTNET, usdc_issuer=TESTNET_ISSUER)
    first = Keypair.from_raw_ed25519_seed(bytes(range(32)))
    second = Keypair.from_raw_ed25519_seed(bytes(range(32, 64)))
    for key in (first, second):
        chain.seed_account(key.public_key, xlm_stroops=100 * UNIT, sequence=40)
        built = builder(chain, key.public_key).append_change_trust_op(usdc(chain))
        assert chain.submissions.submit(signed(built, key).to_xdr()).status == "PENDING"
    chain.mint_usdc(to=first.public_key, amount_stroops=20 * UNIT)
    built = TransactionBuilder(Account(first.public_key, 41), TESTNET, base_fee=200)
    built.add_time_bounds(0, 1768046640).add_text_memo("wd_demo1")
    built.append_payment_op(second.public_key, Asset("USDC", TESTNET_ISSUER), "12.34")
    return chain, signed(built, first), second


def test_the_published_payment_has_its_published_hash_and_applies():
    chain, envelope, second = published_pair()
    receipt = chain.submissions.submit(envelope.to_xdr())
    assert (receipt.status, receipt.hash) == ("PENDING", PUBLISHED_HASH)
    record = chain.history.transaction(PUBLISHED_HASH)
    assert record["memo"] == "wd_demo1"
    assert record["preconditions"] == {"timebounds": {"min_time": "0", "max_time": "1768046640"}}
    assert holdings(chain, second.public_key) == 12 * UNIT + 3_400_000


def test_the_published_fee_bump_is_found_by_both_hashes_and_charges_the_payer():
    chain, envelope, second = published_pair()
    bump = TransactionBuilder.build_fee_bump_transaction(second, 400, envelope, TESTNET)
    bump.sign(second)
    before = chain.ledgers.state().account(second.public_key).balance
    receipt = chain.submissions.submit(bump.to_xdr())
    assert (receipt.status, receipt.hash) == ("PENDING", PUBLISHED_BUMP_HASH)
    record = chain.history.transaction(PUBLISHED_HASH)
    assert record == chain.history.transaction(PUBLISHED_BUMP_HASH)
    assert record["inner_transaction"]["hash"] == PUBLISHED_HASH
    assert (record["max_fee"], record["fee_charged"]) == ("800", "200")
    assert chain.ledgers.state().account(second.public_key).balance == before - 200
    result = xdr.TransactionResult.from_xdr(record["result_xdr"]).result
    assert result.code == xdr.TransactionResultCode.txFEE_BUMP_INNER_SUCCESS


def test_operation_ids_are_the_published_kind():
    assert TOID(52_000_000, 3, 1).to_int64() == 52_000_000 << 32 | 3 << 12 | 1 == 223338299392012289


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"ahead": 1}, "tx_bad_seq"),
        ({"ahead": -1}, "tx_bad_seq"),
        ({"base_fee": 99}, "tx_insufficient_fee"),
    ],
)
def test_a_refused_transaction_costs_nothing(chain, change, code):
    key, other = wallet(chain, usdc_stroops=UNIT), wallet(chain)
    before = chain.ledgers.state().account(key.public_key)
    envelope = payment(chain, key, other.public_key, **change)
    assert codes(chain.submissions.submit(envelope.to_xdr()))["transaction"] == code
    chain.close_ledger()
    assert chain.ledgers.state().account(key.public_key) == before
    assert chain.history.transaction(envelope.hash_hex()) is None


def test_a_failed_transaction_costs_its_fee_and_uses_its_sequence(chain):
    key, other = wallet(chain), wallet(chain)
    before = chain.ledgers.state().account(key.public_key)
    envelope = payment(chain, key, other.public_key, "5")
    assert chain.submissions.submit(envelope.to_xdr()).status == "PENDING"
    record = chain.history.transaction(envelope.hash_hex())
    assert record["successful"] is False
    assert result_codes(record["result_xdr"])["operations"] == ["op_underfunded"]
    after = chain.ledgers.state().account(key.public_key)
    assert (after.sequence, after.balance) == (before.sequence + 1, before.balance - 100)


def test_one_failing_operation_undoes_the_others(chain):
    key, other = wallet(chain, usdc_stroops=5 * UNIT), wallet(chain)
    built = builder(chain, key.public_key)
    built.append_payment_op(other.public_key, usdc(chain), "4")
    built.append_payment_op(other.public_key, usdc(chain), "4")
    envelope = signed(built, key)
    chain.submissions.submit(envelope.to_xdr())
    record = chain.history.transaction(envelope.hash_hex())
    assert result_codes(record["result_xdr"]) == {
        "transaction": "tx_failed",
        "operations": ["op_success", "op_underfunded"],
    }
    assert holdings(chain, key.public_key) == 5 * UNIT


def test_signatures_must_be_the_right_ones_and_no_more(chain):
    key, other = wallet(chain, usdc_stroops=UNIT), wallet(chain)
    built = builder(chain, key.public_key).append_payment_op(other.public_key, usdc(chain), "1")
    envelope = built.build()
    assert codes(chain.submissions.submit(envelope.to_xdr()))["transaction"] == "tx_bad_auth"
    envelope.sign(other)
    assert codes(chain.submissions.submit(envelope.to_xdr()))["transaction"] == "tx_bad_auth"
    envelope.sign(key)
    assert codes(chain.submissions.submit(envelope.to_xdr()))["transaction"] == "tx_bad_auth_extra"


def test_a_signature_for_another_network_is_no_signature(chain):
    key = wallet(chain)
    foreign = TransactionBuilder(Account(key.public_key, sequence(chain, key.public_key)), TESTNET)
    foreign.add_time_bounds(0, 0).append_manage_data_op("a", "b")
    receipt = chain.submissions.submit(signed(foreign, key).to_xdr())
    assert codes(receipt)["transaction"] == "tx_bad_auth"


def test_the_source_of_an_operation_has_to_sign_too(chain):
    channel, treasury = wallet(chain, trust=False), wallet(chain, usdc_stroops=9 * UNIT)
    other = wallet(chain)

    def with_channel():
        built = builder(chain, channel.public_key)
        return built.append_payment_op(
            other.public_key, usdc(chain), "9", source=treasury.public_key
        )

    lonely = chain.submissions.submit(signed(with_channel(), channel).to_xdr())
    assert codes(lonely) == {"transaction": "tx_failed", "operations": ["op_bad_auth"]}
    before = sequence(chain, treasury.public_key)
    both = chain.submissions.submit(signed(with_channel(), channel, treasury).to_xdr())
    assert both.status == "PENDING"
    assert holdings(chain, other.public_key) == 9 * UNIT
    assert sequence(chain, treasury.public_key) == before


def test_time_bounds_are_held_against_the_ledger_clock():
    clock = HandClock()
    chain = make_chain(clock=clock)
    key, other = wallet(chain, usdc_stroops=UNIT), wallet(chain)
    late = payment(chain, key, other.public_key)
    early = builder(chain, key.public_key)
    early.time_bounds = None
    early.add_time_bounds(int(clock.now_s) + 10, 0)
    early.append_payment_op(other.public_key, usdc(chain), "1")
    receipt = chain.submissions.submit(signed(early, key).to_xdr())
    assert codes(receipt)["transaction"] == "tx_too_early"
    clock.advance(181)
    assert codes(chain.submissions.submit(late.to_xdr()))["transaction"] == "tx_too_late"


def test_an_account_below_its_reserve_cannot_pay_a_fee(chain):
    key = Keypair.random()
    chain.seed_account(key.public_key, xlm_stroops=UNIT + 99)
    built = builder(chain, key.public_key).append_manage_data_op("a", "b")
    receipt = chain.submissions.submit(signed(built, key).to_xdr())
    assert codes(receipt)["transaction"] == "tx_insufficient_balance"


def test_a_payment_of_nothing_is_refused_before_a_ledger(chain):
    key, other = wallet(chain, usdc_stroops=UNIT), wallet(chain)
    envelope = payment(chain, key, other.public_key, "0")
    assert codes(chain.submissions.submit(envelope.to_xdr()))["operations"] == ["op_malformed"]
    assert chain.history.transaction(envelope.hash_hex()) is None


def test_unsupported_operations_fail_instead_of_pretending(chain):
    key = wallet(chain)
    envelope = signed(builder(chain, key.public_key).append_bump_sequence_op(5), key)
    chain.submissions.submit(envelope.to_xdr())
    record = chain.history.transaction(envelope.hash_hex())
    assert result_codes(record["result_xdr"])["operations"] == ["op_not_supported"]


def test_garbage_is_malformed(chain):
    for text in ("", "AAAA", "not base64!", "AAAAAgAAAAA="):
        with pytest.raises(MalformedEnvelope):
            chain.submissions.submit(text)


def test_an_account_has_one_transaction_in_the_queue_and_a_ledger_has_them_all():
    chain = make_chain(interval_ms=None)
    key, other = (Keypair.random() for _ in range(2))
    for one in (key, other):
        chain.seed_account(one.public_key, xlm_stroops=100 * UNIT)
    first = signed(builder(chain, key.public_key).append_manage_data_op("a", "1"), key)
    second = signed(builder(chain, key.public_key, ahead=1).append_manage_data_op("a", "2"), key)
    third = signed(builder(chain, other.public_key).append_manage_data_op("a", "3"), other)
    submit = chain.submissions.submit
    assert submit(first.to_xdr()).status == "PENDING"
    assert submit(first.to_xdr()).status == "DUPLICATE"
    assert codes(submit(second.to_xdr()))["transaction"] == "tx_bad_seq"
    assert submit(third.to_xdr()).status == "PENDING"
    assert chain.history.transaction(first.hash_hex()) is None
    ledger = chain.close_ledger()
    assert {chain.history.transaction(e.hash_hex())["ledger"] for e in (first, third)} == {ledger}
    assert submit(second.to_xdr()).status == "PENDING"


def test_a_muxed_destination_is_the_same_account_with_an_id(chain):
    key, other = wallet(chain, usdc_stroops=UNIT), wallet(chain)
    muxed = MuxedAccount(other.public_key, 1001).account_muxed
    envelope = payment(chain, key, muxed)
    chain.submissions.submit(envelope.to_xdr())
    assert holdings(chain, other.public_key) == UNIT
    operation_id = int(chain.history.transaction(envelope.hash_hex())["paging_token"]) | 1
    record = chain.history.operation(operation_id)
    assert (record["to"], record["to_muxed"]) == (other.public_key, muxed)
    assert record["to_muxed_id"] == "1001"

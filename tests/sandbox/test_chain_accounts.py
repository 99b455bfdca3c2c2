"""Reserves, trustlines, sponsorship, merging, and the world's decrees."""

from __future__ import annotations

import pytest
from stellar_sdk import Asset, Keypair

from offerhub.sandbox.chain.actors import ChainRefused
from offerhub.sandbox.chain.history import Page
from offerhub.sandbox.chain.results import result_codes
from tests.sandbox.chain_world import UNIT, builder, holdings, make_chain, signed, usdc, wallet

HALF = UNIT // 2


@pytest.fixture
def chain():
    return make_chain()


def applied(chain, built, *keys: Keypair) -> list[str]:
    """Submit and return the words for its operations."""
    envelope = signed(built, *keys)
    assert chain.submissions.submit(envelope.to_xdr()).status == "PENDING"
    record = chain.history.transaction(envelope.hash_hex())
    return result_codes(record["result_xdr"]).get("operations", [])


def sponsored_wallet(chain, treasury: Keypair, start: str = "0") -> Keypair:
    key = Keypair.random()
    built = builder(chain, treasury.public_key)
    built.append_begin_sponsoring_future_reserves_op(key.public_key)
    built.append_create_account_op(key.public_key, start)
    built.append_change_trust_op(usdc(chain), source=key.public_key)
    built.append_end_sponsoring_future_reserves_op(source=key.public_key)
    assert applied(chain, built, treasury, key) == ["op_success"] * 4
    return key


def test_a_sponsored_wallet_has_no_xlm_and_its_sponsor_keeps_the_reserve(chain):
    treasury = wallet(chain)
    before = chain.ledgers.state().account(treasury.public_key)
    key = sponsored_wallet(chain, treasury)
    record = chain.history.account(key.public_key)
    assert record["sponsor"] == treasury.public_key
    assert record["balances"][0]["sponsor"] == treasury.public_key
    assert record["num_sponsored"] == 3
    assert chain.ledgers.state().account(key.public_key).minimum_stroops == 0
    after = chain.ledgers.state().account(treasury.public_key)
    assert after.sponsoring == 3
    assert after.minimum_stroops == before.minimum_stroops + 3 * HALF


def test_a_sponsorship_must_be_closed(chain):
    treasury, key = wallet(chain), Keypair.random()
    built = builder(chain, treasury.public_key)
    built.append_begin_sponsoring_future_reserves_op(key.public_key)
    built.append_create_account_op(key.public_key, "0")
    envelope = signed(built, treasury)
    chain.submissions.submit(envelope.to_xdr())
    record = chain.history.transaction(envelope.hash_hex())
    assert result_codes(record["result_xdr"]) == {"transaction": "tx_bad_sponsorship"}
    assert chain.history.account(key.public_key) is None


def test_a_closed_sponsored_wallet_gives_the_reserve_back(chain):
    treasury = wallet(chain)
    key = sponsored_wallet(chain, treasury, start="1")
    built = builder(chain, key.public_key)
    built.append_change_trust_op(usdc(chain), "0").append_account_merge_op(treasury.public_key)
    assert applied(chain, built, key) == ["op_success", "op_success"]
    assert chain.history.account(key.public_key) is None
    assert chain.ledgers.state().account(treasury.public_key).sponsoring == 0


def test_an_account_needs_one_xlm_and_a_trustline_half_of_one(chain):
    funder, key = wallet(chain), Keypair.random()
    short = builder(chain, funder.public_key).append_create_account_op(key.public_key, "0.9999999")
    assert applied(chain, short, funder) == ["op_low_reserve"]
    fine = builder(chain, funder.public_key).append_create_account_op(key.public_key, "1.0001")
    assert applied(chain, fine, funder) == ["op_success"]
    again = builder(chain, funder.public_key).append_create_account_op(key.public_key, "1")
    assert applied(chain, again, funder) == ["op_already_exists"]
    trust = builder(chain, key.public_key).append_change_trust_op(usdc(chain))
    assert applied(chain, trust, key) == ["op_low_reserve"]


def test_a_new_account_starts_at_its_ledger(chain):
    key = Keypair.random()
    record = chain.friendbot(key.public_key)
    account = chain.ledgers.state().account(key.public_key)
    assert account.sequence == record["ledger"] << 32


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        ("missing account", "op_no_destination"),
        ("missing trustline", "op_no_trust"),
        ("frozen recipient", "op_not_authorized"),
        ("full trustline", "op_line_full"),
        ("frozen sender", "op_src_not_authorized"),
        ("sender without trustline", "op_src_no_trust"),
        ("empty sender", "op_underfunded"),
    ],
)
def test_a_payment_that_cannot_arrive_says_why(chain, spoil, word):
    trusting = spoil != "sender without trustline"
    money = 10 * UNIT if trusting and spoil != "empty sender" else 0
    sender = wallet(chain, usdc_stroops=money, trust=trusting)
    recipient = Keypair.random() if spoil == "missing account" else wallet(chain, trust=False)
    if spoil in ("frozen recipient", "frozen sender", "full trustline", "empty sender"):
        limit = "4" if spoil == "full trustline" else None
        trust = builder(chain, recipient.public_key).append_change_trust_op(usdc(chain), limit)
        assert applied(chain, trust, recipient) == ["op_success"]
    if spoil.startswith("frozen"):
        frozen = sender if spoil == "frozen sender" else recipient
        chain.freeze_trustline(frozen.public_key)
    built = builder(chain, sender.public_key)
    built.append_payment_op(recipient.public_key, usdc(chain), "5")
    assert applied(chain, built, sender) == [word]
    assert holdings(chain, sender.public_key) == money


def test_a_trustline_with_money_cannot_go(chain):
    key = wallet(chain, usdc_stroops=1)
    built = builder(chain, key.public_key).append_change_trust_op(usdc(chain), "0")
    assert applied(chain, built, key) == ["op_invalid_limit"]
    merge = builder(chain, key.public_key).append_account_merge_op(chain.issuer_address)
    assert applied(chain, merge, key) == ["op_has_sub_entries"]


def test_a_frozen_trustline_shows_and_can_be_thawed(chain):
    key = wallet(chain)
    chain.freeze_trustline(key.public_key)
    assert chain.history.account(key.public_key)["balances"][0]["is_authorized"] is False
    with pytest.raises(ChainRefused) as caught:
        chain.mint_usdc(to=key.public_key, amount_stroops=1)
    assert caught.value.codes["operations"] == ["op_not_authorized"]
    chain.freeze_trustline(key.public_key, frozen=False)
    chain.mint_usdc(to=key.public_key, amount_stroops=1)
    assert holdings(chain, key.public_key) == 1


def test_a_data_entry_shows_in_base64(chain):
    key = wallet(chain)
    chain.set_data(key.public_key, "config.memo_required", b"1")
    assert chain.history.account(key.public_key)["data"] == {"config.memo_required": "MQ=="}
    chain.set_data(key.public_key, "config.memo_required", None)
    record = chain.history.account(key.public_key)
    assert (record["data"], record["subentry_count"]) == ({}, 1)


def test_money_of_a_false_issuer_is_another_asset(chain):
    key, liar = wallet(chain), Keypair.random().public_key
    sent = chain.mint_usdc(to=key.public_key, amount_stroops=7, asset_issuer=liar)
    record = chain.history.operation(sent.operation_ids[0])
    assert (record["asset_code"], record["asset_issuer"]) == ("USDC", liar)
    assert holdings(chain, key.public_key) == 0
    assert not [t for t in chain.snapshot()["transfers"] if t["to"] == key.public_key]


def test_a_path_payment_shows_what_the_receiver_got(chain):
    shopper, key = chain.outside_account(), wallet(chain)
    sent = chain.actors.pay_by_path(sender=shopper, to=key.public_key, amount_stroops=3 * UNIT)
    record = chain.history.operation(sent.operation_ids[0])
    assert record["type"] == "path_payment_strict_receive"
    assert (record["amount"], record["asset_code"]) == ("3.0000000", "USDC")
    assert (record["source_amount"], record["source_asset_type"]) == ("30.0000000", "native")
    assert holdings(chain, key.public_key) == 3 * UNIT


def test_a_strict_send_path_payment_delivers_at_least_its_minimum(chain):
    key, other = wallet(chain), wallet(chain)
    for minimum, word in (("1.1", "op_under_dest_min"), ("1", "op_success")):
        built = builder(chain, key.public_key)
        built.append_path_payment_strict_send_op(
            other.public_key, Asset.native(), "10", usdc(chain), minimum, []
        )
        assert applied(chain, built, key) == [word]
    assert holdings(chain, other.public_key) == UNIT


def test_two_payments_in_one_transaction_are_two_operations(chain):
    shopper, key = chain.outside_account(), wallet(chain)
    chain.mint_usdc(to=shopper, amount_stroops=10)
    sent = chain.actors.pay(
        sender=shopper, to=key.public_key, amounts_stroops=[3, 3], asset=chain.usdc
    )
    records = chain.history.operations(
        Page(sent.operation_ids[0] - 1, "asc", 10), account=key.public_key, payments_only=True
    )
    assert [int(r["id"]) for r in records] == list(sent.operation_ids)
    assert {r["transaction_hash"] for r in records} == {sent.hash}
    assert holdings(chain, key.public_key) == 6


def test_a_deterministic_issuer_is_the_same_in_every_world(chain):
    other = make_chain()
    assert other.issuer_address == chain.issuer_address
    assert other.fee_account_address == chain.fee_account_address
    assert other.usdc_contract == chain.usdc_contract == usdc(chain).contract_id(chain.passphrase)


def test_the_token_contracts_of_the_real_networks_are_the_published_ones():
    testnet = make_chain(
        passphrase="Test SDF Network ; September 2015",
        usdc_issuer="GBBD47IF6LWK7P7MDEVSCWR7DPUWV3NY3DTQEVFL4NAT4AQH3ZLLFLA5",
    )
    assert testnet.usdc_contract == "CBIELTK6YBZJU5UP2WWQEUCYKLPU6AUNZ2BQ4WWFEIE3USCIHMXQDAMA"

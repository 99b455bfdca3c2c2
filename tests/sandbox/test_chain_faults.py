"""The network's scripted misbehaviour: every knob does what it says, and stops."""

from __future__ import annotations

import pytest
from stellar_sdk import Keypair, TransactionBuilder

from offerhub.sandbox.chain.faults import KNOBS
from offerhub.sandbox.chain.history import Page
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


@pytest.fixture
def chain():
    return make_chain()


def payment(chain, sender: Keypair, to: Keypair, amount: str = "1", **more):
    built = builder(chain, sender.public_key, **more)
    return signed(built.append_payment_op(to.public_key, usdc(chain), amount), sender)


def test_a_lagging_horizon_shows_the_account_and_the_history_of_before(chain):
    key, other = wallet(chain, usdc_stroops=5 * UNIT), wallet(chain)
    before = chain.history.account(key.public_key)
    chain.faults.set("ingest_lag_ledgers", 2)
    for _ in range(2):
        chain.close_ledger()
    envelope = payment(chain, key, other)
    assert chain.submissions.submit(envelope.to_xdr()).status == "PENDING"
    assert holdings(chain, other.public_key) == UNIT
    for _ in range(2):
        assert chain.history.transaction(envelope.hash_hex()) is None
        assert chain.history.account(key.public_key)["sequence"] == before["sequence"]
        chain.close_ledger()
    assert chain.history.transaction(envelope.hash_hex())["successful"] is True
    assert int(chain.history.account(key.public_key)["sequence"]) == int(before["sequence"]) + 1


def test_try_again_later_queues_nothing_and_wears_off(chain):
    key, other = wallet(chain, usdc_stroops=UNIT), wallet(chain)
    chain.faults.set("try_again_later", 2)
    envelope = payment(chain, key, other)
    statuses = [chain.submissions.submit(envelope.to_xdr()).status for _ in range(4)]
    assert statuses == ["TRY_AGAIN_LATER", "TRY_AGAIN_LATER", "PENDING", "DUPLICATE"]


def test_a_forgotten_transaction_never_applies_until_it_is_sent_again(chain):
    key, other = wallet(chain, usdc_stroops=UNIT), wallet(chain)
    chain.faults.set("never_include", 1)
    envelope = payment(chain, key, other)
    assert chain.submissions.submit(envelope.to_xdr()).status == "PENDING"
    chain.close_ledger()
    assert chain.history.transaction(envelope.hash_hex()) is None
    assert chain.submissions.submit(envelope.to_xdr()).status == "PENDING"
    assert chain.history.transaction(envelope.hash_hex())["successful"] is True


def test_a_surge_asks_for_a_bid_and_a_fee_bump_pays_it(chain):
    key, other = wallet(chain, usdc_stroops=UNIT), wallet(chain)
    chain.faults.set("surge_base_fee_stroops", 500)
    envelope = payment(chain, key, other)
    receipt = chain.submissions.submit(envelope.to_xdr())
    assert result_codes(receipt.result_xdr) == {"transaction": "tx_insufficient_fee"}
    bump = TransactionBuilder.build_fee_bump_transaction(
        other, 600, signed_copy(chain, envelope), chain.passphrase
    )
    bump.sign(other)
    assert chain.submissions.submit(bump.to_xdr()).status == "PENDING"
    record = chain.history.transaction(envelope.hash_hex())
    assert (record["successful"], record["fee_charged"]) == (True, "1000")


def signed_copy(chain, envelope):
    return TransactionBuilder.from_xdr(envelope.to_xdr(), chain.passphrase)


def test_a_transaction_stuck_in_a_surge_is_included_when_it_ends_or_replaced_by_a_bump():
    clock = HandClock()
    chain = make_chain(interval_ms=200, clock=clock)
    key, other = Keypair.random(), Keypair.random()
    for one in (key, other):
        chain.seed_account(one.public_key, xlm_stroops=100 * UNIT)
    stuck = signed(builder(chain, key.public_key).append_manage_data_op("a", "1"), key)
    chain.submissions.submit(stuck.to_xdr())
    chain.faults.set("surge_base_fee_stroops", 500)
    clock.advance(0.2)
    for _ in range(3):
        chain.ledgers.tick()
    closed = chain.ledgers.latest()[0]
    assert chain.history.transaction(stuck.hash_hex()) is None
    chain.ledgers.tick()
    assert chain.ledgers.latest()[0] == closed
    for bid, status in ((900, "TRY_AGAIN_LATER"), (1_000, "PENDING")):
        bump = TransactionBuilder.build_fee_bump_transaction(other, bid, stuck, chain.passphrase)
        bump.sign(other)
        assert chain.submissions.submit(bump.to_xdr()).status == status
    clock.advance(0.2)
    chain.ledgers.tick()
    assert chain.history.transaction(stuck.hash_hex())["hash"] == bump.hash_hex()


def test_pruned_history_moves_old_cursors_forward_without_a_word(chain):
    key = wallet(chain)
    first = chain.mint_usdc(to=key.public_key, amount_stroops=1)
    chain.prune_history(first.ledger)
    second = chain.mint_usdc(to=key.public_key, amount_stroops=2)
    records = chain.history.operations(
        Page(1, "asc", 10), account=key.public_key, payments_only=True
    )
    assert [int(r["id"]) for r in records] == list(second.operation_ids)
    assert chain.history.transaction(first.hash) is None
    assert chain.ledgers.elder() == first.ledger + 1
    assert holdings(chain, key.public_key) == 3


def test_a_reset_leaves_an_empty_network_whose_ledgers_start_again(chain):
    key = wallet(chain, usdc_stroops=5)
    before = chain.ledgers.latest()[0]
    chain.reset()
    assert chain.history.account(key.public_key) is None
    assert chain.ledgers.latest()[0] == 2 < before
    assert chain.snapshot()["transfers"] == []
    again = wallet(chain, usdc_stroops=5)
    assert sequence(chain, again.public_key) < before << 32


def test_knobs_are_named_and_whole_numbers(chain):
    assert set(chain.faults.as_dict()) == set(KNOBS)
    with pytest.raises(KeyError):
        chain.faults.set("no_such_knob", 1)
    for wrong in (-1, True, 1.5, "1"):
        with pytest.raises(ValueError, match="whole number"):
            chain.faults.set("try_again_later", wrong)
    chain.faults.set("try_again_later", 3)
    chain.faults.clear()
    assert chain.faults.as_dict() == dict.fromkeys(KNOBS, 0)


def test_time_closes_ledgers_when_somebody_looks():
    clock = HandClock()
    chain = make_chain(interval_ms=200, clock=clock)
    start, closed_at_ms = chain.ledgers.latest()
    chain.ledgers.tick()
    assert chain.ledgers.latest() == (start, closed_at_ms)
    clock.advance(60)
    chain.ledgers.tick()
    assert chain.ledgers.latest() == (start + 1, closed_at_ms + 60_000)
    key = Keypair.random()
    chain.seed_account(key.public_key, xlm_stroops=100 * UNIT)
    envelope = signed(builder(chain, key.public_key).append_manage_data_op("a", "1"), key)
    chain.submissions.submit(envelope.to_xdr())
    assert chain.submissions.outcome(envelope.hash_hex()) is None
    # Nobody looked for an hour: it was included in time all the same, not after its time bounds.
    clock.advance(3600)
    assert chain.submissions.wait_until_ingested(envelope.hash_hex(), timeout_s=0)
    assert chain.submissions.outcome(envelope.hash_hex()).successful

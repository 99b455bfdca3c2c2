"""Many threads on one network: one sequence number buys one effect."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from stellar_sdk import Keypair, Server

from offerhub.sandbox.horizon import horizon_blueprint
from tests.sandbox.chain_world import (
    UNIT,
    builder,
    holdings,
    make_chain,
    served,
    signed,
    total_usdc,
    usdc,
    wallet,
)
from tests.sandbox.escrow_desk import make_desk


def test_of_many_transactions_with_one_sequence_exactly_one_applies():
    chain = make_chain(interval_ms=20, clock=time.time)
    sender, other = _wallets(chain)
    envelopes = []
    for amount in range(1, 9):
        built = builder(chain, sender.public_key)
        built.append_payment_op(other.public_key, usdc(chain), str(amount))
        envelopes.append(signed(built, sender))
    with ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(lambda e: chain.submissions.submit(e.to_xdr()), envelopes))
    pending = [e for e, r in zip(envelopes, receipts, strict=True) if r.status == "PENDING"]
    assert len(pending) == 1
    assert {r.status for r in receipts} <= {"PENDING", "TRY_AGAIN_LATER", "ERROR"}
    assert chain.submissions.wait_until_ingested(pending[0].hash_hex(), timeout_s=5)
    applied = [e for e in envelopes if chain.history.transaction(e.hash_hex())]
    assert applied == pending


def _wallets(chain):
    keys = Keypair.random(), Keypair.random()
    for key in keys:
        chain.seed_account(key.public_key, xlm_stroops=100 * UNIT)
        envelope = signed(builder(chain, key.public_key).append_change_trust_op(usdc(chain)), key)
        chain.submissions.submit(envelope.to_xdr())
        assert chain.submissions.wait_until_ingested(envelope.hash_hex(), timeout_s=5)
    chain.mint_usdc(to=keys[0].public_key, amount_stroops=50 * UNIT)
    return keys


def test_a_submission_waits_for_the_next_ledger_of_the_default_clock():
    chain = make_chain(interval_ms=200, clock=time.time)
    sender, other = _wallets(chain)
    built = builder(chain, sender.public_key)
    envelope = signed(built.append_payment_op(other.public_key, usdc(chain), "1"), sender)
    with served(horizon_blueprint(chain)) as url:
        started = time.monotonic()
        answer = Server(url + "/horizon").submit_transaction(envelope)
        assert 0.1 < time.monotonic() - started < 3
    assert answer["successful"] is True
    assert holdings(chain, other.public_key) == UNIT


def test_the_same_escrow_call_from_many_threads_has_one_effect_and_one_answer():
    desk = make_desk()
    desk.deploy()
    before = total_usdc(desk.chain)
    _, built = desk.post(
        "/escrow/single-release/fund-escrow",
        contractId=desk.contract,
        signer=desk.buyer.public_key,
        amount=120,
    )
    envelope = desk.sign(built["unsignedTransaction"], desk.buyer)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: desk.send(envelope), range(12)))
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][1]["status"] == "SUCCESS"
    assert desk.money()["contract"] == 120 * UNIT
    assert total_usdc(desk.chain) == before


def test_readers_never_see_half_a_transfer():
    chain = make_chain()
    sender, other = wallet(chain, usdc_stroops=200), wallet(chain)
    expected = total_usdc(chain)

    def pay(_: int) -> None:
        with chain.store.transaction():
            built = builder(chain, sender.public_key)
            built.append_payment_op(other.public_key, usdc(chain), "0.0000001")
            chain.submissions.submit(signed(built, sender).to_xdr())

    with ThreadPoolExecutor(4) as pool:
        payments = [pool.submit(pay, n) for n in range(60)]
        seen = {total_usdc(chain) for _ in range(200)}
        for payment in payments:
            payment.result()
    assert seen == {expected}
    assert holdings(chain, other.public_key) == 60

"""What `ports.chain.Chain` promises, asked of the adapter over real HTTP."""

from collections.abc import Iterator

import pytest
from stellar_sdk import Account, Asset, Keypair, TransactionBuilder

from offerhub.ports.chain import SignedTransaction, SigningKey, SubmissionStatus
from offerhub.ports.errors import OutcomeUnknown, RateLimited, Rejected, Unavailable
from offerhub.providers import transactions
from tests.providers.network_world import UNIT, World, world


@pytest.fixture
def net() -> Iterator[World]:
    with world() as made:
        yield made


@pytest.fixture
def payer(net: World) -> SigningKey:
    return net.wallet(usdc_stroops=100 * UNIT)


@pytest.fixture
def payee(net: World) -> SigningKey:
    return net.wallet()


def pay(net: World, payer: SigningKey, to: str, amount: int = 12_3400000) -> SignedTransaction:
    return net.chain.build_payment(source=payer, destination=to, amount_stroops=amount)


def test_the_head_says_how_far_the_network_got(net: World) -> None:
    before = net.chain.head()
    net.network.close_ledger()
    after = net.chain.head()
    assert after.sequence == before.sequence + 1
    assert after.passphrase == net.network.passphrase
    assert after.oldest_sequence <= before.sequence
    assert abs(after.closed_at_s - before.closed_at_s) < 60


def test_a_wallet_is_made_whole_in_one_transaction(net: World) -> None:
    sponsor, wallet = net.funded(), net.key()
    assert net.chain.account(wallet.address) is None
    net.apply(net.chain.build_wallet(sponsor=sponsor, wallet=wallet, starting_xlm_stroops=3 * UNIT))
    made = net.chain.account(wallet.address)
    assert made is not None
    assert (made.has_trustline, made.authorized, made.usdc_stroops) == (True, True, 0)
    assert made.xlm_stroops == 3 * UNIT
    assert made.usdc_room_stroops == 2**63 - 1


def test_a_sponsor_without_enough_xlm_is_refused_before_anything_is_signed(net: World) -> None:
    sponsor = net.funded()
    with pytest.raises(Rejected, match="send it some") as refusal:
        net.chain.build_wallet(sponsor=sponsor, wallet=net.key(), starting_xlm_stroops=9_999 * UNIT)
    assert refusal.value.code == "tx_insufficient_balance"


def test_a_payment_moves_exactly_its_amount_once(
    net: World, payer: SigningKey, payee: SigningKey
) -> None:
    transaction = pay(net, payer, payee.address, amount=12_3400001)
    assert net.chain.transaction(transaction.hash) is None
    assert net.chain.submit(transaction).status is SubmissionStatus.ACCEPTED
    assert net.chain.submit(transaction).status is SubmissionStatus.ACCEPTED
    outcome = net.chain.transaction(transaction.hash)
    assert outcome is not None
    assert outcome.successful
    (moved,) = outcome.transfers
    assert (moved.source, moved.destination) == (payer.address, payee.address)
    assert moved.amount_stroops == 12_3400001
    assert net.usdc_of(payee.address) == 12_3400001
    assert net.usdc_of(payer.address) == 100 * UNIT - 12_3400001


@pytest.mark.parametrize(
    "kind",
    [
        "timeout_after",
        "reset_after",
        "html_502_after",
        "truncated_after",
        "wrong_body_after",
        "error_500_after",
    ],
)
def test_an_answer_lost_after_the_effect_is_unknown_and_found_by_hash(
    net: World, payer: SigningKey, payee: SigningKey, kind: str
) -> None:
    transaction = pay(net, payer, payee.address)
    net.spoil(kind, "transactions_async$")
    with pytest.raises(OutcomeUnknown):
        net.chain.submit(transaction)
    outcome = net.chain.transaction(transaction.hash)
    assert outcome is not None
    assert outcome.successful
    assert net.chain.submit(transaction).status is SubmissionStatus.ACCEPTED
    assert net.usdc_of(payee.address) == 12_3400000


def test_a_call_that_never_arrived_is_unknown_and_the_same_transaction_then_applies(
    net: World, payer: SigningKey, payee: SigningKey
) -> None:
    transaction = pay(net, payer, payee.address)
    net.spoil("timeout_before", "transactions_async$")
    with pytest.raises(OutcomeUnknown):
        net.chain.submit(transaction)
    assert net.chain.transaction(transaction.hash) is None
    net.apply(transaction)
    assert net.usdc_of(payee.address) == 12_3400000


def test_a_throttled_submission_did_not_happen(
    net: World, payer: SigningKey, payee: SigningKey
) -> None:
    transaction = pay(net, payer, payee.address)
    net.spoil("rate_limited", "transactions_async$")
    with pytest.raises(RateLimited):
        net.chain.submit(transaction)
    assert net.chain.transaction(transaction.hash) is None


def test_a_full_queue_asks_for_the_same_transaction_later(
    net: World, payer: SigningKey, payee: SigningKey
) -> None:
    transaction = pay(net, payer, payee.address)
    net.network.faults.set("try_again_later", 1)
    assert net.chain.submit(transaction).status is SubmissionStatus.TRY_LATER
    net.apply(transaction)


def test_an_accepted_transaction_that_the_network_forgets_is_not_on_chain(
    net: World, payer: SigningKey, payee: SigningKey
) -> None:
    transaction = pay(net, payer, payee.address)
    net.network.faults.set("never_include", 1)
    assert net.chain.submit(transaction).status is SubmissionStatus.ACCEPTED
    assert net.chain.transaction(transaction.hash) is None
    net.apply(transaction)
    assert net.usdc_of(payee.address) == 12_3400000


def test_the_second_of_two_with_one_sequence_number_is_rejected_with_its_code(
    net: World, payer: SigningKey, payee: SigningKey
) -> None:
    first = pay(net, payer, payee.address, amount=1 * UNIT)
    second = pay(net, payer, payee.address, amount=2 * UNIT)
    assert first.sequence == second.sequence
    net.apply(first)
    refused = net.chain.submit(second)
    assert refused.status is SubmissionStatus.REJECTED
    assert refused.result_codes == ("tx_bad_seq",)
    assert net.usdc_of(payee.address) == 1 * UNIT


def test_a_transaction_that_failed_on_chain_is_an_outcome_with_its_codes(
    net: World, payer: SigningKey
) -> None:
    account = net.chain.account(payer.address)
    assert account is not None
    builder = TransactionBuilder(
        Account(payer.address, account.sequence), net.network.passphrase, base_fee=100
    )
    builder.append_payment_op(
        Keypair.random().public_key, Asset("USDC", net.network.issuer_address), "1"
    )
    doomed = transactions.sign(builder.set_timeout(180).build(), payer)
    net.chain.submit(doomed)
    outcome = net.chain.transaction(doomed.hash)
    assert outcome is not None
    assert not outcome.successful
    assert outcome.result_codes == ("tx_failed", "op_no_destination")
    assert outcome.transfers == ()


def test_what_horizon_has_not_ingested_is_not_known_yet(
    net: World, payer: SigningKey, payee: SigningKey
) -> None:
    transaction = pay(net, payer, payee.address)
    net.network.faults.set("ingest_lag_ledgers", 1)
    net.chain.submit(transaction)
    assert net.chain.transaction(transaction.hash) is None
    net.network.close_ledger()
    assert net.chain.transaction(transaction.hash) is not None


def test_everything_that_arrives_is_listed_once_and_in_order(net: World, payee: SigningKey) -> None:
    start = net.chain.incoming(payee.address, cursor="0").last_cursor
    network, to = net.network, payee.address
    stranger = network.outside_account()
    network.mint_usdc(to=stranger, amount_stroops=500 * UNIT)
    network.actors.pay(
        sender=stranger, to=to, amounts_stroops=[1, 2 * UNIT], asset=network.usdc, memo="two"
    )
    network.actors.pay_by_path(sender=stranger, to=to, amount_stroops=3 * UNIT)
    network.mint_usdc(to=to, amount_stroops=7 * UNIT, asset_issuer=Keypair.random().public_key)
    found = []
    cursor, pages = start, 0
    while True:
        page = net.chain.incoming(to, cursor=cursor, limit=2)
        found += page.records
        assert int(page.last_cursor) >= int(cursor)
        cursor, pages = page.last_cursor, pages + 1
        if not page.full:
            break
    assert pages == 3
    assert [(one.amount_stroops, one.usdc) for one in found] == [
        (1, True),
        (2 * UNIT, True),
        (3 * UNIT, True),
        (7 * UNIT, False),
    ]
    assert [one.memo for one in found] == ["two", "two", None, None]
    assert found[0].transaction_hash == found[1].transaction_hash
    assert len({(one.operation_id, one.change_index) for one in found}) == 4
    assert {one.destination for one in found} == {to}
    assert found[3].asset.startswith("USDC:G")
    assert found[3].asset != f"USDC:{network.issuer_address}"
    assert net.chain.incoming(to, cursor=cursor).records == ()
    assert net.chain.incoming(to, cursor=cursor).last_cursor == cursor


def test_xlm_arrives_as_xlm_and_what_leaves_is_not_listed(
    net: World, payer: SigningKey, payee: SigningKey
) -> None:
    before = net.chain.incoming(payer.address, cursor="0")
    assert [(one.kind, one.asset, one.usdc) for one in before.records][:1] == [
        ("create_account", "XLM", False)
    ]
    net.apply(pay(net, payer, payee.address))
    after = net.chain.incoming(payer.address, cursor=before.last_cursor)
    assert after.records == ()
    assert int(after.last_cursor) > int(before.last_cursor)


def test_a_read_that_fails_is_unavailable_and_changes_nothing(
    net: World, payer: SigningKey
) -> None:
    for kind in ("error_500_before", "html_502_before", "timeout_after", "truncated_after"):
        net.spoil(kind, "/accounts/")
        with pytest.raises(Unavailable):
            net.chain.account(payer.address)
    net.spoil("wrong_body_after", "/accounts/")
    with pytest.raises(Unavailable):
        net.chain.account(payer.address)
    assert net.chain.account(payer.address) is not None


def test_friendbot_funds_an_account_and_may_be_asked_again(net: World) -> None:
    key = net.key()
    net.chain.fund_test_account(key.address)
    funded = net.chain.account(key.address)
    assert funded is not None
    net.chain.fund_test_account(key.address)
    assert net.chain.account(key.address) == funded


def test_every_call_takes_a_permit(net: World, payer: SigningKey) -> None:
    net.limiter.calls.clear()
    net.chain.account(payer.address)
    net.chain.head()
    assert net.limiter.calls == ["stellar", "stellar"]

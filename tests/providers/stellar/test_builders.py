"""Transactions of our own making, against a vector computed with the official SDK."""

import pytest
from stellar_sdk import Keypair, Network, TransactionBuilder, TransactionEnvelope
from stellar_sdk.operation import (
    BeginSponsoringFutureReserves,
    ChangeTrust,
    CreateAccount,
    EndSponsoringFutureReserves,
)

from offerhub.ports.chain import SigningKey
from offerhub.providers import transactions
from offerhub.providers.stellar import builders

ISSUER = "GBBD47IF6LWK7P7MDEVSCWR7DPUWV3NY3DTQEVFL4NAT4AQH3ZLLFLA5"
A = Keypair.from_raw_ed25519_seed(bytes(range(32)))
B = Keypair.from_raw_ed25519_seed(bytes(range(32, 64)))
B_MUXED = "MAU2ZOXBIG6MV4FSFYNJJU2NBPDTMHSSNUF74EWIS6KLZEZCSZW5OAAAAAAAAAAD5HE5O"
DRAFT = builders.Draft(
    passphrase=Network.TESTNET_NETWORK_PASSPHRASE,
    source=A.public_key,
    sequence=41,
    fee_stroops_per_operation=200,
    max_time_s=1768046640,
)
VECTOR_HASH = "dc2ee00e4ac72b72c13ab03264ef315ad79eaf6b5b4392e85015c89a096f81a4"
VECTOR_XDR = (
    "AAAAAgAAAAADoQe/884Qvh1w3RjnS8CZZ+TWMJulDV8d3IZkElUxuAAAAMgAAAAAAAAAKgAAAAEAAAAAAAAAAAAAAABp"
    "YkAwAAAAAQAAAAh3ZF9kZW1vMQAAAAEAAAAAAAAAAQAAAAAprLrhQbzK8LIuGpTTTQvHNh5SbQv+EsiXlLyTIpZt1wAA"
    "AAFVU0RDAAAAAEI+fQXy7K+/7BkrIVo/G+lq7bjY5wJUq+NBPgIH3layAAAAAAda70AAAAAAAAAAARJVMbgAAABAmXIDa"
    "HtBXAvpQH64aSGNa6xZomNUdZDpZdtZp5/kQEespV0e6EiQArQuil69CXlEBH+EFhHkwJ4XcGTqbRJJDg=="
)


def key(keypair: Keypair) -> SigningKey:
    return SigningKey(address=keypair.public_key, seed=keypair.secret)


def paid(destination: str, memo: str | None = None, kind: str | None = None) -> TransactionEnvelope:
    return builders.payment(
        DRAFT,
        destination=destination,
        amount_stroops=12_3400000,
        usdc_issuer=ISSUER,
        memo=builders.memo_of(memo, kind),
    )


def test_the_payment_of_the_vector_has_its_hash_and_bytes() -> None:
    signed = transactions.sign(paid(B.public_key, "wd_demo1"), key(A))
    assert signed.hash == VECTOR_HASH
    assert signed.xdr == VECTOR_XDR
    assert (signed.source, signed.sequence) == (A.public_key, 42)
    assert signed.max_time_s == 1768046640


def test_building_twice_gives_the_same_transaction() -> None:
    assert paid(B.public_key).hash_hex() == paid(B.public_key).hash_hex()


def test_a_muxed_destination_is_paid_as_it_is() -> None:
    operation = paid(B_MUXED).transaction.operations[0]
    assert operation.destination.account_muxed == B_MUXED
    assert operation.destination.account_id == B.public_key


def test_a_wallet_is_four_operations_signed_by_both() -> None:
    envelope = builders.wallet(
        DRAFT, address=B.public_key, starting_xlm_stroops=3_0000001, usdc_issuer=ISSUER
    )
    begin, create, trust, end = envelope.transaction.operations
    assert isinstance(begin, BeginSponsoringFutureReserves)
    assert isinstance(create, CreateAccount)
    assert isinstance(trust, ChangeTrust)
    assert isinstance(end, EndSponsoringFutureReserves)
    assert create.starting_balance == "3.0000001"
    assert (trust.source.account_id, end.source.account_id) == (B.public_key, B.public_key)
    assert envelope.transaction.fee == 4 * 200
    signed = transactions.sign(envelope, key(A), key(B))
    decoded = transactions.decode(signed.xdr, passphrase=DRAFT.passphrase)
    for keypair, signature in zip((A, B), decoded.signatures, strict=True):
        keypair.verify(decoded.hash(), signature.signature)


def test_every_transaction_has_an_upper_time_bound() -> None:
    built = [
        paid(B.public_key),
        builders.trustline(DRAFT, usdc_issuer=ISSUER),
        builders.wallet(DRAFT, address=B.public_key, starting_xlm_stroops=0, usdc_issuer=ISSUER),
    ]
    assert {transactions.max_time_s(one.transaction) for one in built} == {1768046640}


@pytest.mark.parametrize(
    ("memo", "kind"),
    [
        ("x" * 29, "text"),
        ("ü" * 15, None),
        ("", "text"),
        (None, "text"),
        ("-1", "id"),
        ("18446744073709551616", "id"),
        ("12a", "id"),
        ("١٢", "id"),
        ("ab", "hash"),
        ("zz" * 32, "hash"),
        ("1", "number"),
        ("kept?", "none"),
    ],
)
def test_a_memo_that_the_network_cannot_carry_is_refused(
    memo: str | None, kind: str | None
) -> None:
    with pytest.raises(ValueError, match="memo"):
        builders.memo_of(memo, kind)


@pytest.mark.parametrize(
    ("memo", "kind"),
    [
        (None, None),
        ("", None),
        ("x" * 28, None),
        ("ü" * 14, "text"),
        ("0", "id"),
        ("18446744073709551615", "id"),
        ("ab" * 32, "hash"),
        ("AB" * 32, "return"),
    ],
)
def test_memos_at_their_limits_are_carried(memo: str | None, kind: str | None) -> None:
    carried = paid(B.public_key, memo, kind)
    again = transactions.decode(carried.to_xdr(), passphrase=DRAFT.passphrase)
    assert again.transaction.memo == builders.memo_of(memo, kind)


@pytest.mark.parametrize(
    "text", ["", None, 7, "AAAA", "not base64!", VECTOR_XDR[:-8], VECTOR_XDR + "AAAA"]
)
def test_what_is_not_a_transaction_does_not_decode(text: object) -> None:
    with pytest.raises(ValueError, match="transaction"):
        transactions.decode(text, passphrase=DRAFT.passphrase)


def test_a_fee_bump_is_not_taken_for_a_transaction() -> None:
    inner = transactions.decode(VECTOR_XDR, passphrase=DRAFT.passphrase)
    bump = TransactionBuilder.build_fee_bump_transaction(
        fee_source=B,
        base_fee=400,
        inner_transaction_envelope=inner,
        network_passphrase=DRAFT.passphrase,
    )
    with pytest.raises(ValueError, match="decoded"):
        transactions.decode(bump.to_xdr(), passphrase=DRAFT.passphrase)

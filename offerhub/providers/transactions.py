"""Stellar transactions as bytes: decoding what others built, signing, and the hash before sending.

Shared by the chain and the escrow adapter, which do not know each other. No network here.
"""

import binascii
import struct
from typing import Final

from stellar_sdk import Keypair, TransactionEnvelope
from stellar_sdk.exceptions import SdkError
from stellar_sdk.transaction import Transaction

from offerhub.ports.chain import SignedTransaction, SigningKey

MAX_XDR_CHARACTERS: Final = 200_000

# What the XDR decoder raises on bytes that are not a plain transaction.
UNDECODABLE = (
    SdkError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    AssertionError,
    EOFError,
    IndexError,
    OverflowError,
    RecursionError,
    MemoryError,
    struct.error,
    binascii.Error,
)


def decode(xdr_text: object, *, passphrase: str) -> TransactionEnvelope:
    """The unsigned or signed transaction in base64 XDR; fee bumps are not taken.

    Raises: ValueError for anything else, including text that does not encode back to itself.
    """
    if not isinstance(xdr_text, str) or not 0 < len(xdr_text) <= MAX_XDR_CHARACTERS:
        raise ValueError("there is no transaction where one was expected")
    try:
        envelope = TransactionEnvelope.from_xdr(xdr_text, passphrase)
        again = envelope.to_xdr()
    except UNDECODABLE as exc:
        raise ValueError(f"the transaction cannot be decoded ({type(exc).__name__})") from exc
    # What is checked must be what is signed: a lossy decoding would let the two differ.
    if again != xdr_text:
        raise ValueError("the transaction does not encode back to what was sent")
    return envelope


def sign(envelope: TransactionEnvelope, *keys: SigningKey) -> SignedTransaction:
    """Sign with every key and take down what is needed to send, find and expire it."""
    for key in keys:
        envelope.sign(Keypair.from_secret(key.seed))
    transaction = envelope.transaction
    return SignedTransaction(
        hash=envelope.hash_hex(),
        xdr=envelope.to_xdr(),
        source=transaction.source.account_id,
        sequence=transaction.sequence,
        max_time_s=max_time_s(transaction),
    )


def max_time_s(transaction: Transaction) -> int:
    """Epoch seconds after which it can never apply; 0 when it has no such bound."""
    preconditions = transaction.preconditions
    if preconditions is None or preconditions.time_bounds is None:
        return 0
    return int(preconditions.time_bounds.max_time)


def address_of(seed: str) -> str:
    """The G address of a secret seed. Raises: ValueError, without showing the seed."""
    try:
        return Keypair.from_secret(seed).public_key
    except (SdkError, ValueError):
        raise ValueError("not a Stellar seed") from None

"""Submitted envelopes: decoding them and checking who signed. No state is read here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from stellar_sdk import (
    DecoratedSignature,
    FeeBumpTransactionEnvelope,
    Keypair,
    Transaction,
    TransactionBuilder,
    TransactionEnvelope,
)
from stellar_sdk.exceptions import BadSignatureError
from stellar_sdk.operation import InvokeHostFunction


class MalformedEnvelope(Exception):
    """Text that is not a transaction envelope."""


@dataclass(frozen=True)
class Submission:
    """A decoded envelope. `fee_source` pays; for a fee bump it differs from `source`."""

    envelope_xdr: str
    hash: str
    inner_hash: str | None
    transaction: Transaction
    source: str
    fee_source: str
    max_fee: int
    signatures: tuple[DecoratedSignature, ...]
    inner_signatures: tuple[DecoratedSignature, ...]
    inner_max_fee: int

    @property
    def is_fee_bump(self) -> bool:
        return self.inner_hash is not None

    @property
    def operation_sources(self) -> list[str]:
        return [o.source.account_id if o.source else self.source for o in self.operations]

    @property
    def operations(self) -> list:  # type: ignore[type-arg]
        return list(self.transaction.operations)

    @property
    def is_contract_call(self) -> bool:
        return any(isinstance(o, InvokeHostFunction) for o in self.operations)

    @property
    def resource_fee(self) -> int:
        data = self.transaction.soroban_data
        return int(data.resource_fee.int64) if data is not None else 0

    @property
    def time_bounds(self) -> tuple[int, int]:
        """(min_time, max_time) in unix seconds; 0 means open."""
        preconditions = self.transaction.preconditions
        bounds = preconditions.time_bounds if preconditions else None
        return (bounds.min_time, bounds.max_time) if bounds else (0, 0)

    def bid_per_operation(self) -> int:
        """The inclusion fee offered for each operation, rounded down."""
        if self.is_fee_bump:
            return (self.max_fee - self.resource_fee) // (len(self.operations) + 1)
        return (self.max_fee - self.resource_fee) // max(1, len(self.operations))


def decode(envelope_xdr: str, passphrase: str) -> Submission:
    """Decode base64 XDR. Raises MalformedEnvelope."""
    try:
        envelope = TransactionBuilder.from_xdr(envelope_xdr, passphrase)
    except Exception as problem:
        # The XDR reader raises whatever the broken bytes lead it to: EOFError, struct.error, ...
        raise MalformedEnvelope(str(problem)) from problem
    if isinstance(envelope, FeeBumpTransactionEnvelope):
        bump = envelope.transaction
        inner = bump.inner_transaction_envelope
        return Submission(
            envelope_xdr=envelope.to_xdr(),
            hash=envelope.hash_hex(),
            inner_hash=inner.hash_hex(),
            transaction=inner.transaction,
            source=inner.transaction.source.account_id,
            fee_source=bump.fee_source.account_id,
            max_fee=bump.fee,
            signatures=tuple(envelope.signatures),
            inner_signatures=tuple(inner.signatures),
            inner_max_fee=inner.transaction.fee,
        )
    assert isinstance(envelope, TransactionEnvelope)
    transaction = envelope.transaction
    return Submission(
        envelope_xdr=envelope.to_xdr(),
        hash=envelope.hash_hex(),
        inner_hash=None,
        transaction=transaction,
        source=transaction.source.account_id,
        fee_source=transaction.source.account_id,
        max_fee=transaction.fee,
        signatures=tuple(envelope.signatures),
        inner_signatures=(),
        inner_max_fee=transaction.fee,
    )


def signed_by(
    digest: bytes, signatures: Iterable[DecoratedSignature], addresses: Iterable[str]
) -> tuple[set[str], bool]:
    """Which of `addresses` signed `digest`, and whether a signature is nobody's of them."""
    signers: set[str] = set()
    superfluous = False
    wanted = list(addresses)
    for signature in signatures:
        match = next((a for a in wanted if _verifies(a, digest, signature)), None)
        if match is None or match in signers:
            superfluous = True
        else:
            signers.add(match)
    return signers, superfluous


def _verifies(address: str, digest: bytes, signature: DecoratedSignature) -> bool:
    keypair = Keypair.from_public_key(address)
    if keypair.signature_hint() != signature.signature_hint:
        return False
    try:
        keypair.verify(digest, signature.signature)
    except BadSignatureError:
        return False
    return True

"""The chain: accounts, signed transactions, what they moved, and deposits.

A transaction's hash is known before it is sent, so "did it happen" is always a look-up by hash.
Amounts are stroops of USDC unless a name says xlm.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A plaintext seed, alive only while something is signed. Never printed, never stored."""

    address: str
    seed: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PlatformKeys:
    """The platform's own wallets. The resolver must differ from whoever may raise a dispute."""

    treasury: SigningKey
    release: SigningKey
    resolver: SigningKey


@dataclass(frozen=True, slots=True)
class ChainAccount:
    """State of one account. `usdc_room_stroops` is what the trustline can still take."""

    address: str
    sequence: int
    xlm_stroops: int
    has_trustline: bool
    authorized: bool
    usdc_stroops: int
    usdc_room_stroops: int
    memo_required: bool


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """Ready to send, and to be written down first. `max_time_s` is epoch seconds; 0 = no bound."""

    hash: str
    xdr: str
    source: str
    sequence: int
    max_time_s: int


@dataclass(frozen=True, slots=True)
class Transfer:
    """One movement of the configured USDC. (operation_id, change_index) is unique on a network."""

    operation_id: str
    change_index: int
    source: str
    destination: str
    amount_stroops: int


@dataclass(frozen=True, slots=True)
class TransactionOutcome:
    """A transaction that is on chain for ever. Failed ones moved nothing but used a sequence."""

    hash: str
    successful: bool
    ledger: int
    result_codes: tuple[str, ...]
    transfers: tuple[Transfer, ...]
    memo: str | None = None


class SubmissionStatus(StrEnum):
    ACCEPTED = "ACCEPTED"  # queued, included, or known already
    REJECTED = "REJECTED"  # this XDR was refused; look the hash up before believing it
    TRY_LATER = "TRY_LATER"  # not queued; the same XDR again


@dataclass(frozen=True, slots=True)
class Submission:
    status: SubmissionStatus
    result_codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LedgerHead:
    """How far the reader of the chain has got. `closed_at_s` is epoch seconds."""

    sequence: int
    closed_at_s: int
    oldest_sequence: int
    passphrase: str


@dataclass(frozen=True, slots=True)
class Incoming:
    """Something that reached an account. `usdc` is false for any other asset."""

    cursor: str
    operation_id: str
    change_index: int
    transaction_hash: str
    source: str
    destination: str
    amount_stroops: int
    usdc: bool
    asset: str
    kind: str
    memo: str | None
    occurred_at_ms: int


@dataclass(frozen=True, slots=True)
class IncomingPage:
    """Records after a cursor, oldest first. `last_cursor` covers records that were not incoming."""

    records: tuple[Incoming, ...]
    last_cursor: str
    full: bool


class Chain(Protocol):
    """Reads raise Rejected or Unavailable. Builders sign but send nothing, so they may be repeated.

    Builders raise Rejected (the account lacks something) or Unavailable.
    """

    def head(self) -> LedgerHead: ...

    def account(self, address: str) -> ChainAccount | None: ...

    def base_address(self, address: str) -> str | None:
        """The G address of a G or M address; None when it is neither, or its checksum is wrong."""
        ...

    def transaction(self, hash_: str) -> TransactionOutcome | None:
        """None: not on chain as far as the reader has seen."""
        ...

    def sent_by(self, address: str, *, from_ms: int, to_ms: int) -> tuple[SignedTransaction, ...]:
        """What applied in this time with this account as its source, oldest first; as it was sent.

        Epoch ms, both ends included. For a reader whose own notes of that time are lost.
        """
        ...

    def incoming(self, address: str, *, cursor: str, limit: int = 200) -> IncomingPage: ...

    def outgoing(self, address: str, *, cursor: str, limit: int = 200) -> IncomingPage:
        """What left an account, as `incoming` says what reached it."""
        ...

    def submit(self, transaction: SignedTransaction) -> Submission:
        """Send, do not wait. Raises: OutcomeUnknown, Unavailable. Repeating it is always safe."""
        ...

    def build_wallet(
        self, *, sponsor: SigningKey, wallet: SigningKey, starting_xlm_stroops: int
    ) -> SignedTransaction:
        """Create the account with sponsored reserves and its USDC trustline, in one transaction."""
        ...

    def build_trustline(self, *, account: SigningKey) -> SignedTransaction: ...

    def build_payment(
        self,
        *,
        source: SigningKey,
        destination: str,
        amount_stroops: int,
        memo: str | None = None,
        memo_type: str | None = None,
    ) -> SignedTransaction:
        """A USDC payment; `destination` is a G or M address, `memo_type` text, id or hash."""
        ...

    def build_xlm_payment(
        self, *, source: SigningKey, destination: str, amount_stroops: int
    ) -> SignedTransaction:
        """XLM for fees to an account of ours; `amount_stroops` is of XLM. No memo, no USDC."""
        ...

    def fund_test_account(self, address: str) -> None:
        """Ask the test network's friendbot for XLM. Raises: Rejected where there is none."""
        ...


class Vault(Protocol):
    """Wallet keys at rest: sealed under a key id and bound to their row."""

    def new_key(self, *, binding: str) -> tuple[str, str]:
        """(address, sealed seed) of a fresh key; `binding` names the row it belongs to."""
        ...

    def open(self, sealed: str, *, binding: str) -> SigningKey:
        """Raises: ValueError when it was sealed for another row, or under an unknown key."""
        ...

    def key_id(self, sealed: str) -> str: ...

    @property
    def active(self) -> str:
        """The id of the key that seals what is new."""
        ...

    def fingerprints(self) -> dict[str, str]:
        """The keys that open, by id, each with what tells it from others and gives nothing away."""
        ...

    def rewrap(self, sealed: str, *, binding: str) -> str:
        """The same secret under the active key, unopened. Raises: ValueError as `open`."""
        ...

    def seal_text(self, text: str, *, binding: str) -> str:
        """Seal any other secret of a row."""
        ...

    def open_text(self, sealed: str, *, binding: str) -> str:
        """Raises: ValueError as `open` does."""
        ...

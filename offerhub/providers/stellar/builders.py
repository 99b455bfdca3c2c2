"""Transactions of our own making, from facts that the caller has read. Pure: no network, no clock.

Every one has an upper time bound; without it a lost transaction could apply at any later time and
could never be rebuilt safely.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from stellar_sdk import (
    Account,
    Asset,
    HashMemo,
    IdMemo,
    Memo,
    NoneMemo,
    ReturnHashMemo,
    TextMemo,
    TransactionBuilder,
    TransactionEnvelope,
)
from stellar_sdk.exceptions import MemoInvalidException

from offerhub.domain.money import format_exact
from offerhub.providers.stellar.mapping import USDC_CODE

WALLET_OPERATIONS: Final = 4
_MAX_MEMO_ID: Final = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Draft:
    """What every transaction needs. `sequence` is the account's current one, not the next."""

    passphrase: str
    source: str
    sequence: int
    fee_stroops_per_operation: int
    max_time_s: int

    def builder(self) -> TransactionBuilder:
        """A fresh builder; the SDK raises the sequence of the account it is given by one."""
        return TransactionBuilder(
            source_account=Account(self.source, self.sequence),
            network_passphrase=self.passphrase,
            base_fee=self.fee_stroops_per_operation,
        ).add_time_bounds(0, self.max_time_s)


def wallet(
    draft: Draft, *, address: str, starting_xlm_stroops: int, usdc_issuer: str
) -> TransactionEnvelope:
    """Create `address` with its USDC trustline, reserves sponsored by the draft's source.

    All or nothing, so there is no half-made wallet. Needs both signatures.
    Source: CAP-33, sponsored reserves.
    """
    return (
        draft.builder()
        .append_begin_sponsoring_future_reserves_op(sponsored_id=address)
        .append_create_account_op(address, format_exact(starting_xlm_stroops))
        .append_change_trust_op(Asset(USDC_CODE, usdc_issuer), source=address)
        .append_end_sponsoring_future_reserves_op(source=address)
        .build()
    )


def trustline(draft: Draft, *, usdc_issuer: str) -> TransactionEnvelope:
    """Open the source's USDC trustline, or raise its limit to the network's largest."""
    return draft.builder().append_change_trust_op(Asset(USDC_CODE, usdc_issuer)).build()


def payment(
    draft: Draft, *, destination: str, amount_stroops: int, usdc_issuer: str, memo: Memo
) -> TransactionEnvelope:
    """Pay USDC to a G or M address."""
    return (
        draft.builder()
        .append_payment_op(destination, Asset(USDC_CODE, usdc_issuer), format_exact(amount_stroops))
        .add_memo(memo)
        .build()
    )


def xlm_payment(draft: Draft, *, destination: str, amount_stroops: int) -> TransactionEnvelope:
    """Pay the network's own currency, for fees, to an account that exists."""
    return (
        draft.builder()
        .append_payment_op(destination, Asset.native(), format_exact(amount_stroops))
        .build()
    )


def memo_of(memo: str | None, memo_type: str | None) -> Memo:
    """The network's memo; a memo without a type is text. Raises: ValueError, saying what is wrong.

    text: at most 28 bytes of UTF-8. id: an unsigned 64-bit number. hash, return: 64 hex digits.
    """
    kind = memo_type or ("text" if memo else "none")
    if kind == "none":
        if memo:
            raise ValueError("there is a memo, but its type says there is none")
        return NoneMemo()
    make = _MEMOS.get(kind)
    if make is None:
        raise ValueError("the memo's type must be text, id, hash or return")
    if not memo:
        raise ValueError(f"a memo of type {kind} may not be empty")
    try:
        return make(memo)
    except (MemoInvalidException, ValueError) as exc:
        raise ValueError(f"the memo is not valid as {kind}") from exc


def _id_memo(memo: str) -> Memo:
    if not (memo.isascii() and memo.isdigit() and int(memo) <= _MAX_MEMO_ID):
        raise ValueError("not an unsigned 64-bit number")
    return IdMemo(int(memo))


_MEMOS: Final[dict[str, Callable[[str], Memo]]] = {
    "text": lambda memo: TextMemo(memo),
    "id": _id_memo,
    "hash": lambda memo: HashMemo(memo),
    "return": lambda memo: ReturnHashMemo(memo),
}

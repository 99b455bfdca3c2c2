"""Whether a payment of ours could arrive, from the facts of both accounts. Pure.

A payment that would fail on chain costs a fee and a sequence number, and one without the memo an
exchange asks for arrives but is lost to its owner; both are refused before anything is signed.
Source: SEP-23 (addresses), SEP-29 (required memos).
"""

from typing import Final

from stellar_sdk import MuxedAccount, StrKey
from stellar_sdk.exceptions import SdkError

from offerhub.domain.money import format_exact
from offerhub.ports.chain import ChainAccount
from offerhub.ports.errors import Rejected
from offerhub.providers.stellar.client import PROVIDER

DESTINATION_INVALID: Final = "WITHDRAWAL_DESTINATION_INVALID"


def account_of(destination: str) -> str:
    """The G address that a G or M address pays.

    Raises: Rejected (WITHDRAWAL_DESTINATION_INVALID) for anything else: seeds, contracts, typos.
    """
    if StrKey.is_valid_ed25519_public_key(destination):
        return destination
    if StrKey.is_valid_med25519_public_key(destination):
        try:
            return MuxedAccount.from_account(destination).account_id
        except (SdkError, ValueError) as exc:
            raise refused("the muxed address cannot be read", "op_malformed") from exc
    # Not repeated in the message: what was typed may be a secret seed.
    raise refused("the destination is neither a G nor an M address", "op_malformed")


def check_receiver(
    receiver: ChainAccount | None, *, destination: str, amount_stroops: int, has_memo: bool
) -> None:
    """Raises: Rejected (WITHDRAWAL_DESTINATION_INVALID) when the payment could not arrive."""
    if receiver is None:
        raise refused(f"the account {destination} does not exist", "op_no_destination")
    if not receiver.has_trustline:
        raise refused(f"{destination} has no USDC trustline", "op_no_trust")
    if not receiver.authorized:
        raise refused(f"the USDC trustline of {destination} is frozen", "op_not_authorized")
    if receiver.usdc_room_stroops < amount_stroops:
        room = format_exact(receiver.usdc_room_stroops)
        raise refused(f"{destination} can take only {room} USDC more", "op_line_full")
    if receiver.memo_required and not has_memo and not destination.startswith("M"):
        raise refused(f"{destination} asks for a memo and there is none", "memo_required")


def check_payer(payer: ChainAccount, *, amount_stroops: int, fee_stroops: int) -> None:
    """Raises: Rejected when `payer` cannot pay the amount, or the fee in XLM."""
    who = payer.address
    if not payer.has_trustline:
        raise broken(f"the wallet {who} has no USDC trustline", "op_src_no_trust")
    if not payer.authorized:
        raise broken(f"the USDC of the wallet {who} is frozen", "op_src_not_authorized")
    if payer.usdc_stroops < amount_stroops:
        raise Rejected(
            f"the wallet {who} holds {format_exact(payer.usdc_stroops)} USDC on chain and should"
            f" pay {format_exact(amount_stroops)}",
            provider=PROVIDER,
            code="op_underfunded",
            error_code="INSUFFICIENT_FUNDS",
        )
    check_xlm(payer, fee_stroops)


def check_xlm(payer: ChainAccount, needed_stroops: int) -> None:
    """Raises: Rejected when `payer` cannot spend that much XLM and keep its reserve."""
    if payer.xlm_stroops < needed_stroops:
        raise broken(
            f"{payer.address} can spend {format_exact(payer.xlm_stroops)} XLM and needs"
            f" {format_exact(needed_stroops)}: send it some",
            "tx_insufficient_balance",
        )


def refused(message: str, code: str) -> Rejected:
    """The refusal of a destination, or of the memo that goes with it."""
    return Rejected(message, provider=PROVIDER, code=code, error_code=DESTINATION_INVALID)


def broken(message: str, code: str) -> Rejected:
    return Rejected(message, provider=PROVIDER, code=code, error_code="STELLAR_NETWORK_ERROR")

"""Where a withdrawal may go: checked before any money is held.

Source of the chain's rules: SEP-29 (memo required), SEP-23 (M addresses), Stellar trustlines.
"""

from offerhub.domain.errors import OfferHubError
from offerhub.services.context import Context
from offerhub.services.users import require_active
from offerhub.store import users as users_store
from offerhub.store.database import connection

MAX_MEMO_BYTES = 28


def check_destination(
    ctx: Context,
    *,
    user_id: str,
    amount_stroops: int,
    destination_type: str,
    destination_ref: str,
    destination_memo: str | None = None,
) -> None:
    """Ask the chain or Airtm whether the destination can be paid. Not inside a transaction.

    Raises: USER_NOT_FOUND, USER_SUSPENDED, WITHDRAWAL_DESTINATION_INVALID, AIRTM_USER_NOT_LINKED;
    provider failures.
    """
    with connection():
        user = require_active(user_id)
    if destination_type == "BANK":
        raise refuse_bank()
    if destination_type == "CRYPTO":
        check_chain(ctx, destination_ref, memo=destination_memo, amount_stroops=amount_stroops)
    else:
        check_airtm(ctx, user, destination_ref)


def check_chain(ctx: Context, address: str, *, memo: str | None, amount_stroops: int) -> None:
    """An account that exists, trusts our USDC with room for the amount, and gets its memo.

    Raises: WITHDRAWAL_DESTINATION_INVALID; provider failures.
    """
    base = ctx.app.chain.base_address(address)
    if base is None:
        raise _invalid("The address is not a Stellar account (G…) or muxed account (M…).")
    if memo is not None and len(memo.encode()) > MAX_MEMO_BYTES:
        raise _invalid("The memo is longer than 28 bytes.")
    if memo is not None and base != address:
        raise _invalid("A muxed address carries its own id; leave the memo out.")
    keys = ctx.app.platform_keys
    with connection():
        ours = users_store.wallet_by_address(base) is not None
    if ours or base in {keys.treasury.address, keys.release.address, keys.resolver.address}:
        raise _invalid("The address is one of our own wallets.")
    account = ctx.app.chain.account(base)
    if account is None:
        raise _invalid("The account does not exist on the network.")
    if not account.has_trustline or not account.authorized:
        raise _invalid("The account cannot hold USDC: its trustline is missing or frozen.")
    if account.usdc_room_stroops < amount_stroops:
        raise _invalid("The account's trustline has no room for this amount.")
    if account.memo_required and memo is None and base == address:
        raise _invalid("The account requires a memo.")


def check_airtm(ctx: Context, user: users_store.User, email: str) -> None:
    """The user's own linked account, active at Airtm.

    Raises: AIRTM_USER_NOT_LINKED, WITHDRAWAL_DESTINATION_INVALID; provider failures.
    """
    if user.airtm_user_id is None:
        raise OfferHubError(code="AIRTM_USER_NOT_LINKED", user_id=user.id)
    account = ctx.app.payments.find_account(email)
    if account is None or not account.active:
        raise _invalid("Airtm knows no active account with this e-mail address.")
    if account.provider_id != user.airtm_user_id:
        raise _invalid("The e-mail address belongs to another Airtm account than the linked one.")


def refuse_bank() -> OfferHubError:
    """No adapter can pay banks."""
    return _invalid("Bank payouts are not available in this deployment.")


def _invalid(message: str) -> OfferHubError:
    return OfferHubError(message, code="WITHDRAWAL_DESTINATION_INVALID")

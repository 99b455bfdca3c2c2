"""XLM for the fees of what wallets sign. It is no money of the books: there everything is USD.

A user's wallet starts with a few XLM and signs until they are gone; before that it is refilled
from the treasury by an operation of its own, and whoever needs the wallet waits for it.
Not here: the payment itself (`flows.wallet_fuel`).
Source: docs/money.md, "XLM"; docs/decisions on who pays the network's fees.
"""

from typing import Final

from offerhub.domain.money import format_exact
from offerhub.services import operations
from offerhub.services.context import Context
from offerhub.services.steps import AwaitsXlm, Run
from offerhub.store import operations as operations_store
from offerhub.store import users as users_store
from offerhub.store.database import atomic, connection

# The network's words for a fee that cannot be paid, and for one that it does not take.
NO_XLM: Final = "tx_insufficient_balance"
FEE_REFUSALS: Final = frozenset({NO_XLM, "tx_insufficient_fee"})


def require_for_signing(run: Run, user_id: str) -> None:
    """Make sure that a user's wallet can pay fees before it signs. Not inside a transaction.

    Raises: AwaitsXlm when it must be refilled first, which is then asked for; provider failures.
    """
    with connection():
        wallet = users_store.wallet_of(user_id)
    if wallet is None:
        return
    account = run.app.chain.account(wallet.address)
    if account is None or account.xlm_stroops >= run.app.policy.wallet_xlm_low_stroops:
        return
    operation_id = ask(run.ctx, user_id)
    raise AwaitsXlm(
        f"wallet {wallet.address} can spend {format_exact(account.xlm_stroops)} XLM;"
        f" {operation_id} refills it"
    )


def require_for_platform(run: Run, address: str) -> None:
    """Raises: AwaitsXlm while a wallet of the platform is short of XLM; provider failures."""
    account = run.app.chain.account(address)
    if account is not None and account.xlm_stroops < run.app.policy.platform_xlm_low_stroops:
        raise AwaitsXlm(
            f"the platform's wallet {address} can spend {format_exact(account.xlm_stroops)} XLM:"
            " send it some"
        )


def ask(ctx: Context, user_id: str, *, at_any_rate: bool = False) -> str:
    """Have a user's wallet refilled, once at a time; the operation's id. Commits.

    at_any_rate: although it holds as much as usually is enough.
    """
    with atomic():
        wallet = users_store.wallet_of_for_update(user_id)
        if wallet is None:
            raise LookupError(f"user {user_id} has no wallet")
        live = operations_store.live(operations.WALLET_FUEL, wallet.id)
        if live is not None:
            return str(live.id)
        row = operations.start(
            ctx, kind=operations.WALLET_FUEL, subject_type="wallet", subject_id=wallet.id,
            params={"user_id": user_id, "address": wallet.address, "at_any_rate": at_any_rate},
        )  # fmt: skip
        return str(row.id)

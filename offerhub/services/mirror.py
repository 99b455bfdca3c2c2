"""Comparing asset accounts with the place where the money sits. A difference is never overwritten.

Both sides move while they are read, so a difference counts only if our side stood still, nothing
is under way on that place, and it is still there on a second look.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from offerhub.ledger import accounts, journal
from offerhub.ports.errors import ProviderFailure
from offerhub.services import deposits
from offerhub.services.context import Context
from offerhub.store import operations as operations_store
from offerhub.store import orders as orders_store
from offerhub.store import users as users_store
from offerhub.store.database import atomic, connection


@dataclass(frozen=True, slots=True)
class Compared:
    """One asset account. `theirs` None: the provider could not be asked, `error` says why.

    `settled` is false while something is under way there: then a difference proves nothing.
    """

    account: str
    place: str | None
    ours: int
    theirs: int | None
    settled: bool
    error: str | None = None

    @property
    def differs(self) -> bool:
        return self.settled and self.theirs is not None and self.theirs != self.ours


def compare(ctx: Context, names: Sequence[str]) -> list[Compared]:
    """Each account against its place. Not inside a transaction; reads deposits on first."""
    return [_twice(ctx, name) for name in names]


def asset_accounts(ctx: Context) -> list[str]:
    """Every asset account that can hold anything: rails, wallets, funded contracts."""
    with connection():
        wallets = [accounts.wallet(w.user_id) for w in users_store.active_wallets()]
        contracts = [accounts.contract(e.order_id) for e in orders_store.escrows_with_contract()]
    return [accounts.AIRTM_TREASURY, accounts.STELLAR_TREASURY, *wallets, *contracts]


def _twice(ctx: Context, name: str) -> Compared:
    first = _once(ctx, name)
    return _once(ctx, name) if first.differs else first


def _once(ctx: Context, name: str) -> Compared:
    place: str | None = None
    try:
        place = _place(ctx, name)
        if place is None:
            return Compared(
                name, None, _ours(name), None, settled=True, error="it has no place yet"
            )
        _catch_up(ctx, name)
        before, quiet = _ours(name), _is_quiet(place)
        theirs = _theirs(ctx, name, place)
        after = _ours(name)
        return Compared(name, place, after, theirs, settled=quiet and before == after)
    except ProviderFailure as failure:
        return Compared(name, place, _ours(name), None, settled=True, error=failure.message[:200])


def _place(ctx: Context, name: str) -> str | None:
    if name == accounts.AIRTM_TREASURY:
        return "airtm"
    if name == accounts.STELLAR_TREASURY:
        return ctx.app.platform_keys.treasury.address
    subject = name.split(":", 1)[1]
    with connection():
        if name.startswith("stellar.wallet:"):
            wallet = users_store.wallet_of(subject)
            return wallet.address if wallet else None
        escrow = orders_store.escrow_of(subject)
        return escrow.trustless_contract_id if escrow else None


def _catch_up(ctx: Context, name: str) -> None:
    """Credit what has arrived, so that it does not look like a difference."""
    if name == accounts.STELLAR_TREASURY:
        deposits.read_treasury(ctx)
    elif name.startswith("stellar.wallet:"):
        with connection():
            wallet = users_store.wallet_of(name.split(":", 1)[1])
        if wallet is not None and wallet.status == "ACTIVE":
            deposits.read_wallet(ctx, wallet.id)


def _ours(name: str) -> int:
    with atomic():
        return journal.balance(name)


def _is_quiet(place: str) -> bool:
    """Whether no operation can be moving money there."""
    with connection():
        if place == "airtm":
            return not operations_store.any_pending(("topup.", "withdrawal.airtm"))
        if place.startswith("C"):
            escrow = orders_store.escrow_by_contract(place)
            return escrow is None or not operations_store.any_live_for_order(escrow.order_id)
        return not operations_store.any_pending(())


def _theirs(ctx: Context, name: str, place: str) -> int:
    if place == "airtm":
        balance = ctx.app.payments.enterprise_balance()
        return balance.available_stroops + balance.pending_stroops
    if place.startswith("C"):
        with connection():
            escrow = orders_store.escrow_by_contract(place)
        multi = escrow is not None and escrow.kind == "MULTI_RELEASE"
        facts = ctx.app.escrows.read(place, multi_release=multi)
        return facts.balance_stroops if facts else 0
    account = ctx.app.chain.account(place)
    return account.usdc_stroops if account else 0

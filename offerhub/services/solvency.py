"""Whether each rail can pay what it may have to, by the books, and what it holds, when asked.

Users are owed on no rail in particular: what is available may be withdrawn by Airtm or on chain.
But what is committed names its rail. Airtm has to pay the withdrawals to Airtm. On chain, reserved
money has to reach a contract and withdrawals an address, each from its user's own wallet, and what
that wallet lacks comes from the treasury. So a rail is solvent if it covers what is committed on
it, and the whole is solvent if all assets cover all that is owed.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from offerhub.ledger import accounts, checks
from offerhub.ports.errors import ProviderFailure
from offerhub.services.context import Context
from offerhub.services.representations import money, timestamp
from offerhub.services.xlm import platform_xlm
from offerhub.store import ledger as ledger_store
from offerhub.store import treasury_snapshots as snapshots_store
from offerhub.store import withdrawals as withdrawals_store
from offerhub.store.database import atomic, connection, snapshot

KEPT_MS = 400 * 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class _Rail:
    """`committed` has to be paid from `spendable`, the part that is no user's wallet. Stroops."""

    name: str
    holds: int
    spendable: int
    committed: int

    @property
    def short(self) -> int:
        return max(0, self.committed - self.spendable)

    def shown(self) -> dict[str, Any]:
        return {
            "rail": self.name,
            **money("holds", self.holds),
            **money("spendable", self.spendable),
            **money("committed", self.committed),
            **money("shortage", self.short),
            "solvent": self.short == 0,
        }


@dataclass(frozen=True, slots=True)
class _Books:
    """What the books say of one moment; stroops. `owed` is by kind of account.

    `difference` is of the balance sheet and always zero, or the books are broken.
    """

    owed: dict[str, int]
    difference: int
    missing: int
    in_contracts: int
    in_wallets: int
    in_transit: int
    rails: tuple[_Rail, _Rail]


def at_a_glance() -> tuple[int, dict[str, int]]:
    """The balance sheet's difference, and what each rail is short of by the books; stroops.

    Reads every entry. Not inside a transaction.
    """
    books = _of_books()
    return books.difference, {rail.name: rail.short for rail in books.rails}


def view(ctx: Context, *, ask: bool = False) -> dict[str, Any]:
    """Per rail and as a whole, of one moment. Not inside a transaction when `ask`.

    ask: also ask Airtm and the chain what they hold; one that does not answer is null there.
    """
    books = _of_books()
    theirs = _theirs(ctx) if ask else (None, None)
    return {
        "solvent": books.missing == 0 and all(rail.short == 0 for rail in books.rails),
        **money("shortage", books.missing),
        **money("available", books.owed[accounts.AVAILABLE]),
        **money("reserved", books.owed[accounts.RESERVED]),
        **money("withdrawing", books.owed[accounts.WITHDRAWING]),
        **money("in_escrow", books.owed["escrow"]),
        **money("in_contracts", books.in_contracts),
        **money("in_wallets", books.in_wallets),
        **money("in_transit", books.in_transit),
        "rails": [
            {**rail.shown(), **money("theirs", seen)}
            for rail, seen in zip(books.rails, theirs, strict=True)
        ],
        "xlm": _xlm(ctx) if ask else None,
    }


def take_snapshot(ctx: Context) -> dict[str, Any]:
    """Keep the view of this moment; old ones are deleted. Commits."""
    shown = view(ctx)
    now = ctx.now_ms()
    with atomic():
        snapshots_store.insert(at=now, solvent=shown["solvent"], view=shown)
        snapshots_store.purge(before=now - KEPT_MS)
    return shown


def history(_: Context, *, limit: int) -> list[dict[str, Any]]:
    """Kept views, newest first, each with its moment."""
    with connection():
        rows = snapshots_store.newest(limit=limit)
    return [{"taken_at": timestamp(row.id), **row.view} for row in rows]


def _of_books() -> _Books:
    """One moment of the books. Not inside a transaction."""
    with snapshot():
        sheet = checks.sheet()
        cached = ledger_store.cached_all()
        to_airtm = withdrawals_store.withdrawing_to_airtm()
    owed: dict[str, int] = defaultdict(int)
    committed: dict[str, int] = defaultdict(int)
    for name, balance in cached.items():
        kind = accounts.kind(name)
        owed[kind] += balance
        if kind in {accounts.RESERVED, accounts.WITHDRAWING}:
            committed[str(accounts.owner(name))] += balance
    for user_id, amount in to_airtm.items():
        committed[user_id] -= amount
    wallets = {
        name.split(":", 1)[1]: amount
        for name, amount in sheet.assets.items()
        if name.startswith("stellar.wallet:")
    }
    lacking = sum(max(0, due - wallets.get(user, 0)) for user, due in committed.items())
    airtm = sheet.assets.get(accounts.AIRTM_TREASURY, 0)
    treasury = sheet.assets.get(accounts.STELLAR_TREASURY, 0)
    in_wallets = sum(wallets.values())
    return _Books(
        owed=owed,
        difference=sheet.difference_stroops,
        missing=max(0, sheet.liabilities_stroops - sheet.assets_stroops),
        in_contracts=_sum(sheet.assets, "escrow.contract:"),
        in_wallets=in_wallets,
        in_transit=_sum(sheet.assets, "in_transit:"),
        rails=(
            _Rail("AIRTM", holds=airtm, spendable=airtm, committed=sum(to_airtm.values())),
            _Rail("STELLAR", holds=treasury + in_wallets, spendable=treasury, committed=lacking),
        ),
    )


def _sum(assets: dict[str, int], prefix: str) -> int:
    return sum(amount for name, amount in assets.items() if name.startswith(prefix))


def _theirs(ctx: Context) -> tuple[int | None, int | None]:
    """What Airtm says that we have, and the USDC of the treasury's wallet."""
    airtm = stellar = None
    try:
        balance = ctx.app.payments.enterprise_balance()
        airtm = balance.available_stroops + balance.pending_stroops
    except ProviderFailure:
        pass  # null says so
    try:
        account = ctx.app.chain.account(ctx.app.platform_keys.treasury.address)
        stellar = account.usdc_stroops if account else 0
    except ProviderFailure:
        pass
    return airtm, stellar


def _xlm(ctx: Context) -> list[dict[str, Any]] | None:
    try:
        return [wallet.shown() for wallet in platform_xlm(ctx)]
    except ProviderFailure:
        return None

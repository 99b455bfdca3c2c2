"""Users' wallets against the chain, within a budget of calls.

One call per wallet tells its USDC and its XLM. Only a wallet that differs is looked at more
closely. A run looks at the wallets that moved since the last one, then at others in their turn.
"""

from collections.abc import Callable

from offerhub.domain.differences import Difference
from offerhub.ledger import accounts, journal
from offerhub.ports.chain import ChainAccount
from offerhub.ports.errors import ProviderFailure
from offerhub.services import deposits, fuel
from offerhub.services.comparing import history, lagging
from offerhub.services.comparing.findings import GRACE_MS, Found, Section
from offerhub.services.comparing.rounds import Round
from offerhub.services.comparing.touching import under_way
from offerhub.services.context import Context
from offerhub.store import comparisons
from offerhub.store import users as store
from offerhub.store.database import atomic, connection

LOOKS = 3


def compare(ctx: Context, *, since: int, calls: int) -> Section:
    """Not inside a transaction; credits deposits that it comes upon.

    since: wallets with entries from this moment on are looked at first. calls: about how many
    calls of Horizon this may cost.
    """
    section = Section("wallets")
    turn = Round("wallets")
    limit = max(1, calls)
    with connection():
        section.total = comparisons.count_active_wallets()
        moved = comparisons.wallets_moved(since=since, limit=limit)
        left = limit - len(moved)
        others = comparisons.active_wallets(after=turn.after, limit=max(0, left))
    known = {wallet.id for wallet in moved}
    for wallet in [*moved, *(one for one in others if one.id not in known)]:
        look_at(ctx, section, wallet)
    if left > 0:
        turn.advance(ctx, [one.id for one in others], section, ended=len(others) < left)
    elif section.checked < section.total:
        section.notes.append(f"{section.checked} that moved, of {section.total}; the others wait")
    return section


def look_at(ctx: Context, section: Section, wallet: store.Wallet) -> None:
    """One wallet, as often as it takes for it to stand still, at most LOOKS times."""
    began = ctx.now_ms()
    busy = False
    try:
        for look in range(LOOKS):
            busy = wallet.user_id in under_way().users if look else False
            with atomic():
                before = journal.balance(accounts.wallet(wallet.user_id))
            account = ctx.app.chain.account(wallet.address)
            with atomic():
                ours = journal.balance(accounts.wallet(wallet.user_id))
            theirs = account.usdc_stroops if account is not None else 0
            if account is None and lagging.is_fresh(ctx, wallet.updated_at):
                section.moving += 1
                return
            if theirs == ours or account is None:
                section.checked += 1
                section.found += _state(ctx, wallet, account, ours=ours)
                return
            # Something arrived that is not credited yet, or it moves just now.
            deposits.read_wallet(ctx, wallet.id)
            _note_late(ctx, section, wallet, began_ms=began)
            busy = busy or wallet.user_id in under_way().users or before != ours
        if busy or lagging.held_lately(ctx, accounts.wallet(wallet.user_id), theirs):
            section.moving += 1
            return
        section.checked += 1
        section.found += _state(ctx, wallet, account, ours=ours)
        section.found += history.explain(ctx, wallet, ours=ours, theirs=theirs)
    except ProviderFailure as failure:
        section.failed(wallet.address, failure)


def _note_late(ctx: Context, section: Section, wallet: store.Wallet, *, began_ms: int) -> None:
    """A deposit that this run had to read although the reader has had its time is an alarm."""
    with connection():
        read = comparisons.deposits_since(wallet.id, since=began_ms)
    told = {found.subject for found in section.found}
    section.found += [
        Found(
            Difference.DEPOSIT_UNREAD, "deposit", one.id, wallet.address, ours=0,
            theirs=one.amount, user_ids=(wallet.user_id,), repair=lambda: True,
            detail={"transaction_hash": one.transaction_hash, "wallet_id": wallet.id},
        )
        for one in read
        if one.occurred_at < began_ms - GRACE_MS and one.id not in told
    ]  # fmt: skip


def _state(
    ctx: Context, wallet: store.Wallet, account: ChainAccount | None, *, ours: int
) -> list[Found]:
    def found(
        kind: Difference,
        *,
        ours: int,
        theirs: int | None = None,
        repair: Callable[[], bool] | None = None,
    ) -> Found:
        return Found(
            kind,
            "wallet",
            wallet.id,
            wallet.address,
            ours=ours,
            theirs=theirs,
            user_ids=(wallet.user_id,),
            detail={"user_id": wallet.user_id},
            repair=repair,
        )

    if account is None:
        return [found(Difference.WALLET_MISSING, ours=ours, theirs=0)]
    states = []
    if not (account.has_trustline and account.authorized):
        states.append(found(Difference.WALLET_FROZEN, ours=ours))
    least = ctx.app.policy.wallet_xlm_low_stroops
    if account.xlm_stroops < least:
        # It would be refilled before it signs next; better now, while nobody waits for it.
        low = found(
            Difference.XLM_LOW, ours=least, theirs=account.xlm_stroops,
            repair=lambda: bool(fuel.ask(ctx, wallet.user_id)),
        )  # fmt: skip
        states.append(low)
    return states

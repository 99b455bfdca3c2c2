"""One user's wallet against the chain, on request. A difference is never overwritten.

Both sides move while they are read, so a difference counts only if our side stood still, nothing
that touches the wallet is under way, and it is still there on a second look.
Not here: everything at once (`reconciliation`).
"""

from dataclasses import dataclass

from offerhub.ledger import accounts, journal
from offerhub.ports.errors import ProviderFailure
from offerhub.services import deposits
from offerhub.services.comparing import lagging
from offerhub.services.comparing.touching import under_way
from offerhub.services.context import Context
from offerhub.store import users as users_store
from offerhub.store.database import atomic, connection


@dataclass(frozen=True, slots=True)
class Compared:
    """One wallet. `theirs` None: the chain could not be asked, `error` says why.

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


def compare_wallet(ctx: Context, user_id: str) -> Compared:
    """Read deposits on, then look, twice if need be. Not inside a transaction."""
    first = _look(ctx, user_id)
    return _look(ctx, user_id) if first.differs else first


def _look(ctx: Context, user_id: str) -> Compared:
    account = accounts.wallet(user_id)
    with connection():
        wallet = users_store.wallet_of(user_id)
    if wallet is None:
        return Compared(account, None, _ours(account), None, settled=True, error="no wallet yet")
    try:
        if wallet.status == "ACTIVE":
            deposits.read_wallet(ctx, wallet.id)
        before, busy = _ours(account), user_id in under_way().users
        found = ctx.app.chain.account(wallet.address)
        after, busy = _ours(account), busy or user_id in under_way().users
    except ProviderFailure as failure:
        why = failure.message[:200]
        return Compared(account, wallet.address, _ours(account), None, settled=True, error=why)
    theirs = found.usdc_stroops if found else 0
    settled = not busy and before == after and not lagging.held_lately(ctx, account, theirs)
    return Compared(account, wallet.address, after, theirs, settled=settled)


def _ours(account: str) -> int:
    with atomic():
        return journal.balance(account)

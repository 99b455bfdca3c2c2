"""Whether the chain's history that the deposit reader walks through is whole.

A reader of the chain may have thrown old ledgers away (then it silently begins at its oldest one),
may show a test network that was reset, or another network. Whatever lay between would be missed,
or what is there would be credited by guess. So reading stops, a difference says why, and it goes
on when an operator has looked and closed it (`offerhub dead-letters discard`).
Source: docs/operations/deposits.md.
"""

from typing import Any, Final

from offerhub.domain.differences import Difference as Class
from offerhub.ports.chain import LedgerHead
from offerhub.ports.errors import ProviderFailure, Unavailable
from offerhub.services import discrepancies
from offerhub.services.context import Context
from offerhub.store import differences, leases
from offerhub.store import users as users_store
from offerhub.store.database import atomic, connection
from offerhub.store.reconciliations import Difference

SUBJECT: Final = "chain_history"
PRUNED: Final = Class.HISTORY_PRUNED.value
RESET: Final = Class.HISTORY_RESET.value
WRONG_NETWORK: Final = Class.WRONG_NETWORK.value
TREASURY_CURSOR: Final = "treasury_cursor"
TREASURY_CHECKED: Final = "treasury_checked_through"

# Replicas of a reader lie a few ledgers apart; a reset network begins far below.
RESET_MARGIN_LEDGERS: Final = 20


class HistoryBroken(Unavailable):
    """Nothing is read and credited until an operator has looked."""


def require_whole(
    ctx: Context, head: LedgerHead, *, reading: str, cursor: str, checked_through: int
) -> None:
    """Refuse to read on where something may have been missed. Not inside a transaction.

    reading: the wallet's id, or `treasury`. cursor, checked_through: up to where it was read; a
    cursor of 0 has never been read. Raises: HistoryBroken, after it was recorded; commits that.
    """
    reason = paused()
    if reason is not None:
        raise HistoryBroken(reason, provider="stellar")
    known = max(checked_through, int(cursor) >> 32)
    if known == 0:
        return
    facts = {"reading": reading, "read_through_ledger": known}
    if head.sequence + RESET_MARGIN_LEDGERS < known:
        _stop(ctx, RESET, {**facts, "latest_ledger": head.sequence})
    if known + 1 < head.oldest_sequence:
        _stop(ctx, PRUNED, {**facts, "oldest_ledger": head.oldest_sequence})


def notice(ctx: Context, failure: ProviderFailure) -> None:
    """Record that the reader shows another network. Not inside a transaction; commits."""
    if failure.code == WRONG_NETWORK:
        with atomic():
            _record(ctx, WRONG_NETWORK, {"message": failure.message[:300]})


def paused() -> str | None:
    """Why nothing is read now; None when all is well."""
    with connection():
        row = differences.newest_open(subject_id=SUBJECT)
    return None if row is None else _words(row.kind, row.detail) + f" ({row.id})"


def accept(ctx: Context, row: Difference) -> None:
    """The operator has looked: read on from what is there now. Inside the caller's transaction.

    Pruned: from the oldest ledger. Reset: from the newest of when it was noticed.
    """
    if row.kind == PRUNED:
        through = int(row.detail["oldest_ledger"]) - 1
        users_store.raise_checked_through(through)
        if leases.flag(TREASURY_CURSOR) not in (None, "0"):
            leases.set_flag(TREASURY_CHECKED, through, now=ctx.now_ms())
    elif row.kind == RESET:
        ledger = int(row.detail["latest_ledger"])
        users_store.read_again_from(ledger=ledger)
        leases.set_flag(TREASURY_CURSOR, str(ledger << 32), now=ctx.now_ms())
        leases.set_flag(TREASURY_CHECKED, ledger, now=ctx.now_ms())


def _stop(ctx: Context, kind: str, facts: dict[str, Any]) -> None:
    with atomic():
        _record(ctx, kind, facts)
    raise HistoryBroken(_words(kind, facts), provider="stellar")


def _record(ctx: Context, kind: str, facts: dict[str, Any]) -> None:
    discrepancies.record(
        ctx, kind=kind, subject=SUBJECT, subject_type="chain", ours=None, theirs=None,
        detail={"place": "stellar", **facts},
    )  # fmt: skip


def _words(kind: str, facts: dict[str, Any]) -> str:
    if kind == PRUNED:
        return (
            f"deposits are not read: the chain's history begins at ledger {facts['oldest_ledger']}"
            f" and was read through {facts['read_through_ledger']}"
        )
    if kind == RESET:
        return (
            f"deposits are not read: the network was reset, its newest ledger is"
            f" {facts['latest_ledger']} and {facts['read_through_ledger']} was read already"
        )
    return f"deposits are not read: {facts['message']}"

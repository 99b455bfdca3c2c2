"""Withdrawals that were paid on chain, each by its transaction: it is there, once, and as asked."""

from offerhub.domain.differences import Difference
from offerhub.ports.errors import ProviderFailure
from offerhub.services.comparing import lagging
from offerhub.services.comparing.findings import Found, Section
from offerhub.services.comparing.rounds import Round
from offerhub.services.context import Context
from offerhub.store import comparisons
from offerhub.store import users as users_store
from offerhub.store import withdrawals as store
from offerhub.store.database import connection

CALLS_EACH = 2  # the transaction, and its operations


def compare(ctx: Context, *, since: int, calls: int) -> Section:
    """Those that were paid since a moment, then others in their turn, within `calls` of Horizon.

    What is on chain stays there for ever; what can change is our row.
    """
    section = Section("payments on chain")
    turn = Round("payments")
    limit = max(1, calls // CALLS_EACH)
    with connection():
        rows = comparisons.paid_on_chain(since=since, after=turn.after, limit=limit)
        section.total = comparisons.count_paid_on_chain()
        shared = comparisons.shared_hashes()
    for row in rows:
        try:
            found = _judge(ctx, row)
        except (ProviderFailure, ValueError) as failure:
            if isinstance(failure, ProviderFailure):
                section.failed(row.id, failure)
                continue
            found = _found(Difference.PAYMENT_MISSING, row)  # no hash, or none that can be one
        if found is not None and lagging.is_fresh(ctx, row.updated_at):
            section.moving += 1
            continue
        section.checked += 1
        if found is not None:
            section.found.append(found)
    section.found += [
        Found(
            Difference.PAYMENT_TWICE,
            "transaction",
            hash_,
            "books",
            detail={"withdrawals": count, "transaction_hash": hash_},
        )
        for hash_, count in shared
    ]
    own_turn = [row.id for row in rows if row.updated_at < since]
    turn.advance(ctx, own_turn, section, ended=len(rows) < limit)
    return section


def _judge(ctx: Context, row: store.Withdrawal) -> Found | None:
    outcome = ctx.app.chain.transaction(row.stellar_tx_hash or "")
    if outcome is None or not outcome.successful:
        return _found(Difference.PAYMENT_MISSING, row)
    with connection():
        wallet = users_store.wallet_of(row.user_id)
    destination = ctx.app.chain.base_address(row.destination_ref)
    moved = sum(
        one.amount_stroops
        for one in outcome.transfers
        if wallet is not None and (one.source, one.destination) == (wallet.address, destination)
    )
    if (moved, outcome.memo) == (row.amount, row.destination_memo or None):
        return None
    memos = {"our_memo": row.destination_memo, "their_memo": outcome.memo}
    return _found(Difference.PAYMENT_DIFFERS, row, theirs=moved, **memos)


def _found(
    kind: Difference, row: store.Withdrawal, *, theirs: int | None = None, **more: str | None
) -> Found:
    return Found(
        kind, "withdrawal", row.id, "stellar", ours=row.amount, theirs=theirs,
        detail={"transaction_hash": row.stellar_tx_hash, "destination": row.destination_ref,
                **more},
        user_ids=(row.user_id,),
    )  # fmt: skip
